"""Fixations from the raw samples of an eye tracker, by Judd et al.'s rules."""

import numpy as np

from keras_saliency._utils.types import Array, ArrayLike

# As in the MATLAB function `checkFixations` of MIT1003's authors (written by
# B. Hidalgo-Sotelo, 2005-2006). A public descendant of it was read; the
# comments in it give the speed, window and step of the original. The shortest
# fixation, 50 ms, is that of MIT1003's durations, which have 12 samples or
# more.
PIXELS_PER_DEGREE = 34
_DEGREES_PER_SECOND = 6
_WINDOW = 4
_STEP = 1
_SHORTEST_MS = 50
_SEARCH = 25


def extract_fixations(
    samples: ArrayLike,
    *,
    rate: float = 240.0,
    pixels_per_degree: float = PIXELS_PER_DEGREE,
) -> tuple[Array, Array, Array, Array]:
    """Find the fixations in an eye tracker's samples.

    A saccade begins where the mean speed of one window of samples exceeds
    that of the window before by a threshold for three samples or more, and
    ends where it falls by the same threshold for the last time in a row, at
    most 25 samples later; without such an end it was no saccade. Saccades
    less than 50 ms apart are one. What lies between saccades is a fixation,
    at the median of its samples, whatever these are: blinks, which MIT1003
    marks by negative positions, are not treated apart.

    Args:
        samples: Array `(count, 2)` of x and y in pixels; NaN where lost.
        rate: Samples per second.
        pixels_per_degree: Pixels per degree of visual angle, 34 in the
            original.

    Returns:
        Arrays x, y (medians, NaN without any sample), start and duration in
        ms, one value per fixation.

    Raises:
        ValueError: If there are no samples of x and y.

    Notes:
        The recording is never searched for fixations in its last 5 samples.
        A saccade without end counts if it is the only one and lasts to the
        end of the search; that, too, is the original's rule.
    """
    samples = np.asarray(samples, "float64")
    if samples.ndim != 2 or samples.shape[1] < 2 or len(samples) < 1:
        raise ValueError(
            "Eye samples must have shape (count, 2), at least one; received "
            f"{samples.shape}."
        )
    samples = samples[:, :2]
    count = len(samples)
    shortest = round(_SHORTEST_MS * rate / 1000)
    change = _change_of_speed(samples, rate)
    threshold = _DEGREES_PER_SECOND * pixels_per_degree
    saccades = _saccades(change, threshold, count)
    saccades = _merge(saccades, shortest, count)
    fast = np.zeros(count + 2, bool)
    for start, end in saccades:
        fast[1 + start : 2 + end] = True
    if fast.sum() < 3:
        fast[:] = False
    fast[[0, -1]] = True
    edges = np.flatnonzero(np.diff(fast.astype("int8")))
    starts, ends = edges[::2], edges[1::2]
    x, y = np.empty(len(starts)), np.empty(len(starts))
    for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for target, column in ((x, 0), (y, 1)):
            values = samples[start:end, column]
            values = values[~np.isnan(values)]
            target[k] = np.median(values) if values.size else np.nan
    return x, y, starts * 1000 / rate, (ends - starts) * 1000 / rate


def _change_of_speed(samples: Array, rate: float) -> Array:
    """Return the difference of two windows' mean speeds, at each sample."""
    count = len(samples)
    steps = np.zeros(count)
    steps[1:] = np.hypot(*np.diff(samples, axis=0).T)
    smooth = np.convolve(steps, np.ones(_WINDOW))[:count] / _WINDOW
    change = np.zeros(count)
    stop = count - _WINDOW - _STEP
    if stop > 1:
        # Sums of one sample more than the window, divided by the window.
        sums = np.convolve(smooth, np.ones(_WINDOW + 1), "valid")
        sums = sums * rate / _WINDOW
        change[1:stop] = sums[1 + _STEP : stop + _STEP] - sums[1:stop]
    return change


def _saccades(change: Array, threshold: float, count: int) -> list[list[int]]:
    above = np.concatenate([[False], change > threshold, [False]])
    edges = np.flatnonzero(np.diff(above.astype("int8")))
    runs = [
        (start, end - 1)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        if end - start >= 3
    ]
    below = change < -threshold
    last = np.flatnonzero(change != 0)
    found = []
    for start, end in runs:
        stop = _end_of_saccade(below, end + 1, count)
        if stop is not None:
            found.append([start, stop])
        elif len(runs) == 1 and last.size and end == last[-1]:
            found.append([start, count - 1])
    return found


def _end_of_saccade(below: Array, first: int, count: int) -> int | None:
    """Return where the speed falls for the last time in a row, or None."""
    for k in range(first, first + _SEARCH):
        if k + 1 >= count or (k > first and k + 2 >= count):
            return None
        if below[k] and not below[k + 1]:
            return k
    return None


def _merge(
    saccades: list[list[int]], shortest: int, count: int
) -> list[list[int]]:
    merged: list[list[int]] = []
    for start, end in saccades:
        if merged and start - merged[-1][1] <= shortest:
            merged[-1][1] = end
        else:
            merged.append([start, end])
    if merged and count - 1 - merged[-1][1] <= shortest:
        merged[-1][1] = count - 1
    return merged
