"""Each stage of the classic models beside plain NumPy or numbers by hand."""

import numpy as np
import pytest

from keras_saliency.models.classic import (
    _filters,
    _stages,
    aws,
    center_bias,
    gbvs,
    itti_koch_toolbox,
    rare2012,
    spectral_residual,
)

RNG = np.random.default_rng(0)


def random_map(*shape):
    return RNG.random(shape).astype("float32")


def test_min_max():
    np.testing.assert_array_equal(
        _stages.min_max(np.array([[2.0, 4.0, 6.0]])), [[0, 0.5, 1]]
    )
    constant = np.full((2, 3), 0.1, np.float32)
    constant[0, 0] = np.nextafter(np.float32(0.1), np.float32(1))
    assert not _stages.min_max(constant).any()


@pytest.mark.parametrize("size", [(8, 12), (7, 11)])
def test_halved_is_the_binomial_filter_at_every_second_pixel(size):
    map_ = random_map(*size)
    height, width = size
    even = np.pad(map_, ((0, height % 2), (0, width % 2)), "edge")
    # Sample i lies between the pixels 2i and 2i + 1.
    padded = np.pad(even, 2, "symmetric")
    padded = np.pad(padded, ((0, 1), (0, 1)), "constant")
    weights = np.outer(*[np.array([1, 5, 10, 10, 5, 1]) / 32] * 2)
    result = _stages.halved(map_)
    assert result.shape == (-(-height // 2), -(-width // 2))
    for i in range(result.shape[0] - 1):
        for j in range(result.shape[1] - 1):
            window = padded[2 * i : 2 * i + 6, 2 * j : 2 * j + 6]
            assert result[i, j] == pytest.approx((weights * window).sum())


def test_halved_mirrors():
    map_ = random_map(10, 14)
    np.testing.assert_allclose(
        _stages.halved(map_[:, ::-1].copy()),
        _stages.halved(map_)[:, ::-1],
        rtol=1e-5,
    )


def test_blur():
    map_ = np.zeros((9, 9), np.float32)
    map_[4, 4] = 1
    blurred = _stages.blur(map_, 1.0, cutoff=2.0)
    weights = np.exp(-(np.arange(-2, 3) ** 2) / 2)
    weights /= weights.sum()
    np.testing.assert_allclose(
        blurred[2:7, 2:7], np.outer(weights, weights), rtol=1e-5
    )
    assert blurred.sum() == pytest.approx(1)
    assert _stages.blur(map_, 0.0) is map_


def test_borders_fade():
    faded = _stages.attenuate_borders(np.ones((20, 8), np.float32), 3)
    np.testing.assert_allclose(
        faded[10], [1 / 3, 2 / 3, 1, 1, 1, 1, 2 / 3, 1 / 3], rtol=1e-6
    )
    np.testing.assert_allclose(
        faded[:, 4][:5], [0.25, 0.5, 0.75, 1, 1], rtol=1e-6
    )


@pytest.mark.parametrize("angle", [0, 45, 90, 135])
def test_gabor_prefers_its_orientation(angle):
    y, x = np.mgrid[-20:21, -20:21]
    theta = np.deg2rad(angle)
    across = x * np.sin(theta) + y * np.cos(theta)
    bar = (np.abs(across) < 1).astype(np.float32)
    energy = {
        other: _stages.gabor_energy(bar, other, 2.0, 2.0, np.pi, 13)[20, 20]
        for other in (0, 45, 90, 135)
    }
    assert max(energy, key=energy.get) == angle
    assert energy[angle] > 2 * energy[(angle + 90) % 180]
    for kernel in _stages.gabor_pair(angle, 2.0, 2.0, np.pi, 13):
        assert kernel.sum() == pytest.approx(0, abs=1e-5)
        assert (kernel**2).sum() == pytest.approx(1, rel=1e-5)


def test_opponents():
    pixels = np.array([[[0.8, 0.4, 0.2], [0.1, 0.3, 0.5]]], np.float32)
    red_green, blue_yellow = _stages.opponents(pixels)
    np.testing.assert_allclose(red_green, [[0.5, -0.4]], rtol=1e-6)
    np.testing.assert_allclose(blue_yellow, [[-0.25, 0.8]], rtol=1e-6)
    dark = _stages.opponents(pixels / 10, darkest=0.06)
    np.testing.assert_allclose(dark[0], [[0.5, 0]], rtol=1e-5)
    assert not np.any(_stages.opponents(np.zeros((2, 2, 3), np.float32)))


def test_dkl():
    grays = np.repeat(np.linspace(0, 1, 5, dtype="f4")[None, :, None], 3, 2)
    luminance, red, blue = _stages.dkl(grays)
    assert np.all(np.diff(luminance[0]) > 0)
    np.testing.assert_allclose(red, 0, atol=1e-6)
    np.testing.assert_allclose(blue, 0, atol=1e-6)
    colors = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]], np.float32)
    luminance, red, blue = _stages.dkl(colors)
    # sRGB's luminances; Smith and Pokorny's cones add up to Y.
    np.testing.assert_allclose(
        luminance[0], [0.2126, 0.7152, 0.0722], atol=2e-4
    )
    assert red[0, 0] > 0 > red[0, 1]
    assert blue[0, 2] > 0 > blue[0, 1]
    # Half of the code values are a fifth of the light.
    half = _stages.dkl(np.full((1, 1, 3), 0.5, np.float32))[0]
    assert half[0, 0] == pytest.approx(0.214, abs=2e-3)


