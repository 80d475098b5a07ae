import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.special import ndtr

from keras_saliency.datasets import density_map, fixation_map


@pytest.fixture
def points():
    rng = np.random.default_rng(3)
    return rng.uniform(0, 1024, 90), rng.uniform(0, 768, 90)


@pytest.mark.parametrize("size", [None, (300, 400), (37, 50), (1, 1), (900, 7)])
def test_no_fixation_is_lost_at_any_size(points, size):
    counts = fixation_map(*points, (768, 1024), size)
    assert counts.shape == (size or (768, 1024))
    assert counts.sum() == 90
    assert counts.dtype == np.float32


def test_fixations_fall_in_the_cell_that_covers_them():
    counts = fixation_map(
        [0, 3.99, 4, 7.999999], [0, 0, 0, 3.9], (4, 8), (2, 2)
    )
    np.testing.assert_array_equal(counts, [[2, 1], [0, 1]])


def test_fixations_outside_and_nan_are_left_out():
    x = [-0.1, 8.0, 2.0, np.nan, 3.0]
    y = [1.0, 1.0, 4.0, 1.0, 3.0]
    assert fixation_map(x, y, (4, 8)).sum() == 1


def test_just_below_the_edge_stays_in_the_last_cell():
    x = np.nextafter(1023.0, 0)
    assert fixation_map([x], [0.0], (1, 1023), (1, 7))[0, 6] == 1


@pytest.mark.parametrize("sigma", [24, 35.0])
@pytest.mark.parametrize("size", [(768, 1024), (300, 400), (37, 50), (64, 50)])
def test_density_equals_blur_at_full_resolution(points, size, sigma):
    """0.002 of the peak is what docs/datasets.md promises."""
    counts = fixation_map(*points, (768, 1024)).astype("float64")
    blurred = gaussian_filter(counts, sigma, mode="constant", truncate=6)
    expected = cv2.resize(blurred, size[::-1], interpolation=cv2.INTER_AREA)
    density = density_map(*points, (768, 1024), size, sigma=sigma)
    np.testing.assert_allclose(density, expected / expected.max(), atol=2e-3)
    assert density.dtype == np.float32
    assert density.max() == 1


@pytest.mark.parametrize("count", [1, 90, 700])
@pytest.mark.parametrize("sigma", [0.4, 8, 24, 80, 3000])
@pytest.mark.parametrize("size", [None, (300, 400), (37, 50), (5, 3)])
def test_density_is_the_exact_average_over_cells(count, size, sigma):
    rng = np.random.default_rng(count)
    original = (192, 256)
    # Some in the corner: far from the rest, and cut by the border.
    x = np.append(rng.normal(200, 20, count).clip(0, 255), [0.5] * 2)
    y = np.append(rng.normal(40, 20, count).clip(0, 191), [191.5] * 2)

    def averages(centers, side, cells):
        edges = np.linspace(0, side, cells + 1)[:, None]
        return np.diff(ndtr((edges - np.floor(centers) - 0.5) / sigma), axis=0)

    cells = size or original
    exact = averages(y, 192, cells[0]) @ averages(x, 256, cells[1]).T
    density = density_map(x, y, original, size, sigma=sigma)
    np.testing.assert_allclose(density, exact / exact.max(), rtol=0, atol=1e-6)
    assert density.max() == 1


def test_density_of_one_fixation_is_a_gaussian():
    density = density_map([20.2], [30.9], (60, 50), sigma=5)
    rows, columns = np.mgrid[:60, :50]
    exact = np.exp(-((rows - 30) ** 2 + (columns - 20) ** 2) / 50)
    np.testing.assert_allclose(density, exact, atol=4e-3)


def test_many_fixations_in_several_chunks(monkeypatch, points):
    whole = density_map(*points, (768, 1024), (30, 40), sigma=24)
    monkeypatch.setattr("keras_saliency.datasets.density._CHUNK", 7)
    parts = density_map(*points, (768, 1024), (30, 40), sigma=24)
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_repeated_fixations_count():
    once = density_map([10, 40], [10, 10], (20, 50), sigma=2)
    twice = density_map([10, 10, 40], [10, 10, 10], (20, 50), sigma=2)
    assert once[10, 40] == pytest.approx(1)
    assert twice[10, 40] == pytest.approx(0.5)


def test_no_fixation_inside_is_an_error():
    with pytest.raises(ValueError, match="at least one fixation inside"):
        density_map([-1], [3], (4, 8), sigma=2)


@pytest.mark.parametrize("sigma", [0, -1, np.nan, None, "24"])
def test_bad_sigma(sigma):
    with pytest.raises(ValueError, match="sigma must be a positive number"):
        density_map([1], [1], (4, 8), sigma=sigma)


@pytest.mark.parametrize("size", [5, (0, 3), (2.5, 3), (1, 2, 3), "ab"])
def test_bad_size(size):
    with pytest.raises(ValueError, match=r"\(height, width\)"):
        fixation_map([1], [1], (4, 8), size)


def test_unequal_lengths():
    with pytest.raises(ValueError, match="same length"):
        fixation_map([1, 2], [1], (4, 8))
