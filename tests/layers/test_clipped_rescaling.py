"""Rescaling of a linear output to [0, 1]."""

import keras
import numpy as np
from autodiff import gradient
from keras import ops

from keras_saliency import layers

X = np.array([[-3.0, -0.5, 0.5, 3.0]], "float32")


def test_equals_numpy_before_and_after_saving(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(
        inputs, layers.ClippedRescaling(scale=0.4, offset=0.3)(inputs)
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        np.testing.assert_allclose(
            each.predict_on_batch(X), np.clip(0.4 * X + 0.3, 0, 1), rtol=1e-6
        )


def test_what_is_clipped_keeps_the_gradient_that_brings_it_back():
    layer = layers.ClippedRescaling(scale=0.5, offset=0.5)
    for sign, expected in (
        (1.0, [[0.0, 0.5, 0.5, 0.5]]),
        (-1.0, [[-0.5, -0.5, -0.5, 0.0]]),
    ):
        _, slope = gradient(lambda x, sign=sign: sign * layer(x), X)
        np.testing.assert_allclose(slope, expected)


def test_the_squared_error_s_gradient_keeps_its_sign():
    layer = layers.ClippedRescaling(scale=0.5, offset=0.5)
    target = np.array([[0.2, 0.0, 1.0, 0.9]], "float32")
    _, slope = gradient(lambda x: ops.square(ops.subtract(layer(x), target)), X)
    plain = 2 * 0.5 * (0.5 * X + 0.5 - target)
    np.testing.assert_array_equal(np.sign(slope), np.sign(plain))