def test_local_maxima_and_normalization():
    map_ = np.zeros((5, 9), np.float32)
    map_[2, 2], map_[2, 4], map_[2, 6] = 1.0, 0.5, 0.05
    map_[0, 0] = 0.7  # on the edge
    np.testing.assert_allclose(
        _stages.local_maxima(map_, 0.0), [1.0, 0.5, 0.05]
    )
    np.testing.assert_allclose(_stages.local_maxima(map_, 0.1), [1.0, 0.5])
    # Scaled to 10; the others' mean is 5, as 0.5 is below the threshold.
    np.testing.assert_allclose(
        _stages.normalize_itti(map_), 10 * map_ * (10 - 5) ** 2, rtol=1e-5
    )
    alone = np.zeros((5, 5), np.float32)
    alone[2, 2] = 3
    assert _stages.normalize_itti(alone)[2, 2] == pytest.approx(10 * 100)
    assert not _stages.normalize_itti(np.ones((4, 4), np.float32)).any()


def test_iterations_keep_the_one_peak_of_many_like_ones():
    map_ = np.zeros((24, 32), np.float32)
    map_[4::8, 4::8] = 0.6
    map_[12, 20] = 1.0
    shares = []
    for iterations in (0, 3, 30):
        result = itti_koch_toolbox.iterate(map_, iterations)
        assert result.argmax() == map_.argmax()
        others = np.delete(result.ravel(), result.argmax())
        shares.append(others.max() / result.max())
    assert shares[0] == pytest.approx(0.6)
    assert shares[1] < 0.58 and shares[2] < 0.1
    # One step by hand.
    step = itti_koch_toolbox.iterate(map_, 1)
    side = 32

    def blurred(sigma):
        rows = np.exp(-((np.arange(24) - 12) ** 2) / (2 * sigma**2))
        columns = np.exp(-((np.arange(32) - 20) ** 2) / (2 * sigma**2))
        return rows @ map_ @ columns / (rows.sum() * columns.sum())

    expected = (
        1 + 0.25 * blurred(0.02 * side) - 2.25 * blurred(0.25 * side) - 0.02
    )
    assert step[12, 20] == pytest.approx(expected, rel=2e-3)


