"""Maxout."""

import keras
import numpy as np
import pytest
from autodiff import gradient

from keras_saliency import layers

RNG = np.random.default_rng(0)


def test_largest_of_consecutive_features():
    x = np.array([[1, 5, -2, -3, 0, 7, 7, 1, 2]], "float32")
    result = layers.Maxout(pool_size=3)(x)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(result), [[5, 7, 7]]
    )


@pytest.mark.parametrize("shape", [(2, 8), (2, 3, 5, 8)])
def test_equals_numpy_before_and_after_saving(shape, tmp_path):
    x = RNG.standard_normal(shape).astype("float32")
    inputs = keras.Input(shape[1:])
    model = keras.Model(inputs, layers.Maxout(pool_size=4)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = x.reshape(*shape[:-1], 2, 4).max(-1)
    assert loaded.output_shape == (None, *expected.shape[1:])
    for each in (model, loaded):
        np.testing.assert_array_equal(each.predict_on_batch(x), expected)


def test_the_gradient_goes_to_the_largest():
    _, slope = gradient(layers.Maxout(pool_size=2), [[1.0, 2.0, 5.0, 3.0]])
    np.testing.assert_array_equal(slope, [[0.0, 1.0, 1.0, 0.0]])


def test_half_precision():
    layer = layers.Maxout(pool_size=2, dtype="mixed_float16")
    assert "float16" in str(layer(np.ones((1, 4), "float32")).dtype)


@pytest.mark.parametrize("size", [0, -1, 1.5])
def test_refuses_bad_sizes(size):
    with pytest.raises(ValueError, match="pool_size"):
        layers.Maxout(pool_size=size)


def test_refuses_features_that_do_not_divide():
    with pytest.raises(ValueError, match="9 features.*groups of 2"):
        layers.Maxout(pool_size=2)(np.ones((1, 9), "float32"))
