"""The map with the largest expected SIM under a density."""

import numpy as np
from scipy.ndimage import gaussian_filter

from keras_saliency._utils.types import Array
from keras_saliency.densities.transform import grid_of
from keras_saliency.images import resize

_DRAWS = 200


def best_for_sim(
    density: Array,
    *,
    sigma: float,
    fixations: int,
    draws: int = _DRAWS,
    seed: int = 0,
) -> Array:
    """Return the map with the largest expected SIM.

    Sets of fixations are drawn from the density and blurred, as density maps
    are made. SIM, the sum of min(s, q), is then the sum over the pixels of
    concave functions of each pixel of s, whose derivative is the share of the
    drawn maps that are larger there. Where the sum of s is to be 1, the best
    s has the same derivative everywhere: it is a quantile of the drawn maps
    at each pixel, the same one at all, found by bisection. This is exact for
    the draws, without a gradient.

    Args:
        density: Array `(height, width)` of sum 1.
        sigma: Sigma of the Gaussian of density maps in pixels.
        fixations: Number of fixations in a set.
        draws: Number of sets.
        seed: Seed of the draws.

    Returns:
        float64 array of the same size and of sum 1, not negative. It is
        computed on the grid of `transform.grid_of`.
    """
    size = density.shape
    grid = tuple(min(pair) for pair in zip(grid_of(size), size, strict=True))
    coarse = resize(density, grid)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(
        fixations, coarse.ravel() / coarse.sum(), size=draws
    )
    maps = counts.reshape(draws, *grid).astype(np.float32)
    widths = [sigma * new / old for new, old in zip(grid, size, strict=True)]
    gaussian_filter(maps, (0, *widths), mode="constant", output=maps)
    maps /= maps.sum(axis=(1, 2), keepdims=True, dtype=np.float64)
    maps.sort(axis=0)
    # Row `low` of the sorted maps has a sum below 1, the next one above: the
    # lowest values make less than any map, the highest more.
    sums = maps.sum(axis=(1, 2), dtype=np.float64)
    low = int(np.clip(np.searchsorted(sums, 1.0) - 1, 0, draws - 2))
    step = max(sums[low + 1] - sums[low], np.finfo(float).tiny)
    share = np.clip((1 - sums[low]) / step, 0, 1)
    best = (1 - share) * maps[low] + share * maps[low + 1].astype(np.float64)
    best = np.maximum(resize(best, size), 0)
    return best / best.sum()
