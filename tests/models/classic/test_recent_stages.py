"""Stages of AIM, SUN, image signature and boolean maps, beside NumPy."""

from importlib import resources

import cv2
import numpy as np
import pytest

from keras_saliency.models import classic
from keras_saliency.models.classic import (
    _bases,
    _stages,
    aim,
    boolean_map_saliency,
    image_signature,
    rare2012,
)

RNG = np.random.default_rng(0)


def test_the_file_of_filters():
    folder = resources.files("keras_saliency.models.classic")
    file = folder / "natural_bases.npz"
    assert len(file.read_bytes()) < 1_000_000
    assert "CC0" in (folder / "natural_bases.txt").read_text("utf-8")
    bases, small = _bases.load("aim"), _bases.load("sun")
    assert bases.shape[1:] == (21, 21, 3) and len(bases) >= 15
    assert small.shape == (362, 11, 11, 3)
    # Patches lose their mean first, so filters see none.
    sums = np.abs(small.sum(axis=(1, 2, 3)))
    assert (sums < 0.01 * np.abs(small).sum(axis=(1, 2, 3))).all()
    scales, shapes = _bases.load("sun_scale"), _bases.load("sun_shape")
    assert scales.shape == shapes.shape == (362,)
    assert scales.min() > 0 and 0.1 < shapes.min() and shapes.max() < 4
    # Natural images are sparser than a Laplace distribution.
    assert np.median(shapes) < 1


@pytest.mark.parametrize("size", [(9, 14), (1, 3)])
def test_responses_are_correlations_with_the_mirrored_image(size, monkeypatch):
    monkeypatch.setattr(_bases, "_AT_ONCE", 1000)
    image = RNG.random((*size, 3)).astype("float32")
    bank = RNG.standard_normal((4, 5, 5, 3)).astype("float32")
    found = np.concatenate([*_bases.responses(image, bank)])
    assert found.shape == (size[0] * size[1], 4)
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), "symmetric")
    expected = [
        (padded[y : y + 5, x : x + 5] * filter_).sum()
        for y in range(size[0])
        for x in range(size[1])
        for filter_ in bank
    ]
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-3, atol=1e-4)
    again = np.stack([*_bases.maps(image, bank)], axis=-1)
    assert again.shape == (*size, 4) and again.dtype == np.float32
    np.testing.assert_allclose(again.ravel(), expected, rtol=1e-3, atol=1e-4)


def test_self_information_by_a_parzen_window():
    map_ = RNG.random((30, 40)).astype("float32")
    np.testing.assert_allclose(
        aim.self_information(map_, 32, 0),
        rare2012.self_information(map_, 32),
        rtol=1e-6,
    )
    # Two values, three times as often the one: far apart for a window.
    two = np.array([[0, 0, 0, 1]], "float32")
    np.testing.assert_allclose(
        aim.self_information(two, 100, 0.01),
        -np.log([[0.75, 0.75, 0.75, 0.25]])
        + np.log([[np.exp(-(np.arange(50) ** 2) / 2).sum()]]),
        rtol=1e-5,
    )
    # A window as wide as the range makes all values alike.
    wide = aim.self_information(two, 100, 1.0)
    assert np.ptp(wide) < 0.5


def test_sun_is_the_sum_of_powers():
    image = RNG.integers(0, 256, (32, 32, 3)).astype("float32")
    found = classic.SUN()._map(image)
    patch = image[9:20, 4:15] / 255  # about (14, 9)
    other = image[20:31, 14:25] / 255  # about (25, 19)
    bank = _bases.load("sun").reshape(362, -1)
    scale, shape = _bases.load("sun_scale"), _bases.load("sun_shape")
    sums = [
        (np.abs(bank @ p.ravel() / scale) ** shape).sum()
        for p in (patch, other)
    ]
    every = np.concatenate(
        [
            (np.abs(f / scale) ** shape).sum(axis=1)
            for f in _bases.responses(image / 255, _bases.load("sun"))
        ]
    )
    low, high = every.min(), every.max()
    expected = (np.array(sums) - low) / (high - low)
    np.testing.assert_allclose(
        [found[14, 9], found[25, 19]], expected, rtol=1e-3
    )


def test_the_signature_is_the_sign_of_the_cosine_transform():
    map_ = RNG.random((6, 8)).astype("float32")

    def basis(n):
        k, x = np.mgrid[:n, :n]
        rows = np.cos(np.pi * (x + 0.5) * k / n) * np.sqrt(2 / n)
        rows[0] /= np.sqrt(2)
        return rows

    rows, columns = basis(6), basis(8)
    signs = np.sign(rows @ map_ @ columns.T)
    np.testing.assert_allclose(
        image_signature.reconstructed(map_), rows.T @ signs @ columns, atol=1e-5
    )
    # A constant has one coefficient.
    np.testing.assert_allclose(
        image_signature.reconstructed(np.ones((4, 4), "float32")), 0.25
    )


def test_surrounded_regions():
    figure = np.array(
        [
            [0, 0, 0, 0, 0, 1],
            [0, 1, 0, 0, 1, 0],
            [0, 1, 0, 0, 0, 0],
            [0, 0, 0, 1, 0, 0],
            [1, 1, 0, 0, 0, 0],
        ],
        np.uint8,
    )
    # A corner joins the one at the top right with the border's pixel.
    expected = np.zeros_like(figure)
    expected[1:3, 1] = 1
    expected[3, 3] = 1
    np.testing.assert_array_equal(
        boolean_map_saliency.surrounded(figure), expected
    )
    for constant in (0, 1):
        assert not boolean_map_saliency.surrounded(
            np.full((3, 4), constant, np.uint8)
        ).any()


def test_whitened_channels():
    image = (255 * RNG.random((40, 50, 3))).astype("float32")
    smooth = cv2.blur(image, (9, 9))
    maps = boolean_map_saliency.whitened(smooth, 50.0)
    assert len(maps) == 3
    for map_ in maps:
        assert map_.dtype == np.uint8 and map_.shape == (40, 50)
    correlations = np.corrcoef([map_.ravel() for map_ in maps])
    assert np.abs(correlations - np.eye(3)).max() < 0.5
    gray = np.repeat(smooth[..., :1], 3, axis=2)
    assert len(boolean_map_saliency.whitened(gray, 50.0)) == 1
    assert not boolean_map_saliency.whitened(np.full_like(image, 80), 50.0)


def test_attention_maps_have_one_norm():
    model = classic.BooleanMapSaliency()
    figure = np.zeros((60, 60), np.uint8)
    figure[20:22, 20:22] = 1
    small = model._attention(figure)
    figure[20:40, 20:40] = 1
    large = model._attention(figure)
    # A square of 2 pixels grows by 3 on each side.
    assert np.count_nonzero(small) == 8**2
    assert small.max() == pytest.approx(1 / 8)
    assert large.max() == pytest.approx(1 / 26)
    assert not model._attention(np.ones_like(figure)).any()


def test_reduced_and_constant():
    image = np.zeros((40, 100, 3), "float32")
    assert _stages.reduced(image, 100) is image
    assert _stages.reduced(image, 50).shape == (20, 50, 3)
    assert _stages.is_constant(image)
    image[3, 4, 1] = 1
    assert not _stages.is_constant(image)
