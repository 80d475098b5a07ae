"""What several networks end with."""

import keras
import numpy as np
import pytest
from autodiff import compiled, gradient
from keras import ops

from keras_saliency.models.endings import resized


@pytest.mark.parametrize("size", [(7, 9), (5, 4), (3, 8), (1, 1)])
def test_the_nearest_place_and_its_gradient_compiled(size):
    """Of Keras' own, XLA, TensorFlow's default on a GPU, has no gradient."""
    maps = np.random.default_rng(0).random((2, 3, 4, 2)).astype("float32")
    inputs = keras.Input(maps.shape[1:])
    network = keras.Model(inputs, resized(inputs, size, "nearest"))
    weights = np.random.default_rng(1).random((2, *size, 2))
    weights = ops.convert_to_tensor(weights, "float32")

    def total(x):
        return ops.sum(weights * network(x))

    def keras_own(x):
        x = ops.image.resize(
            x, size, interpolation="nearest", data_format="channels_last"
        )
        return ops.sum(weights * x)

    for found, expected in zip(
        compiled(total, maps), gradient(keras_own, maps), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5)
