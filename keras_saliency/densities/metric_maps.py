"""The map of a density that each metric wants, in float64 NumPy.

A saliency map has no scale, so that no map is the best in all metrics. A
density says where fixations fall, and from it follows the map with the best
expected value of each metric (Kuemmerer, Wallis and Bethge, ECCV 2018).
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import logsumexp

from keras_saliency._utils.types import Array, Size
from keras_saliency.densities.curves import stepped
from keras_saliency.densities.expected_sim import best_for_sim
from keras_saliency.images import as_size, resize

# The names of `evaluation.METRICS`.
METRIC_MAPS = (
    "cc",
    "sim",
    "auc_judd",
    "auc_borji",
    "nss",
    "emd",
    "kl",
    "auc_shuffled",
    "auc",
    "information_gain",
)


class Truth(NamedTuple):
    """What is known of the ground truth that a map is scored by.

    Attributes:
        sigma: Sigma of the density maps, as a share of the longer side.
        fixations: Number of fixations of an image.
        baseline: Mean density of other images, `(height, width)` of any size.
        power: Exponent of the density in the EMD's map.
        center: Exponent of the baseline in the EMD's map.
    """

    sigma: float = 24 / 1024
    fixations: int = 100
    baseline: Array | None = None
    power: float = 1.0
    center: float = 0.0


def metric_map(
    log_density: Array, metric: str, truth: Truth, *, seed: int = 0
) -> Array:
    """Return the map of a density that a metric wants.

    Args:
        log_density: Natural logarithm of the density, `(height, width)`.
        metric: A name of `METRIC_MAPS`.
        truth: What is known of the ground truth.
        seed: Seed of the draws of fixations (SIM).

    Returns:
        float64 array of the same size, not negative.

    Raises:
        ValueError: On an unknown metric, and for the shuffled AUC without a
            baseline.
    """
    check_metric(metric)
    sigma = truth.sigma * max(log_density.shape)
    density = np.exp(log_density - logsumexp(log_density))
    if metric in ("nss", "information_gain"):
        return density
    if metric in ("auc", "auc_judd"):
        return equalized(density)
    if metric == "auc_borji":
        return stepped(density, np.full_like(density, 1 / density.size))
    if metric == "auc_shuffled":
        if truth.baseline is None:
            raise ValueError(
                "the map for the shuffled AUC needs the mean density of other "
                "images"
            )
        return stepped(density, as_density(truth.baseline, density.shape))
    if metric == "sim":
        return best_for_sim(
            density, sigma=sigma, fixations=truth.fixations, seed=seed
        )
    # Of a blurred density nothing is zero but for rounding.
    expected = np.maximum(blurred(density, sigma), np.finfo(float).tiny)
    if metric == "emd" and (truth.power, truth.center) != (1, 0):
        logs = truth.power * np.log(expected)
        if truth.baseline is not None:
            logs += truth.center * np.log(
                as_density(truth.baseline, density.shape)
            )
        expected = np.exp(logs - logs.max())
    return expected / expected.sum()


def check_metric(metric: str) -> None:
    """Raise a ValueError unless a density has a map for a metric."""
    if metric not in METRIC_MAPS:
        raise ValueError(
            f"there is no map for the metric {metric!r}; choose from "
            f"{', '.join(METRIC_MAPS)}"
        )


def blurred(density: Array, sigma: float) -> Array:
    """Return the expected density map: the density, blurred as these are.

    Beyond the edges there is nothing, as where density maps are made.

    Args:
        density: Array `(height, width)`.
        sigma: Sigma of the Gaussian in pixels.
    """
    return gaussian_filter(density, sigma, mode="constant")


def equalized(map_: Array) -> Array:
    """Return the ranks of a map's pixels, in [0, 1): a uniform histogram.

    Equal pixels share their mean rank, so that a constant map stays constant.

    Args:
        map_: Array `(height, width)`.
    """
    _, place, counts = np.unique(map_, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - 0.5 * (counts + 1)
    return ranks[place].reshape(map_.shape) / map_.size


def shuffled_baseline(log_densities: list[Array], size: Size) -> Array:
    """Return the mean of the densities of other images.

    Args:
        log_densities: Natural logarithms, `(height, width)` of any size each.
        size: `(height, width)` of the result.

    Returns:
        float64 array of sum 1.
    """
    size = as_size(size)
    total = np.zeros(size)
    for logs in log_densities:
        # Linear in the logarithm, as densities are made.
        logs = resize(np.asarray(logs, np.float64), size)
        total += np.exp(logs - logsumexp(logs))
    return total / total.sum()


def as_density(map_: Array, size: Size) -> Array:
    """Return a positive map at a size, its sum 1."""
    map_ = resize(np.asarray(map_, np.float64), size)
    return map_ / map_.sum()
