"""Draws: of other images, of bootstrap intervals, of sign-flip tests."""

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

import numpy as np

from keras_saliency._utils.types import Array

Key = TypeVar("Key", bound=Hashable)

# Draws at a time, which bounds the memory.
_BATCH = 500


def interval(
    values: Array, *, confidence: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean over images.

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
    # SciPy's statistics take a second to import.
    from scipy.stats import bootstrap

    means = bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        batch=_BATCH,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).bootstrap_distribution
    # NumPy's quantiles: the last digit of SciPy's depends on its version.
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def sign_flip_test(difference: Array, *, resamples: int, seed: int) -> float:
    """Return the two-sided p-value of a mean of zero, by changes of sign.

    NaN for no image or a value that is not finite.
    """
    if difference.size == 0 or not np.isfinite(difference).all():
        return np.nan
    rng = np.random.default_rng([seed, 1])
    observed = abs(difference.sum())
    # Sums in another order differ by rounding: equal ones must count.
    observed -= 1e-12 * np.abs(difference).sum()
    extreme = 0
    for start in range(0, resamples, _BATCH):
        count = min(_BATCH, resamples - start)
        signs = rng.integers(2, size=(count, difference.size)) * 2 - 1
        extreme += int((np.abs(signs @ difference) >= observed).sum())
    return (extreme + 1) / (resamples + 1)


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Return p-values corrected for their number (Holm 1979).

    NaN, of what could not be tested, stays so and does not count.
    """
    corrected = {key: p for key, p in p_values.items() if np.isnan(p)}
    highest = 0.0
    ordered = sorted(
        (key for key in p_values if key not in corrected),
        key=p_values.__getitem__,
    )
    for place, key in enumerate(ordered):
        value = min(1.0, p_values[key] * (len(ordered) - place))
        highest = max(highest, value)
        corrected[key] = highest
    return corrected


def name_keys(names: Iterable[str], seed: int) -> Array:
    """Return a random number for each name, uint64: the same for the same."""
    return np.array(
        [
            int.from_bytes(
                hashlib.blake2b(
                    # Names need not be UTF-8 on Linux.
                    f"{seed} {name}".encode("utf-8", "surrogateescape"),
                    digest_size=8,
                ).digest(),
                "little",
            )
            for name in names
        ],
        np.uint64,
    )


def draw_others(keys: Array, i: int, count: int) -> Array:
    """Draw other images for image `i` by their names alone.

    Each pair of images has a random number, and the `count` smallest are
    drawn: the order of the images does not matter, and one image more or less
    changes one of those drawn at most.

    Args:
        keys: From `name_keys`.
        i: Number of the image.
        count: How many to draw.

    Returns:
        Numbers of the images drawn, all others if there are no more.
    """
    # The constants of SplitMix64, whose sums wrap.
    mixed = keys + keys[i : i + 1] * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in (
        (30, 0xBF58476D1CE4E5B9),
        (27, 0x94D049BB133111EB),
    ):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    order = np.lexsort((keys, mixed))
    return order[order != i][:count]
