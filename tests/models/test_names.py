"""One name, one model."""

import keras
import numpy as np
import pytest

from keras_saliency import models
from keras_saliency.models.classic import CLASSIC, GBVS

# Published names are in tests/weights.


def test_what_is_a_model_is_returned_as_it_is():
    class Own:
        def saliency_map(self, image):
            return image[..., 0]

    inputs = keras.Input((8, 8, 3))
    for model in (Own(), GBVS(), keras.Model(inputs, inputs)):
        assert models.get(model) is model


def test_classic_models():
    for name, cls in CLASSIC.items():
        assert models.get(name) == cls()


def test_files(tmp_path):
    inputs = keras.Input((16, 24, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 3)(inputs))
    model.compile("adam", "mse")
    model.save(tmp_path / "own.KERAS.keras")
    for path in (tmp_path / "own.KERAS.keras", f"{tmp_path}/own.KERAS.keras"):
        loaded = models.get(path)
        assert not loaded.compiled
        for ours, theirs in zip(
            loaded.get_weights(), model.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "bad.keras").write_bytes(b"PK\3\4 cut")
    with pytest.raises(ValueError, match="bad.keras cannot be read as a"):
        models.get(tmp_path / "bad.keras")


@pytest.mark.parametrize(
    ("identifier", "error", "message"),
    [
        (3, ValueError, "received int"),
        (None, ValueError, "received NoneType"),
        ("none.keras", FileNotFoundError, "no model none.keras"),
        ("gvbs", FileNotFoundError, "Published are .*best.*classic .*gbvs"),
        ("fast_net", FileNotFoundError, "without training.*models.FastNet"),
    ],
)
def test_what_is_no_model(identifier, error, message):
    with pytest.raises(error, match=message) as caught:
        models.get(identifier)
    assert isinstance(caught.value, ValueError)
