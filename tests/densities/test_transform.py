"""From a map to a density: normalized, finite, and what each part does."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import logsumexp

from keras_saliency.densities import Transform, transform

PLAIN = Transform(
    blur=0.0, nodes=(0, 1), curve=(0, 3), aspect=0.5, center=(0, 0)
)
RNG = np.random.default_rng(0)


def change(**values):
    return dataclasses.replace(PLAIN, **values)


@pytest.mark.parametrize(
    "size", [(96, 128), (128, 96), (33, 47), (300, 20), (5, 5), (1, 1)]
)
@pytest.mark.parametrize("map_size", [(37, 50), (1, 1), (200, 300)])
def test_density_sums_to_one_at_any_size(size, map_size):
    parts = change(blur=0.02, center=(0, -1, -3))
    logs = parts.log_density(RNG.random(map_size), size)
    assert logs.shape == size and logs.dtype == np.float64
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(logsumexp(logs), 0, atol=1e-10)


def test_curve_by_hand():
    """On the grid itself: logarithms are the curve's values."""
    map_ = np.zeros((96, 128))
    map_[:, 64:] = 0.5
    map_[0, 0] = 1
    logs = change(nodes=(0, 0.5, 1), curve=(0, 2, 3)).log_density(
        map_, map_.shape
    )
    np.testing.assert_allclose(logs[50, 100] - logs[50, 10], 2, atol=1e-9)
    np.testing.assert_allclose(logs[0, 0] - logs[50, 10], 3, atol=1e-9)


def test_center_is_an_ellipse():
    logs = change(aspect=0.8, center=(0, -1, -5)).log_density(
        np.zeros((96, 128)), (96, 128)
    )
    y, x = (2 * (np.arange(n) + 0.5) / n - 1 for n in (96, 128))
    distance = np.sqrt(0.8 * x**2 + 0.2 * y[:, np.newaxis] ** 2)
    expected = np.interp(distance, [0, 0.5, 1], [0, -1, -5])
    np.testing.assert_allclose(
        logs - logs.max(), expected - expected.max(), atol=1e-9
    )
    # Horizontal distance costs more.
    assert logs[48, 0] < logs[0, 64]


def test_blur_is_a_gaussian_of_the_longer_side():
    map_ = RNG.random((96, 128))
    map_ /= map_.max()
    blurred = transform.blurred(transform.spectrum(map_), 4 / 128)
    np.testing.assert_allclose(
        blurred,
        ndimage.gaussian_filter(map_, 4, mode="reflect", truncate=8),
        atol=2e-4,
    )


@pytest.mark.parametrize(
    "map_",
    [
        np.zeros((20, 30)),
        np.full((20, 30), 7),
        np.full((20, 30), -3.0),
        np.full((20, 30), True),
    ],
)
def test_constant_map_is_the_center_bias(map_):
    parts = change(blur=0.01, center=(0, -2))
    np.testing.assert_array_equal(
        parts.log_density(map_, (48, 64)),
        parts.log_density(np.zeros((1, 1)), (48, 64)),
    )


@pytest.mark.parametrize(
    "scaled", [lambda x: 1e300 * x, lambda x: 1e-300 * x, lambda x: x * 255]
)
def test_scale_of_a_map_changes_nothing(scaled):
    map_ = RNG.random((37, 50))
    np.testing.assert_allclose(
        PLAIN.log_density(scaled(map_), (60, 80)),
        PLAIN.log_density(map_, (60, 80)),
        rtol=1e-9,
    )


def test_negative_values_are_raised():
    map_ = RNG.standard_normal((20, 30))
    np.testing.assert_allclose(
        PLAIN.log_density(map_, (40, 60)),
        PLAIN.log_density(map_ - map_.min(), (40, 60)),
        rtol=1e-9,
    )
    huge = np.array([[-1.7e308, 1.7e308], [0, 0]])
    assert np.isfinite(PLAIN.log_density(huge, (40, 60))).all()


@pytest.mark.parametrize(
    ("map_", "message"),
    [
        ([[0.0, np.nan]], "NaN or infinity"),
        ([[0.0, np.inf]], "NaN or infinity"),
        (np.zeros((2, 3, 3)), r"shape \(2, 3, 3\)"),
        (np.zeros((0, 3)), r"shape \(0, 3\)"),
        ([["a", "b"]], "array of numbers"),
    ],
)
def test_what_is_no_map_is_refused(map_, message):
    with pytest.raises(ValueError, match=message):
        PLAIN.log_density(map_, (10, 10))


@pytest.mark.parametrize(
    "wrong",
    [
        {"blur": -1},
        {"blur": np.nan},
        {"nodes": (0, 0)},
        {"nodes": (0, 1, 2)},
        {"curve": (1, 0)},
        {"curve": (0, np.inf)},
        {"aspect": 0},
        {"center": (0,)},
    ],
)
def test_bad_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match="received"):
        change(**wrong)


def test_kept_as_json():
    parts = change(blur=0.1, center=(0, -1.5))
    text = json.dumps(parts.to_dict())
    assert Transform.from_dict(json.loads(text)) == parts
    with pytest.raises(ValueError, match="other fields"):
        Transform.from_dict({"blur": 1.0})
    assert parts.center_weight == 1.5
