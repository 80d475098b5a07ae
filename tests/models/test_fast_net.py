"""The small network."""

import numpy as np
import pytest

from keras_saliency import models

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), "uint8")


def small(**options):
    return models.FastNet(
        (48, 64, 3), filters=(4, 4, 6, 6, 8), depth=4, **options
    )


@pytest.mark.further
def test_sizes():
    model = models.FastNet()
    assert model.map_size == (30, 40)
    # Fits the package in half precision.
    assert model.count_params() < 1_000_000
    assert small().predict(IMAGES, verbose=0).shape == (2, 6, 8, 1)


def test_maps_lie_between_zero_and_one():
    maps = small().predict(IMAGES, verbose=0)
    assert np.all((maps > 0) & (maps < 1))


@pytest.mark.parametrize("shape", [(50, 64, 3), (48, 60, 3), (48, 64, 1)])
def test_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="divisible by 8"):
        models.FastNet(shape)
