"""PDP."""

import keras
import numpy as np
import pytest

from keras_saliency import models

SMALL = {
    "backbone_weights": None,
    "filters": (2, 2, 3, 3, 4),
    "reduction": (3, 2),
}


def test_parameters_and_sizes():
    model = models.PDP(backbone_weights=None)
    # VGG-16's convolutions, and 512 to 128, 64 and 1.
    assert model.count_params() == 14_714_688 + 589_952 + 73_792 + 65
    assert model.map_size == (30, 40)


def test_a_softmax_of_any_size():
    model = models.PDP((None, None, 3), **SMALL)
    logits = keras.Model(model.input, model.get_layer("projection").output)
    for size in ((32, 48), (50, 33)):
        images = np.random.default_rng(0).integers(0, 256, (1, *size, 3))
        found = keras.ops.convert_to_numpy(model(images.astype("uint8")))
        x = keras.ops.convert_to_numpy(logits(images.astype("uint8")))
        assert found.shape == (1, size[0] // 16, size[1] // 16, 1)
        expected = np.exp(x) / np.exp(x).sum()
        np.testing.assert_allclose(found / found.sum(), expected, rtol=1e-5)
        assert found.max() == 1
        image = images[0].astype("uint8")
        assert model.saliency_map(image).shape == size


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (15, 48, 3)}, "sides of at least 16"),
        ({"frozen_blocks": 6}, "frozen_blocks"),
        ({"backbone_weights": "w.h5"}, "w.h5.*filters"),
    ],
)
def test_refuses_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        models.PDP(**{"input_shape": (32, 48, 3), **SMALL, **options})
