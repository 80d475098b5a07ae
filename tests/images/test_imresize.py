import numpy as np
import pytest

from keras_saliency.images import imresize, resizing


def test_constant_stays_constant():
    for size, new in (
        ((50, 70), (4, 9)),
        ((33, 64), (2, 2)),
        ((5, 6), (9, 13)),
    ):
        resized = imresize(np.full(size, 0.7), new)
        np.testing.assert_allclose(resized, 0.7, rtol=1e-12)


def test_a_ramp_keeps_its_slope():
    ramp = np.tile(np.arange(96.0), (64, 1))
    resized = imresize(ramp, (8, 12))
    np.testing.assert_allclose(np.diff(resized)[:, 3:-3], 8, rtol=1e-12)
    np.testing.assert_allclose(resized[:, 6], 6 * 8 + 3.5, rtol=1e-12)


def test_mass_of_a_dot_is_shared_by_the_widened_kernel():
    dot = np.zeros((16, 16))
    dot[8, 8] = 1
    resized = imresize(dot, (8, 8))
    np.testing.assert_allclose(resized.sum(), 0.25, rtol=1e-12)
    # The output's pixels 3 and 4 lie at 6.5 and 8.5, in the kernel's doubled
    # units 0.75 and 0.25 from the dot: 29/128 and 111/128 by its formula.
    np.testing.assert_allclose(resized[3, 4] / resized[4, 4], 29 / 111)


def test_scale_and_size_differ_unless_whole():
    map_ = np.random.default_rng(0).random((60, 80))
    assert (
        imresize(map_, (2, 3), scale=1 / 32) != imresize(map_, (2, 3))
    ).any()
    map_ = np.random.default_rng(0).random((64, 96))
    np.testing.assert_array_equal(
        imresize(map_, (2, 3), scale=1 / 32), imresize(map_, (2, 3))
    )


def test_is_linear():
    a, b = np.random.default_rng(0).random((2, 37, 41))
    both = imresize(2 * a - b, (5, 6))
    parts = 2 * imresize(a, (5, 6)) - imresize(b, (5, 6))
    assert both == pytest.approx(parts, abs=1e-12)


def test_long_maps_need_no_matrix_of_zeros(monkeypatch):
    map_ = np.random.default_rng(0).random((40, 60))
    right = imresize(map_, (17, 90))
    resizing._resize_matrix.cache_clear()
    monkeypatch.setattr(resizing, "_MOST_DENSE", 0)
    np.testing.assert_allclose(imresize(map_, (17, 90)), right)
    resizing._resize_matrix.cache_clear()
