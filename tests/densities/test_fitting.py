"""The fit finds what the fixations were drawn from."""

import numpy as np
import pytest

from keras_saliency import densities
from keras_saliency.densities import Transform, fitting

RNG = np.random.default_rng(0)
TRUE = Transform(
    blur=0.03,
    nodes=(0, 0.3, 1),
    curve=(0, 1, 5),
    aspect=0.7,
    center=(0, -0.5, -2.5),
)
SIZE = (96, 128)


def drawn(map_, transform, count=400, seed=0):
    """x and y of fixations drawn from a density."""
    density = np.exp(transform.log_density(map_, SIZE)).ravel()
    rng = np.random.default_rng(seed)
    cells = rng.choice(density.size, count, p=density)
    rows, columns = np.divmod(cells, SIZE[1])
    return columns + rng.random(count), rows + rng.random(count)


def blobs(seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :128]
    return sum(
        np.exp(
            -((x - rng.uniform(0, 128)) ** 2 + (y - rng.uniform(0, 96)) ** 2)
            / (2 * rng.uniform(4, 12) ** 2)
        )
        for _ in range(5)
    )


@pytest.fixture(scope="module")
def samples():
    maps = [blobs(i) for i in range(16)]
    return [
        densities.sample(map_, *drawn(map_, TRUE, seed=i), SIZE)
        for i, map_ in enumerate(maps)
    ]


@pytest.mark.parametrize("loss", [fitting._loss, fitting._regularized])
def test_gradient_is_that_of_the_loss(loss, samples):
    nodes = np.linspace(0, 1, 6)
    packed = np.concatenate(
        [[np.log(0.03)], RNG.normal(size=5), [0.3], RNG.normal(size=5)]
    )
    _, gradient = loss(packed, samples[:2], nodes)
    for i, value in enumerate(gradient):
        step = np.zeros_like(packed)
        step[i] = 1e-5
        high, low = (
            loss(packed + sign * step, samples[:2], nodes)[0]
            for sign in (1, -1)
        )
        np.testing.assert_allclose(value, (high - low) / 2e-5, atol=1e-7)


def test_information_is_the_mean_logarithm_at_the_fixations():
    """Of fixations in the middles of cells, by the density itself."""
    map_ = blobs(3)
    x, y = np.array([3.5, 60.5, 60.5, 127.5]), np.array([4.5, 30.5, 30.5, 95.5])
    (bits,) = densities.information(TRUE, [densities.sample(map_, x, y, SIZE)])
    logs = TRUE.log_density(map_, SIZE)[y.astype(int), x.astype(int)]
    expected = logs.mean() / np.log(2) + np.log2(SIZE[0] * SIZE[1])
    np.testing.assert_allclose(bits, expected, atol=1e-9)


@pytest.mark.further
def test_fit_is_as_likely_as_the_truth(samples):
    steps = []
    fitted = densities.fit(samples, callback=lambda: steps.append(1))
    best = densities.information(fitted, samples).mean()
    true = densities.information(TRUE, samples).mean()
    # Of 16 images the regularization takes a little.
    assert steps and true - 0.05 < best < true + 0.03
    np.testing.assert_allclose(fitted.blur, TRUE.blur, atol=0.01)
    assert fitted.aspect > 0.55
    held = [
        densities.sample(blobs(i), *drawn(blobs(i), TRUE, seed=i), SIZE)
        for i in range(100, 110)
    ]
    gains = [
        densities.information(parts, held).mean() for parts in (TRUE, fitted)
    ]
    np.testing.assert_allclose(*gains, atol=0.06)


def test_fit_has_fewer_than_twenty_numbers(samples):
    fitted = densities.fit(samples[:2], iterations=1)
    free = 1 + len(fitted.curve) - 1 + 1 + len(fitted.center) - 1
    assert free < 20


@pytest.mark.slow
def test_cross_validation_leaves_images_out(samples):
    done = []
    bits = densities.cross_validated(samples[:6], 3, callback=done.append)
    assert bits.shape == (6,) and done == [1, 2, 3]
    inside = densities.information(densities.fit(samples[:6]), samples[:6])
    assert bits.mean() < inside.mean()


@pytest.mark.parametrize(
    "map_", [np.zeros((4, 4)), np.eye(96, 128), np.ones((2, 2))]
)
@pytest.mark.quick("map_1")
def test_fit_to_maps_that_say_little(map_):
    """Maps of zeros at the fixations, and constant ones: never NaN."""
    x, y = np.array([100.0, 5.0, 64.0]), np.array([10.0, 90.0, 40.0])
    fitted = densities.fit([densities.sample(map_, x, y, SIZE)])
    assert np.isfinite(fitted.log_density(map_, SIZE)).all()
