"""Bootstrap intervals of means."""

import numpy as np

# Draws at a time, which bounds the memory.
_CHUNK = 500


def interval(values, *, confidence, resamples, seed):
    """Percentile bootstrap interval of the mean over images.

    Args:
        values: One value per image, shape `(N,)`, without NaN.
        confidence: Probability between the two ends, such as 0.95.
        resamples: Number of draws of N images with replacement.
        seed: Seed of the draws.

    Returns:
        The two ends; NaN for less than two images or infinite values.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1); received {confidence}")
    if values.size < 2 or not np.isfinite(values).all():
        return np.nan, np.nan
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    for start in range(0, resamples, _CHUNK):
        count = min(_CHUNK, resamples - start)
        drawn = rng.integers(values.size, size=(count, values.size))
        means[start : start + count] = values[drawn].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
