"""Counts, rates and areas of ROC curves."""

import numpy as np

from keras_saliency._utils.types import Array
from keras_saliency.evaluation import _maps

# Comparing all pixels with this many thresholds is quicker than a histogram.
_FEW = 16

# Thresholds in one bin of it, from which sorting all pixels is quicker.
_CROWDED = 8

_BINS = 2**16

_BLOCK = 2**15


def count_at_least(map_: _maps.Map, thresholds: Array) -> Array:
    """Count the pixels at or above each threshold, of the pixels' own type."""
    bytes_ = map_.byte_counts
    if bytes_ is not None:
        passing = np.append(np.cumsum(bytes_[::-1])[::-1], 0)
        return passing[np.clip(np.ceil(thresholds), 0, 256).astype(np.intp)]
    pixels = map_.comparable
    if thresholds.size <= _FEW:
        passing = np.empty(pixels.size, bool)
        each = [
            np.count_nonzero(np.greater_equal(pixels, t, out=passing))
            for t in thresholds
        ]
        return np.array(each, np.intp)
    different, places = np.unique(thresholds, return_inverse=True)
    counts = _binned_count_at_least(map_, different)
    if counts is None:
        counts = pixels.size - np.searchsorted(map_.ordered, different)
    return counts[places]


def _binned_count_at_least(map_, thresholds):
    """Count them by tables of bins; None where that would not be quicker.

    A bin's thresholds are compared with its pixels, and tables have how many
    there are in the bins below. Rounding cannot hurt: it moves no pixel past a
    larger one.
    """
    pixels = map_.comparable
    low, high = pixels.min(), pixels.max()
    with np.errstate(over="ignore", divide="ignore"):
        scale = (_BINS - 1) / (high - low)
    if not 0 < scale < np.inf:
        return None

    def bins_of(values):
        moved = values - low
        moved *= scale
        return moved.astype(np.intp)

    bins = bins_of(np.clip(thresholds, low, high))
    turns = np.arange(bins.size) - np.searchsorted(bins, bins)
    if turns.max() >= _CROWDED:
        return None
    tables = np.full((turns.max() + 1, _BINS), np.inf, pixels.dtype)
    tables[turns, bins] = thresholds
    # Small numbers stay in the cache.
    numbers = np.arange(bins.size + 1, dtype=np.min_scalar_type(bins.size))
    below = np.repeat(numbers, np.diff(bins, prepend=-1, append=_BINS - 1))
    passed = np.zeros(thresholds.size + 1, np.intp)
    for start in range(0, pixels.size, _BLOCK):
        block = pixels[start : start + _BLOCK]
        bins = bins_of(block)
        count = below.take(bins)
        for table in tables:
            count += block >= table.take(bins)
        passed += np.bincount(count, minlength=passed.size)
    return np.cumsum(passed[:0:-1])[::-1]


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
    if thresholds is None:
        return _pairs_won(map_, positives, weights, negatives, negative_weights)
    low, high = map_.low, map_.high
    if low == high:
        return 0.5
    if negatives is None:
        false = count_at_least(map_, _least_moved(map_, thresholds))
        false = false / map_.size
    else:
        negatives = _moved(negatives, low, high)
        false = _rates(negatives, negative_weights, thresholds)
    hits = _rates(_moved(positives, low, high), weights, thresholds)
    return area(false, hits)


def _pairs_won(map_, positives, weights, negatives, negative_weights):
    """Return the share of pairs that positives win, half of their equals."""
    if negatives is None:
        total = map_.size
        at = count_at_least(map_, positives)
        above = count_at_least(map_, np.nextafter(positives, np.inf))
    else:
        ordered, counts = _ordered(negatives, negative_weights)
        total = counts[-1]
        at = total - counts[np.searchsorted(ordered, positives, "left")]
        above = total - counts[np.searchsorted(ordered, positives, "right")]
    won = total - 0.5 * (above + at)
    return np.dot(weights, won) / (weights.sum() * total)


def _moved(values, low, high):
    """Return values on the scale where low is 0 and high is 1."""
    if not np.isfinite(high - low):
        # Half the range of float64 and more.
        values, low, high = 0.25 * values, 0.25 * low, 0.25 * high
    return (values - low) / (high - low)


def _least_moved(map_, thresholds):
    """Return the least numbers of the pixels' type that are moved so far.

    Moving keeps the pixels' order: they can be compared as they are.
    """
    dtype = map_.comparable.dtype
    whole = np.dtype(f"i{dtype.itemsize}")

    def swapped(bits):
        # As whole numbers, floats have their order, negative ones the reverse.
        return bits ^ ((bits >> (8 * whole.itemsize - 1)) & np.iinfo(whole).max)

    def enough(numbers):
        values = swapped(numbers).view(dtype).astype(np.float64)
        return _moved(values, map_.low, map_.high) >= thresholds

    share = np.clip(thresholds, 0, 1)
    guess = map_.low * (1 - share) + map_.high * share
    ends = np.array([map_.low, map_.high, *guess]).astype(dtype).view(whole)
    first, last, *guess = swapped(ends)
    last += 1
    low = np.maximum(np.subtract(guess, 32), first)
    high = np.minimum(np.add(guess, 32), last)
    far = ((low > first) & enough(low)) | ((high < last) & ~enough(high))
    low[far], high[far] = first, last
    while np.any(low < high):
        middle = (low & high) + ((low ^ high) >> 1)
        passes = enough(middle)
        low = np.where(passes, low, middle + 1)
        high = np.where(passes, middle, high)
    return swapped(low).view(dtype)


def _ordered(values, weights):
    """Return the values in order, and the weight of those before each."""
    if weights is None:
        return np.sort(values), np.arange(values.size + 1)
    order = np.argsort(values)
    return values[order], np.concatenate([[0.0], np.cumsum(weights[order])])


def _rates(values, weights, thresholds):
    """Return the share of the values' weight at or above each threshold."""
    if weights is None and thresholds.size <= _FEW:
        counts = [np.count_nonzero(values >= t) for t in thresholds]
        return np.array(counts) / values.size
    ordered, below = _ordered(values, weights)
    return (below[-1] - below[np.searchsorted(ordered, thresholds)]) / below[-1]


def area(false_alarms: Array, hits: Array) -> float:
    """Return the area of trapezoids from (0, 0) through points to (1, 1)."""
    x = np.concatenate([[0.0], false_alarms, [1.0]])
    y = np.concatenate([[0.0], hits, [1.0]])
    return 0.5 * np.dot(x[1:] - x[:-1], y[1:] + y[:-1])
