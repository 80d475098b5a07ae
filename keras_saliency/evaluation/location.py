"""Metrics of a prediction at the fixated pixels: NSS, information gain."""

from typing import Any

import numpy as np

from keras_saliency._utils.types import ArrayLike
from keras_saliency.evaluation import _maps
from keras_saliency.evaluation._maps import Scores


def nss(
    *,
    prediction: ArrayLike,
    fixations: ArrayLike,
    repeats: bool = False,
    ddof: int = 1,
) -> Scores:
    """Return the normalized scanpath saliency; higher is better.

    This is the prediction's mean over the fixated pixels after it was shifted
    and scaled to mean 0 and standard deviation 1 over all pixels; 0 is chance.

        nss = mean over fixated i of (p_i - mean(p)) / std(p)

    The same for every positive affine change of the prediction, so negative
    predictions are fine, and so are values from 1e-300 to 1e300.

    Args:
        prediction: Predicted map or maps, shape `(H, W)` or `(N, H, W)`, with
            or without a trailing channel.
        fixations: Numbers of fixations, same shape.
        repeats: Whether a pixel fixated twice counts twice. Defaults to
            `False`, as in MIT's code; pysaliency counts each fixation.
        ddof: 1 divides the variance by the number of pixels minus one, as
            MATLAB's `std` in MIT's code; 0 by their number, as pysaliency.

    Returns:
        One float64 per image. 0 for a constant prediction (MIT: NaN,
        pysaliency: 0); NaN without fixations, where nothing is measured.

    Raises:
        ValueError: On NaN or infinity, on fixations that are no counts, and
            on shapes that differ.

    References:
    - Peters et al. (2005), Components of bottom-up gaze allocation in natural
      images.
    """

    def score(prediction, fixations):
        mean = prediction.mean
        where, weights = fixations.fixated(repeats)
        if where.size == 0:
            return np.nan
        squares = prediction.squares
        # The mean of a constant map may be off by rounding: then the squares
        # are tiny, not zero, and only the extremes can tell.
        tiny = prediction.size * (1e-9 * mean) ** 2
        if squares <= tiny and prediction.low == prediction.high:
            return 0.0
        std = np.sqrt(squares / (prediction.size - ddof))
        fixated = prediction.at(where) - mean
        return np.dot(fixated, weights) / (weights.sum() * std)

    return _maps.score_each(score, prediction=prediction, fixations=fixations)


def information_gain(
    *,
    prediction: ArrayLike,
    fixations: ArrayLike,
    baseline: ArrayLike | None = None,
    repeats: bool = False,
    minmax: bool = True,
    epsilon: float = _maps.EPSILON,
) -> Scores:
    """Return the information gain over a baseline in bits; higher is better.

    This is how many bits per fixation the prediction knows more than the
    baseline, which is usually the center bias.

        gain = mean over fixated i of log2(eps + p_i) - log2(eps + b_i)

    with both maps moved to [0, 1] and then divided by their sums.

    Args:
        prediction: Predicted map or maps, shape `(H, W)` or `(N, H, W)`, with
            or without a trailing channel.
        fixations: Numbers of fixations, same shape.
        baseline: Baseline map or maps, same shape, or one `(H, W)` for all.
            Defaults to the uniform distribution.
        repeats: Whether a pixel fixated twice counts twice. Defaults to
            `False`, as in MIT's code.
        minmax: Whether both maps are moved to [0, 1] before they are divided
            by their sums, as in MIT's code. With `False` and `epsilon=0` this
            is pysaliency's (minus infinity where the prediction is 0 at a
            fixation), and negative values are refused.
        epsilon: Guard in both logarithms. Defaults to MATLAB's `eps`, 2^-52.

    Returns:
        One float64 per image. A constant map other than zero is uniform (MIT:
        NaN) and an all-zero prediction has no mass, which costs about 52 bits
        less what the baseline is worth; NaN without fixations.

    Raises:
        ValueError: On NaN or infinity, on a baseline that is zero everywhere,
            or at a fixation with `epsilon=0`, on fixations that are no counts,
            and on shapes that differ.

    References:
    - Kümmerer et al. (2015), Information-theoretic model comparison unifies
      saliency metrics.
    """
    maps: dict[str, Any] = {"prediction": prediction, "fixations": fixations}
    if baseline is not None:
        maps["baseline"] = baseline

    def shares(map_, where):
        if not minmax:
            map_.check_mass()
        low, mass = map_.low_and_mass(minmax)
        return (map_.at(where) - low) / mass

    def score(prediction, fixations, baseline=None):
        where, weights = fixations.fixated(repeats)
        p = shares(prediction, where)
        if baseline is None:
            b = np.full(where.size, 1.0 / prediction.size)
        else:
            b = shares(baseline, where)
            if not baseline.any:
                raise ValueError("baseline is zero everywhere")
        if where.size == 0:
            return np.nan
        if not (epsilon + b > 0).all():
            raise ValueError(
                "baseline is 0 at a fixation, over which every gain is "
                "infinite; mix it with a little of a uniform distribution, or "
                "give a positive epsilon"
            )
        with np.errstate(divide="ignore"):
            gain = np.log2(epsilon + p) - np.log2(epsilon + b)
        return np.dot(gain, weights) / weights.sum()

    return _maps.score_each(score, **maps)
