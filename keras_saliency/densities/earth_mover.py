"""The exponents of the map for the EMD, fitted to density maps."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_saliency._utils.types import Array, Size
from keras_saliency.images import resize

# Bins along the longer side, as in the benchmark at 1024 pixels.
_LONGEST = 32
# Of the exponents of the density and of the baseline.
_BOUNDS = ((0.25, 4.0), (-2.0, 2.0))
# What it costs, in bins and divided by the number of images, that the exponents
# are not 1 and 0: half of the sum of squares. Without it fits to ten images or
# fewer lose what larger ones gain.
_STRENGTH = 30.0


class Case(NamedTuple):
    """What the fit needs of an image: arrays `(bins,)`.

    Attributes:
        bins: `(height, width)` in bins.
        expected: Logarithm of the expected density map.
        baseline: Logarithm of the mean density of other images.
        density: The density map, sum 1.
    """

    bins: tuple[int, int]
    expected: Array
    baseline: Array
    density: Array


def case(expected: Array, baseline: Array, density: Array) -> Case:
    """Return what the fit needs of an image.

    Args:
        expected: Expected density map, `(height, width)`, positive.
        baseline: Mean density of other images, any size, positive.
        density: Density map, any size, not zero everywhere.
    """
    bins = bins_of(expected.shape)
    expected, baseline, density = (
        np.maximum(resize(np.asarray(map_, np.float64), bins), 0).ravel()
        for map_ in (expected, baseline, density)
    )
    least = np.finfo(float).tiny
    return Case(
        bins,
        np.log(np.maximum(expected / expected.sum(), least)),
        np.log(np.maximum(baseline / baseline.sum(), least)),
        density / density.sum(),
    )


def fit_exponents(cases: Sequence[Case]) -> tuple[float, float]:
    """Return exponents `a, w` of the smallest mean EMD of `p^a b^w`.

    p is the expected density map and b the baseline. The derivative of the
    EMD by each bin's mass is the potential of the optimal transport, which
    its exact solver returns.

    Args:
        cases: One per image, at least one.
    """
    # It takes long to import.
    from scipy import optimize

    result = optimize.minimize(
        _regularized,
        (1.0, 0.0),
        (cases,),
        jac=True,
        method="L-BFGS-B",
        bounds=_BOUNDS,
        options={"maxiter": 12, "maxfun": 24, "ftol": 1e-4},
    )
    power, center = result.x
    return float(power), float(center)


def bins_of(size: Size) -> tuple[int, int]:
    """Return `(height, width)` of an image in bins."""
    scale = _LONGEST / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _regularized(exponents, cases):
    """Return what the fit minimizes, and its gradient."""
    loss, gradient = _loss(exponents, cases)
    change = np.asarray(exponents) - (1, 0)
    weight = _STRENGTH / len(cases)
    return loss + 0.5 * weight * change @ change, gradient + weight * change


def _loss(exponents, cases):
    """Return the mean EMD and its gradient by the two exponents."""
    total, gradient = 0.0, np.zeros(2)
    for bins, expected, baseline, density in cases:
        logs = exponents[0] * expected + exponents[1] * baseline
        map_ = np.exp(logs - logs.max())
        map_ /= map_.sum()
        work, potential = _transport(map_, density, bins)
        total += work
        change = map_ * (potential - potential @ map_)
        gradient += change @ expected, change @ baseline
    return total / len(cases), gradient / len(cases)


def _transport(map_, density, bins):
    """Return the least work, and its derivative by the mass of each bin."""
    # POT takes seconds to import.
    from ot.lp import emd

    surplus = map_ - density
    sources, sinks = np.flatnonzero(surplus > 0), np.flatnonzero(surplus < 0)
    mass = surplus[sources].sum()
    if mass < 1e-14 or not sinks.size:
        return 0.0, np.zeros_like(map_)
    distances = _distances(bins)
    _, log = emd(
        surplus[sources] / mass,
        surplus[sinks] / surplus[sinks].sum(),
        distances[np.ix_(sources, sinks)],
        numItermax=1_000_000,
        log=True,
    )
    # Of the solver's potentials those of the sinks give all others.
    potential = (distances[:, sinks] - log["v"]).min(axis=1)
    return mass * log["cost"], potential


@functools.lru_cache(maxsize=64)
def _distances(bins):
    """Return the distances between all bins, in bins."""
    y, x = np.divmod(np.arange(bins[0] * bins[1]), bins[1])
    distances = np.hypot(y[:, np.newaxis] - y, x[:, np.newaxis] - x)
    distances.flags.writeable = False
    return distances
