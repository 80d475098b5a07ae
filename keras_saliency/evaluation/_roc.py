"""Counts, rates and areas of ROC curves."""

import bisect

import numpy as np

from keras_saliency._utils.types import Array
from keras_saliency.evaluation import _maps

# Comparing all pixels with this many thresholds is quicker than sorting them.
_FEW = 16

_BINS = 2**15


def count_at_least(map_: _maps.Map, thresholds: Array) -> Array:
    """Count the pixels at or above each threshold, which is one of them."""
    pixels = map_.comparable
    if pixels.dtype == np.float64:
        counts = _binned_count_at_least(pixels, thresholds)
        if counts is not None:
            return counts
    return pixels.size - np.searchsorted(map_.ordered, thresholds)


def _binned_count_at_least(pixels, thresholds):
    """Count them by a histogram; None where that would not be quicker.

    Only the pixels that share a bin with a threshold are sorted. Rounding
    cannot hurt: it moves no pixel past a larger one.
    """
    low, high = pixels.min(), pixels.max()
    with np.errstate(over="ignore", divide="ignore"):
        scale = (_BINS - 1) / (high - low)
    if not 0 < scale < np.inf:
        return None
    bins = np.empty(pixels.size, np.intp)
    for bins_block, block in _maps.blocks(bins, pixels):
        bins_block[:] = (block - low) * scale
    threshold_bins = ((thresholds - low) * scale).astype(np.intp)
    is_shared = np.zeros(_BINS, dtype=bool)
    is_shared[threshold_bins] = True
    shared = pixels[is_shared[bins]]
    if shared.size > pixels.size / 4:
        return None
    counts = np.bincount(bins, minlength=_BINS)
    above = pixels.size - np.cumsum(counts)
    # Of the sorted pixels, those in the same bin are left to be counted.
    shared_above = shared.size - np.cumsum(np.where(is_shared, counts, 0))
    rank = np.searchsorted(np.sort(shared), thresholds)
    within = shared.size - rank - shared_above[threshold_bins]
    return above[threshold_bins] + within


def threshold_steps(step: float | None) -> Array | None:
    """Return thresholds from about 1 down to 0; None for all values."""
    if step is None:
        return None
    if not 0 < step <= 1:
        raise ValueError(f"step must be in (0, 1] or None; received {step}")
    return (np.arange(int(1 / step + 1e-9) + 1) * step)[::-1]


def pair_area(
    map_: _maps.Map,
    positives: Array,
    weights: Array,
    negatives: Array | None,
    negative_weights: Array | None,
    thresholds: Array | None,
) -> float:
    """Return the area under the curve of two samples' rates.

    The rates are those at or above thresholds, which are on the scale where
    all pixels of the map span [0, 1]. Without `negatives` all pixels are.
    """
    every = negatives is None
    if negatives is None:
        negatives = map_.comparable
    if thresholds is None:
        thresholds = np.unique(positives)[::-1]
        above, at = _exceeding(negatives, negative_weights, thresholds)
        share = np.zeros_like(thresholds, dtype=np.float64)
        from_last = np.searchsorted(thresholds[::-1], positives)
        np.add.at(share, thresholds.size - 1 - from_last, weights)
        # A positive wins against what lies below, and half against its equal.
        total = (
            negatives.size
            if negative_weights is None
            else negative_weights.sum()
        )
        won = total - 0.5 * (above + at)
        return np.dot(share, won) / (weights.sum() * total)
    low, high = map_.low, map_.high
    if low == high:
        return 0.5
    if not np.isfinite(high - low):
        # Half the range of float64 and more.
        low, high = 0.25 * low, 0.25 * high
        positives, negatives = 0.25 * positives, 0.25 * negatives
    positives = (positives - low) / (high - low)
    if every and negatives.dtype == np.float32:
        hits = _rates(positives, weights, thresholds)
        # Moving them keeps their order: a few have to be moved, not all.
        below = [
            bisect.bisect_left(
                map_.ordered, t, key=lambda v: (v - low) / (high - low)
            )
            for t in thresholds
        ]
        return area((negatives.size - np.array(below)) / negatives.size, hits)
    negatives = negatives - low
    negatives /= high - low
    hits = _rates(positives, weights, thresholds)
    return area(_rates(negatives, negative_weights, thresholds), hits)


def _exceeding(values, weights, thresholds):
    """Return the values' weight above, and at or above, each threshold."""
    order = np.argsort(values) if weights is not None else None
    ordered = np.sort(values) if order is None else values[order]
    if order is None:
        below = np.arange(values.size + 1)
    else:
        below = np.concatenate([[0.0], np.cumsum(weights[order])])
    above = below[-1] - below[np.searchsorted(ordered, thresholds, "right")]
    at = below[-1] - below[np.searchsorted(ordered, thresholds, "left")]
    return above, at


def _rates(values, weights, thresholds):
    """Return the share of the values' weight at or above each threshold."""
    if weights is None and thresholds.size <= _FEW:
        counts = [np.count_nonzero(values >= t) for t in thresholds]
        return np.array(counts) / values.size
    _, at = _exceeding(values, weights, thresholds)
    return at / (values.size if weights is None else weights.sum())


def area(false_alarms: Array, hits: Array) -> float:
    """Return the area of trapezoids from (0, 0) through points to (1, 1)."""
    x = np.concatenate([[0.0], false_alarms, [1.0]])
    y = np.concatenate([[0.0], hits, [1.0]])
    return 0.5 * np.dot(x[1:] - x[:-1], y[1:] + y[:-1])
