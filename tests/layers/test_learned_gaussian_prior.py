"""Learned Gaussians against their formula in NumPy."""

import keras
import numpy as np
import pytest
from autodiff import gradient
from keras import ops

from keras_saliency import layers

RNG = np.random.default_rng(0)
BOUNDS = ((0.25, 0.75), (0.35, 0.65), (0.1, 0.9), (0.2, 0.8))


def reference(parameters, height, width):
    """`(height, width, gaussians)`, each pixel by itself."""
    low, high = np.array(BOUNDS).T[..., None]
    mean_x, mean_y, sigma_x, sigma_y = np.clip(parameters, low, high)
    ratio = height / width
    y = np.linspace((1 - ratio) / 2, (1 + ratio) / 2, height)
    x = np.linspace(0, 1, width)
    y, x = np.meshgrid(y, x, indexing="ij")
    maps = np.exp(
        -((x[..., None] - mean_x) ** 2) / (2 * sigma_x**2)
        - (y[..., None] - mean_y) ** 2 / (2 * sigma_y**2)
    )
    return maps / maps.max(axis=(0, 1))


def built(gaussians=3, parameters=None, **options):
    layer = layers.LearnedGaussianPrior(gaussians=gaussians, **options)
    layer.build((None, None, None, 1))
    if parameters is not None:
        layer.set_weights([np.asarray(parameters, "float32")])
    return layer


@pytest.mark.parametrize("size", [(30, 40), (12, 9), (5, 5), (1, 8)])
def test_equals_the_formula(size):
    # Some inside the bounds, some not.
    parameters = RNG.uniform(0.0, 1.0, (4, 6))
    layer = built(6, parameters)
    maps = ops.convert_to_numpy(layer(np.zeros((2, *size, 5), "float32")))
    assert maps.shape == (2, *size, 6)
    if size[0] == 1:
        # One row is the only one, wherever it lies.
        expected = reference(parameters, 1, 8)
        np.testing.assert_allclose(maps.max(axis=(1, 2)), 1, rtol=1e-6)
    else:
        expected = reference(parameters, *size)
    for image in maps:
        np.testing.assert_allclose(image, expected, rtol=1e-4, atol=1e-6)


def test_a_gaussian_by_hand():
    """On 3x5 places: x = 0, 1/4 ... 1; y = 0.2, 0.5, 0.8."""
    layer = built(1, [[0.5], [0.5], [0.25], [0.3]])
    maps = ops.convert_to_numpy(layer(np.zeros((1, 3, 5, 1), "float32")))
    one = np.exp(-0.5)
    across = np.array([one**4, one, 1, one, one**4])
    np.testing.assert_allclose(
        maps[0, :, :, 0], np.stack([one * across, across, one * across]), 1e-5
    )


def test_the_original_draws_partly_outside_the_bounds_and_inside_does_not():
    low, high = np.array(BOUNDS).T[..., None]
    for initialization, clipped in (("inside", 0.0), ("original", 0.26)):
        keras.utils.set_random_seed(0)
        layer = built(4000, initialization=initialization)
        values = np.array(layer.parameters)
        outside = np.mean((values < low) | (values > high))
        assert outside == pytest.approx(clipped, abs=0.03)
        assert values[:2].min() >= 0.3 and values[:2].max() <= 0.7
        assert values[2:].max() <= 0.3
        assert values[:2].std() > 0.05 and values[2].std() > 0.04
    # Of the original's sigmas, as few as 0.05.
    assert values[2:].min() < 0.06


def test_gradients_are_those_of_differences():
    parameters = np.array(
        [[0.4, 0.6], [0.45, 0.55], [0.2, 0.3], [0.25, 0.4]], "float32"
    )
    layer = built(2, parameters)
    up = RNG.standard_normal((1, 6, 8, 2)).astype("float32")
    x = np.zeros((1, 6, 8, 1), "float32")

    def function(values):
        variable = layer.parameters
        layer.__dict__["parameters"] = values
        try:
            return ops.multiply(layer.call(x), up)
        finally:
            layer.__dict__["parameters"] = variable

    _, slope = gradient(function, parameters)
    for place in ((0, 0), (1, 1), (2, 0), (3, 1)):
        sums = []
        for step in (1e-4, -1e-4):
            moved = parameters.astype("float64")
            moved[place] += step
            sums.append(np.sum(up[0] * reference(moved, 6, 8)))
        difference = (sums[0] - sums[1]) / 2e-4
        assert slope[place] == pytest.approx(difference, rel=1e-2, abs=1e-3)


@pytest.mark.parametrize("initialization", ["inside", "original"])
def test_training_brings_values_back_into_the_bounds(initialization, tmp_path):
    inputs = keras.Input((6, 8, 1))
    layer = built(
        2,
        [[0.4, 0.6], [0.4, 0.6], [0.2, 0.3], [0.25, 0.4]],
        initialization=initialization,
    )
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(100.0), "mse")
    model.fit(np.zeros((2, 6, 8, 1)), RNG.random((2, 6, 8, 2)), verbose=0)
    values = np.array(layer.parameters)
    low, high = np.array(BOUNDS).T[..., None]
    inside = np.all((values >= low - 1e-6) & (values <= high + 1e-6))
    assert inside == (initialization == "inside")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].initialization == initialization
    x = np.zeros((1, 6, 8, 1), "float32")
    np.testing.assert_array_equal(
        *(m.predict(x, verbose=0) for m in (model, loaded))
    )


def test_sizes_known_only_at_run_time():
    inputs = keras.Input((None, None, 2))
    model = keras.Model(
        inputs, layers.LearnedGaussianPrior(gaussians=3)(inputs)
    )
    assert model.output_shape == (None, None, None, 3)
    maps = model.predict(np.zeros((2, 6, 9, 2), "float32"), verbose=0)
    expected = reference(np.array(model.layers[-1].parameters), 6, 9)
    np.testing.assert_allclose(maps[1], expected, rtol=1e-4, atol=1e-6)


def test_half_precision():
    parameters = RNG.uniform(0.3, 0.6, (4, 2))
    layer = built(2, parameters, dtype="mixed_bfloat16")
    maps = layer(np.zeros((1, 6, 8, 1), "float32"))
    assert "bfloat16" in str(maps.dtype)
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.cast(maps, "float32"))[0],
        reference(parameters, 6, 8),
        atol=0.005,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gaussians": 0}, "gaussians"),
        ({"gaussians": 1.5}, "gaussians"),
        ({"initialization": "random"}, "'random'"),
    ],
)
def test_refuses_bad_arguments(options, message):
    with pytest.raises(ValueError, match=f"LearnedGaussianPrior: .*{message}"):
        layers.LearnedGaussianPrior(**options)
