"""The loss of maps averaged over blocks."""

import json

import keras
import numpy as np
import pytest
from autodiff import gradient

from keras_saliency import losses, targets

RNG = np.random.default_rng(0)
DENSITY = RNG.random((3, 10, 13))
FIXATIONS = RNG.integers(0, 3, (3, 10, 13))
TARGET = targets.pack(DENSITY, FIXATIONS)
PREDICTION = RNG.uniform(0.1, 0.9, (3, 10, 13, 1)).astype("float32")


def blocks(maps, size, reduce=np.mean):
    """Reduced blocks; what is left at the right and bottom is left out."""
    maps = np.asarray(maps, "float64").reshape(3, 10, 13)
    height, width = 10 // size, 13 // size
    maps = maps[:, : height * size, : width * size]
    return reduce(maps.reshape(3, height, size, width, size), axis=(2, 4))


@pytest.mark.parametrize("size", [1, 2, 4])
def test_cross_entropy_of_means(size):
    loss = losses.PooledLoss(losses.BinaryCrossEntropy(), pool_size=size)
    s, p = blocks(DENSITY, size), blocks(PREDICTION, size)
    expected = -(s * np.log(p) + (1 - s) * np.log(1 - p)).mean((1, 2))
    values = keras.ops.convert_to_numpy(loss.call(TARGET, PREDICTION))
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_fixations_are_counted():
    loss = losses.PooledLoss(losses.NormalizedScanpathSaliency(), pool_size=4)
    p = blocks(PREDICTION, 4)
    counts = blocks(FIXATIONS, 4, np.sum)
    z = (p - p.mean((1, 2), keepdims=True)) / p.std((1, 2), keepdims=True)
    expected = -(counts * z).sum((1, 2)) / counts.sum((1, 2))
    values = keras.ops.convert_to_numpy(loss.call(TARGET, PREDICTION))
    np.testing.assert_allclose(values, expected, rtol=1e-4)


def test_it_stands_for_the_loss_it_pools():
    loss = losses.PooledLoss(losses.NormalizedScanpathSaliency())
    assert (loss.target, loss.activation) == ("fixations", "relu")
    loss = losses.PooledLoss(losses.BinaryCrossEntropy())
    assert (loss.target, loss.activation) == ("density", "sigmoid")
    assert loss.name == "pooled_bce"
    assert loss.family == "Distribution-based"


def test_configuration_round_trip_also_in_a_combination():
    loss = losses.PooledLoss(
        10 * losses.KLDivergence() + losses.CorrelationCoefficient(),
        pool_size=2,
    )
    for each in (loss, 3 * loss + losses.MeanSquaredError()):
        config = json.loads(
            json.dumps(keras.saving.serialize_keras_object(each))
        )
        again = keras.saving.deserialize_keras_object(config)
        assert again.get_config() == each.get_config()
        np.testing.assert_array_equal(
            *(
                keras.ops.convert_to_numpy(x.call(TARGET, PREDICTION))
                for x in (each, again)
            )
        )


def test_finite_gradients():
    loss = losses.PooledLoss(losses.BinaryCrossEntropy())
    for value in (0.0, 1.0):
        _, slope = gradient(
            lambda x: loss(TARGET, x), np.full_like(PREDICTION, value)
        )
        assert np.isfinite(slope).all()


def test_refuses_bad_arguments():
    with pytest.raises(TypeError, match="keras_saliency.losses"):
        losses.PooledLoss(keras.losses.BinaryCrossentropy())
    for size in (0, 2.5):
        with pytest.raises(ValueError, match="pool_size"):
            losses.PooledLoss(losses.BinaryCrossEntropy(), pool_size=size)
    with pytest.raises(ValueError, match="neg_nss needs fixations"):
        losses.PooledLoss(losses.NormalizedScanpathSaliency())(
            TARGET[..., :1], PREDICTION
        )


def test_blocks_larger_than_the_map():
    for size in (11, 14):
        loss = losses.PooledLoss(losses.KLDivergence(), pool_size=size)
        with pytest.raises(ValueError, match=f"pool_size={size} .* 10x13"):
            loss.call(TARGET, PREDICTION)
    loss = losses.PooledLoss(losses.MeanSquaredError(), pool_size=10)
    values = keras.ops.convert_to_numpy(loss.call(TARGET, PREDICTION))
    assert np.isfinite(values).all()
