"""The map with the largest expected AUC at a few thresholds."""

import numpy as np

from keras_saliency._utils.types import Array

# Thresholds of AUC-Borji and the benchmark's shuffled AUC: 0.1, 0.2, ... 1.
_STEPS = 10
# Points of the ROC curve among which the thresholds are chosen.
_CANDIDATES = 256


def stepped(positives: Array, negatives: Array) -> Array:
    """Return the map with the largest expected AUC at thresholds 0, 0.1 ... 1.

    The best order of pixels is that of the ratio of the two densities, by
    Neyman and Pearson, and the ROC curve that it gives is known. Of the curve
    an AUC with few thresholds sees as many points, joined by lines: the ten
    that leave the largest area under them are found by dynamic programming,
    and the map crosses a threshold at each. Between the thresholds it keeps
    the order, but for the highest pixels, which are 1.

    Args:
        positives: Density of what is found, `(height, width)` of sum 1.
        negatives: Density of what it is told from, same shape, positive: the
            uniform one for AUC-Borji, that of fixations on other images for
            the shuffled AUC.

    Returns:
        float64 array of the same shape, in [0, 1]. Zero everywhere if the
        two are the same up to rounding.
    """
    ratio = (positives / negatives).ravel()
    order = np.argsort(-ratio, kind="stable")
    ranked = ratio[order]
    if ranked[0] - ranked[-1] <= 1e-9 * ranked[0]:
        return np.zeros(positives.shape)
    hits = np.cumsum(positives.ravel()[order])
    false = np.cumsum(negatives.ravel()[order])
    hits, false = hits / hits[-1], false / false[-1]
    # Equal pixels cross a threshold together. The last crossing is all.
    ends = np.flatnonzero(ranked[1:] < ranked[:-1])
    along = (hits + false)[ends]
    wanted = np.linspace(0, 2, _CANDIDATES + 2)[1:-1]
    ends = ends[
        np.unique(np.searchsorted(along, wanted).clip(0, len(ends) - 1))
    ]
    cuts = ends[_largest_area(false[ends], hits[ends], _STEPS)] + 1
    # Place in the order -> value: 1 above the first cut, then a tenth less
    # at each.
    values = np.empty(ratio.size)
    values[: cuts[0]] = 1
    for number, (start, stop) in enumerate(
        zip(cuts, [*cuts[1:], ratio.size], strict=True)
    ):
        level = _STEPS - 1 - number
        within = np.linspace(0.95, 0, stop - start)
        if level:
            within = 0.05 + 0.9 * within / 0.95
        values[start:stop] = (level + within) / _STEPS
    # Of fewer cuts the lowest levels are empty.
    values[-1] = 0
    # Equal pixels are equal in the map: they take the value of the first.
    first = np.concatenate([[True], ranked[1:] < ranked[:-1]])
    values = values[first][np.cumsum(first) - 1]
    map_ = np.empty(ratio.size)
    map_[order] = values
    return (map_ - map_.min()).reshape(positives.shape)


def _largest_area(x: Array, y: Array, count: int) -> Array:
    """Return which points of a concave curve leave the largest area.

    Args:
        x: Abscissas of the points, increasing, in (0, 1).
        y: Their ordinates.
        count: How many points are chosen, or all if there are fewer.

    Returns:
        Their numbers, increasing.
    """
    count = min(count, len(x))
    # Twice the area of the trapezoid between two points; none backward.
    area = (x - x[:, np.newaxis]) * (y + y[:, np.newaxis])
    area[np.tril_indices(len(x))] = -np.inf
    best = x * y
    before = []
    for _ in range(count - 1):
        total = best[:, np.newaxis] + area
        before.append(np.argmax(total, axis=0))
        best = np.max(total, axis=0)
    chosen = [int(np.argmax(best + (1 - x) * (1 + y)))]
    for previous in reversed(before):
        chosen.append(int(previous[chosen[-1]]))
    return np.array(chosen[::-1])
