"""The multiplicative prior against NumPy."""

import keras
import numpy as np
import pytest
from autodiff import gradient
from keras import ops

from keras_saliency import layers

RNG = np.random.default_rng(0)


def enlarged(prior, size):
    """Bilinear interpolation between the centers of cells."""
    for axis in (0, 1):
        count = prior.shape[axis]
        places = (np.arange(size[axis]) + 0.5) * count / size[axis] - 0.5
        places = np.clip(places, 0, count - 1)
        low = np.minimum(places.astype(int), count - 1)
        high = np.minimum(low + 1, count - 1)
        share = (places - low).reshape([-1, 1] if axis == 0 else [1, -1])
        prior = (1 - share) * prior.take(low, axis) + share * prior.take(
            high, axis
        )
    return prior


def built(size, factor=10, **options):
    layer = layers.MultiplicativePrior(factor=factor, **options)
    layer.build((None, *size, 1))
    layer.prior.assign(RNG.standard_normal(layer.prior.shape))
    return layer


@pytest.mark.parametrize(
    ("size", "factor", "cells"),
    [
        ((60, 80), 10, (6, 8)),
        ((12, 15), 3, (4, 5)),
        ((11, 17), 4, (2, 4)),
        ((5, 6), 10, (1, 1)),
    ],
)
def test_multiplies_by_one_plus_the_enlarged_prior(size, factor, cells):
    layer = built(size, factor)
    prior = np.array(layer.prior)
    assert prior.shape == cells
    x = RNG.random((2, *size, 2)).astype("float32")
    expected = x * (1 + enlarged(prior, size))[..., None]
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(x)), expected, rtol=1e-4, atol=1e-5
    )


def test_it_changes_nothing_at_first():
    layer = layers.MultiplicativePrior()
    x = RNG.random((2, 60, 80, 1)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), x)
    assert layer.count_params() == 48


@pytest.mark.parametrize("regularization", [0.0, 1.0, 3.0])
def test_its_mean_square_is_part_of_the_loss(regularization):
    layer = built((60, 80), regularization=regularization)
    layer(np.ones((1, 60, 80, 1), "float32"))
    expected = regularization * np.mean(np.array(layer.prior) ** 2)
    total = sum(float(ops.convert_to_numpy(x)) for x in layer.losses)
    assert total == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_trains_and_is_saved(tmp_path):
    inputs = keras.Input((12, 16, 1))
    layer = layers.MultiplicativePrior(factor=4, regularization=0.0)
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(5.0), "mse")
    x = np.ones((4, 12, 16, 1), "float32")
    y = x * np.linspace(0, 2, 16, dtype="float32")[:, None]
    losses = model.fit(x, y, epochs=100, verbose=0).history["loss"]
    assert losses[-1] < 0.05 * losses[0]
    prior = np.array(layer.prior)
    assert np.all(np.diff(prior, axis=1) > 0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.output_shape == (None, 12, 16, 1)
    np.testing.assert_array_equal(
        *(m.predict(x, verbose=0) for m in (model, loaded))
    )


def test_the_gradient_is_the_factor():
    layer = built((12, 16), 4)
    x = RNG.random((1, 12, 16, 1)).astype("float32")
    _, slope = gradient(layer, x)
    expected = 1 + enlarged(np.array(layer.prior), (12, 16))
    np.testing.assert_allclose(
        slope[0, :, :, 0], expected, rtol=1e-4, atol=1e-5
    )


def test_half_precision():
    layer = built((12, 16), 4, dtype="mixed_bfloat16")
    x = RNG.random((1, 12, 16, 1)).astype("float32")
    result = layer(x)
    assert "bfloat16" in str(result.dtype)
    expected = x[0, :, :, 0] * (1 + enlarged(np.array(layer.prior), (12, 16)))
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.cast(result, "float32"))[0, :, :, 0],
        expected,
        atol=0.05,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 0}, "factor"),
        ({"factor": 1.5}, "factor"),
        ({"regularization": -1.0}, "regularization"),
        ({"regularization": float("nan")}, "regularization"),
    ],
)
def test_refuses_bad_arguments(options, message):
    with pytest.raises(ValueError, match=f"MultiplicativePrior: .*{message}"):
        layers.MultiplicativePrior(**options)


def test_refuses_maps_of_unknown_size():
    with pytest.raises(ValueError, match="height and width must be known"):
        layers.MultiplicativePrior()(keras.Input((None, None, 1)))
