"""Local response normalization, against Caffe's definition in NumPy."""

import keras
import numpy as np
import pytest
from autodiff import central_differences, gradient

from keras_saliency import layers

X = 20 * np.random.default_rng(0).standard_normal((2, 3, 4, 7))
X = X.astype("float32")


def reference(x, size=5, alpha=1e-4, beta=0.75, k=1.0):
    x = np.asarray(x, "float64")
    result = np.empty_like(x)
    for c in range(x.shape[-1]):
        window = x[..., max(0, c - size // 2) : c + size // 2 + 1]
        energy = (window**2).sum(-1)
        result[..., c] = x[..., c] / (k + alpha / size * energy) ** beta
    return result


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"size": 3, "alpha": 0.5, "beta": 0.5, "k": 2.0},
        {"size": 1, "alpha": 1.0},
        {"size": 9, "alpha": 1e-2},
    ],
)
def test_equals_numpy_before_and_after_saving(options, tmp_path):
    inputs = keras.Input(X.shape[1:])
    layer = layers.LocalResponseNormalization(**options)
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        np.testing.assert_allclose(
            each.predict_on_batch(X), reference(X, **options), rtol=1e-5
        )


def test_by_hand():
    # The window of the first of two channels has both, and three zeros.
    x = np.array([3.0, 4.0], "float32").reshape(1, 1, 1, 2)
    layer = layers.LocalResponseNormalization(size=5, alpha=5.0, beta=0.5)
    result = keras.ops.convert_to_numpy(layer(x))[0, 0, 0]
    np.testing.assert_allclose(result, np.array([3, 4]) / 26**0.5, rtol=1e-6)


def test_gradient():
    x = X[:1, :1, :2]
    options = {"alpha": 0.1}
    _, slope = gradient(layers.LocalResponseNormalization(**options), x)
    expected = central_differences(lambda v: reference(v, **options).sum(), x)
    np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_finite_at_zero_and_for_large_values(dtype):
    layer = layers.LocalResponseNormalization(dtype=dtype)
    x = np.zeros((1, 1, 2, 7), "float32")
    # Its square is beyond float16.
    x[0, 0, 1] = 3e4
    result, slope = gradient(layer, x)
    assert np.isfinite(result)
    assert np.isfinite(slope).all()
    values = keras.ops.convert_to_numpy(layer(x)).astype("float32")
    np.testing.assert_allclose(values, reference(x), rtol=2e-3)


@pytest.mark.parametrize("options", [{"size": 4}, {"alpha": -1}, {"k": 0}])
def test_refuses_bad_arguments(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        layers.LocalResponseNormalization(**options)
