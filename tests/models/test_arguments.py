"""The arguments that all networks have."""

import warnings

import keras
import numpy as np
import pytest

from keras_saliency import models
from keras_saliency.models.arguments import check_input_shape


@pytest.mark.parametrize(
    "shape",
    [
        32,
        None,
        "32",
        (32, 48),
        (32, 48, 1),
        (32.0, 48, 3),
        ("32", 48, 3),
        (31, 48, 3),
        (-32, 48, 3),
        (None, None, 3),
    ],
)
def test_what_is_no_size_is_refused(shape):
    with pytest.raises(ValueError, match=r"\(height, width, 3\).*received \("):
        check_input_shape(shape, least=32)


def test_sizes():
    check_input_shape((32, np.int64(48), 3), least=32, multiple=16)
    check_input_shape([None, None, 3], any_size=True)


def counts(model):
    return len(model.trainable_variables), len(model.weights)


def test_layers_that_were_frozen_stay_so_and_the_optimizer_goes_on(tmp_path):
    model = models.FastNet((32, 32, 3))
    assert "layers_trainable" not in model.get_config()
    for layer in model.layers[:8]:
        layer.trainable = False
    model.compile("adam", "mse", run_eagerly=True)
    images = np.zeros((2, 32, 32, 3), "uint8")
    target = np.ones((2, *model.map_size, 2), "float32")
    model.fit(images, target, verbose=0)
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert counts(loaded) == counts(model)
    assert counts(model) < counts(models.FastNet((32, 32, 3)))
    assert loaded.get_config() == model.get_config()
    states = [len(each.optimizer.variables) for each in (loaded, model)]
    assert states[0] == states[1]


def test_thawed_layers_and_those_within_others():
    model = models.Baseline((32, 48, 3), backbone="tiny")
    before = counts(model)
    model.backbone.trainable = True
    again = models.Baseline.from_config(model.get_config())
    assert counts(again) == counts(model) > before
    head = model.head.get_layer("saliency")
    head.aspp.trainable = False
    again = models.Baseline.from_config(model.get_config())
    assert counts(again) == counts(model)
    assert not again.head.get_layer("saliency").aspp.trainable
    assert again.head.get_layer("saliency").reduction.trainable
    model.trainable = False
    again = models.Baseline.from_config(model.get_config())
    assert counts(again)[0] == 0 and not again.trainable


def test_a_file_of_another_number_of_layers():
    model = models.FastNet((32, 32, 3))
    config = {**model.get_config(), "layers_trainable": [True, False]}
    with pytest.warns(UserWarning, match="says of 2 layers whether"):
        again = models.FastNet.from_config(config)
    assert counts(again) == counts(model)