def walk_matrix(map_, sigma):
    """Transition probabilities as GBVS defines them, pixel by pixel."""
    values = (map_ - map_.min()) / (map_.max() - map_.min())
    height, width = map_.shape
    places = [(i, j) for i in range(height) for j in range(width)]
    s = sigma * (height + width) / 2
    weights = np.array(
        [
            [
                abs(float(values[a]) - float(values[b]))
                * np.exp(
                    -((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / (2 * s**2)
                )
                for b in places
            ]
            for a in places
        ]
    )
    return weights / weights.sum(axis=0)


@pytest.mark.parametrize("shape", [(6, 8), (7, 5)])
def test_equilibrium_is_the_eigenvector(shape):
    map_ = random_map(*shape)
    values, vectors = np.linalg.eig(walk_matrix(map_, 0.15))
    first = np.argmin(abs(values - 1))
    expected = np.real(vectors[:, first])
    expected = (expected / expected.sum()).reshape(shape)
    exact = gbvs.equilibrium(map_, 0.15, 0)
    np.testing.assert_allclose(exact, expected, rtol=1e-4)
    iterated = gbvs.equilibrium(map_, 0.15, 1e-7)
    np.testing.assert_allclose(iterated, expected, rtol=1e-3)


def test_equilibrium_stops_as_the_reference():
    map_ = random_map(6, 8)
    matrix = walk_matrix(map_, 0.15)
    walk, steps = np.full(48, 1 / 48), 0
    while True:
        before, walk = walk, matrix @ walk
        steps += 1
        if np.linalg.norm(walk - before) <= 1e-3:
            break
    assert steps > 2
    np.testing.assert_allclose(
        gbvs.equilibrium(map_, 0.15, 1e-3).ravel(), walk / walk.sum(), rtol=1e-4
    )


def test_equilibrium_of_two_values_is_the_limit():
    # Every step changes sides: power iteration does not converge.
    map_ = np.zeros((6, 6), np.float32)
    map_[2, 3] = 1
    result = gbvs.equilibrium(map_, 0.15, 1e-6)
    np.testing.assert_allclose(
        result, gbvs.equilibrium(map_, 0.15, 0), rtol=1e-4
    )
    assert result[2, 3] == pytest.approx(0.5)


def test_equilibrium_of_a_constant_map():
    assert not gbvs.equilibrium(np.ones((4, 6)), 0.15, 1e-4).any()


def test_principal_components():
    image = RNG.random((20, 30, 3)) @ RNG.random((3, 3))
    components = _filters.principal_components(image)
    pixels = np.stack([c.ravel() for c in components])
    np.testing.assert_allclose(np.cov(pixels, bias=True), np.eye(3), atol=1e-3)
    # The first is the direction of most variance.
    centered = image.reshape(-1, 3) - image.mean(axis=(0, 1))
    axis = np.linalg.svd(centered, full_matrices=False)[2][0]
    correlation = np.corrcoef(centered @ axis, pixels[0])[0, 1]
    assert abs(correlation) == pytest.approx(1, abs=1e-4)
    gray = np.repeat(RNG.random((8, 9, 1)), 3, axis=2)
    assert len(_filters.principal_components(gray)) == 1
    assert _filters.principal_components(np.full((4, 4, 3), 0.5)) == []


@pytest.mark.parametrize("bank", ["log_gabor", "gabor"])
def test_banks_answer_to_their_frequency_and_orientation(bank):
    if bank == "log_gabor":

        def filters(shape):
            return _filters.log_gabor_bank(shape, 3, 4, 6.0, 0.55, 37.5)

        wavelengths, of = (6, 12, 24), lambda o, s: o * 3 + s
    else:

        def filters(shape):
            return _filters.gabor_bank(shape, 3, 4, 0.25)

        wavelengths = [4 * 2 ** (s / 2) for s in range(3)]
        of = lambda o, s: s * 4 + o  # noqa: E731

    y, x = np.mgrid[0:96, 0:96]
    for o in range(4):
        for s, wavelength in enumerate(wavelengths):
            theta = np.pi * o / 4
            # Rows count downwards.
            phase = x * np.cos(theta) - y * np.sin(theta)
            wave = np.cos(2 * np.pi * phase / wavelength).astype("float32")
            answers = [
                response[48, 48]
                for response in _filters.responses(wave, filters)
            ]
            assert np.argmax(answers) == of(o, s)


def test_self_information():
    map_ = np.array([[0, 0, 0, 0], [0, 0, 0.5, 1]], np.float32)
    expected = -np.log(np.array([[6, 6, 6, 6], [6, 6, 1, 1]]) / 8)
    np.testing.assert_allclose(
        rare2012.self_information(map_, 4), expected, rtol=1e-6
    )
    np.testing.assert_allclose(rare2012.rarity(map_, 1, 4), expected, rtol=1e-6)
    assert not rare2012.rarity(np.ones((8, 8), np.float32), 3, 8).any()


def test_fusion():
    peaked = np.zeros((1, 4), np.float32)
    peaked[0, 1] = 2  # efficiency (1 - 1/4) ** 2
    broad = np.array([[0, 1, 1, 0]], np.float32)  # (1 - 1/2) ** 2
    weak = np.array([[0, 1, 1, 1]], np.float32)  # (1 - 3/4) ** 2
    expected = 0.5625 * peaked / 2 + 0.25 * (2 / 3) * broad
    np.testing.assert_allclose(
        rare2012.fuse([broad, peaked, weak], 0.3), expected, rtol=1e-6
    )
    expected += 0.0625 * (1 / 3) * weak
    np.testing.assert_allclose(
        rare2012.fuse([broad, peaked, weak], 0.0), expected, rtol=1e-6
    )


def test_squared_norm_is_the_mahalanobis_distance():
    maps = np.einsum("ij,jhw->ihw", RNG.random((3, 3)), RNG.random((3, 9, 8)))
    points = maps.reshape(3, -1).T
    points = points - points.mean(axis=0)
    inverse = np.linalg.inv(np.cov(points.T, bias=True))
    expected = np.einsum("ni,ij,nj->n", points, inverse, points)
    result = aws.squared_norm(maps.astype("float32"))
    np.testing.assert_allclose(result.ravel(), expected, rtol=1e-3)
    assert result.mean() == pytest.approx(3, rel=1e-3)
    # A scale that repeats another adds nothing.
    doubled = np.concatenate([maps, maps[:1]]).astype("float32")
    assert aws.squared_norm(doubled).mean() == pytest.approx(3, rel=1e-2)


def test_spectral_residual():
    gray = RNG.random((12, 16))
    spectrum = np.fft.fft2(gray)
    log = np.log(np.abs(spectrum))
    padded = np.pad(log, 1, "edge")
    mean = sum(
        padded[i : i + 12, j : j + 16] for i in range(3) for j in range(3)
    )
    residual = log - mean / 9
    expected = np.exp(residual + 1j * np.angle(spectrum))
    expected = np.abs(np.fft.ifft2(expected)) ** 2
    np.testing.assert_allclose(
        spectral_residual.saliency(gray, 3), expected, rtol=1e-4
    )


def test_gaussian():
    map_ = center_bias.gaussian((101, 201), (0.2, 0.1))
    assert map_[50, 100] == 1
    # One standard deviation away, 20.2 rows and 20.1 columns.
    assert map_[30, 100] == pytest.approx(np.exp(-0.5), rel=0.02)
    assert map_[50, 80] == pytest.approx(np.exp(-0.5), rel=0.02)
