"""Weight-normalized convolution."""

import keras
import numpy as np
from autodiff import gradient

from keras_saliency import layers

X = np.random.default_rng(0).standard_normal((2, 6, 7, 3)).astype("float32")


def test_is_a_convolution_with_filters_of_the_gain_s_length(tmp_path):
    inputs = keras.Input(X.shape[1:])
    layer = layers.WeightNormalizedConv2D(filters=4, activation="relu")
    model = keras.Model(inputs, layer(inputs))
    generator = np.random.default_rng(1)
    direction = 9 * generator.standard_normal((3, 3, 3, 4))
    gain, bias = generator.standard_normal((2, 4))
    layer.set_weights([direction, gain, bias])
    plain = keras.layers.Conv2D(4, 3, padding="same", activation="relu")
    plain.build(X.shape)
    length = np.sqrt((direction**2).sum((0, 1, 2)))
    plain.set_weights([direction * gain / length, bias])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = keras.ops.convert_to_numpy(plain(X))
    assert expected.max() > 0
    for each in (model, loaded):
        np.testing.assert_allclose(
            each.predict_on_batch(X), expected, rtol=1e-4, atol=1e-5
        )


def test_the_scale_of_the_direction_does_not_matter():
    layer = layers.WeightNormalizedConv2D(filters=2)
    before = keras.ops.convert_to_numpy(layer(X))
    layer.direction.assign(7 * keras.ops.convert_to_tensor(layer.direction))
    after = keras.ops.convert_to_numpy(layer(X))
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5)


def test_three_weights_train():
    layer = layers.WeightNormalizedConv2D(filters=5)
    layer.build((None, 8, 8, 4))
    assert layer.count_params() == 3 * 3 * 4 * 5 + 5 + 5
    assert len(layer.trainable_weights) == 3


def test_finite_where_the_direction_is_zero():
    layer = layers.WeightNormalizedConv2D(filters=2, dtype="mixed_bfloat16")
    layer.build(X.shape)
    layer.direction.assign(np.zeros((3, 3, 3, 2)))
    value, slope = gradient(layer, X)
    assert value == 0
    assert np.isfinite(slope).all()
    assert "bfloat16" in str(layer(X).dtype)
