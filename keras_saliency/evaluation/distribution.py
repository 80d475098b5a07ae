"""Metrics of a prediction against a density map: CC, SIM, KL divergence."""

import numpy as np

from keras_saliency._utils.types import ArrayLike
from keras_saliency.evaluation import _maps
from keras_saliency.evaluation._maps import Scores


def cc(*, prediction: ArrayLike, density: ArrayLike) -> Scores:
    """Return Pearson's linear correlation; higher is better, at most 1.

    The same for every positive affine change of either map, so negative
    predictions are fine.

    Args:
        prediction: Predicted map or maps, shape `(H, W)` or `(N, H, W)`, with
            or without a trailing channel.
        density: Ground-truth density, same shape, any scale.

    Returns:
        One float64 per image in [-1, 1]. 0 for a constant prediction (MIT:
        NaN, pysaliency: 0); NaN for a constant density, also an all-zero one,
        where nothing can be measured (both references: NaN).

    Raises:
        ValueError: On NaN or infinity, and on shapes that differ.
    """

    def score(prediction, density):
        prediction.check_finite()
        density.check_finite()
        if density.low == density.high:
            return np.nan
        if prediction.low == prediction.high:
            return 0.0
        p_mean, q_mean = prediction.mean, density.mean
        pairs = _maps.blocks(prediction.flat, density.flat)
        if prediction.is_spread and density.is_spread:
            pq = sum(np.dot(p, q) for p, q in pairs)
            pq -= prediction.size * p_mean * q_mean
            pp, qq = prediction.squares, density.squares
        else:
            pq = pp = qq = 0.0
            for p, q in pairs:
                p, q = p - p_mean, q - q_mean
                pq += np.dot(p, q)
                pp += np.dot(p, p)
                qq += np.dot(q, q)
        correlation = pq / (np.sqrt(pp) * np.sqrt(qq))
        return min(max(correlation, -1.0), 1.0)

    return _maps.score_each(score, prediction=prediction, density=density)


def sim(
    *, prediction: ArrayLike, density: ArrayLike, minmax: bool = True
) -> Scores:
    """Return the similarity (histogram intersection); higher is better.

        sim = sum_i min(p_i, q_i)

    with both maps moved to [0, 1] and then divided by their sums; from 0 to 1.

    Args:
        prediction: Predicted map or maps, shape `(H, W)` or `(N, H, W)`, with
            or without a trailing channel.
        density: Ground-truth density, same shape, any scale.
        minmax: Whether both maps are moved to [0, 1] before they are divided
            by their sums, as in MIT's code; negative values are then fine.
            With `False` this is pysaliency's, and negative values are refused
            (pysaliency shifts them).

    Returns:
        One float64 per image. A constant map other than zero is uniform (MIT:
        NaN); if either map is zero everywhere the value is 0, as in MIT's
        code (pysaliency takes it as uniform).

    Raises:
        ValueError: On NaN or infinity, and on shapes that differ.

    References:
    - Judd et al. (2012), A benchmark of computational models of saliency to
      predict human fixations.
    """

    def score(prediction, density):
        for map_ in (prediction, density):
            _check(map_, minmax)
        p_low, p_mass = prediction.low_and_mass(minmax)
        q_low, q_mass = density.low_and_mass(minmax)
        quotient, shared = q_mass / p_mass, 0.0
        for p, q in _maps.blocks(prediction.flat, density.flat):
            # One division at the end, by the mass of q.
            p = _scaled(p, p_low, quotient)
            q = q if q_low == 0 else q - q_low
            shared += np.minimum(p, q, out=p).sum()
        return shared / q_mass

    return _maps.score_each(score, prediction=prediction, density=density)


def kl_divergence(
    *,
    prediction: ArrayLike,
    density: ArrayLike,
    minmax: bool = False,
    epsilon: float = _maps.EPSILON,
    floor: float = 0.0,
) -> Scores:
    """Return the Kullback-Leibler divergence in nats; lower is better.

    It measures how far the prediction p is from the density q, both divided by
    their sums; 0 is perfect. This is MIT's direction: some ports have the
    arguments reversed.

        kl = sum_i q_i * log(eps + q_i / (p_i + eps))

    Args:
        prediction: Predicted map or maps, `>= 0`, shape `(H, W)` or
            `(N, H, W)`, with or without a trailing channel.
        density: Ground-truth density, `>= 0`, same shape, any scale.
        minmax: Whether both maps are moved to [0, 1] before they are divided
            by their sums, which also allows negative values. Defaults to
            `False`, as in MIT's code.
        epsilon: Guard in the quotient and in the logarithm. Defaults to
            MATLAB's `eps`, 2^-52, as in MIT's code. It matters wherever the
            prediction is 0: another epsilon is another metric.
        floor: Added to both maps before they are divided by their sums, and
            after they are moved to [0, 1].
            pysaliency's `KLDiv` is `epsilon=0, floor=1e-20`.

    Returns:
        One float64 per image. Where the prediction is 0 a pixel costs up to
        36 nats, and an all-zero prediction costs that everywhere; equal maps
        give 0 to 1e-12 (the guard, as in MIT's code); an all-zero density
        gives 0, as in MIT's code, although nothing was measured.

    Raises:
        ValueError: On NaN or infinity, on negative values without `minmax`
            (MIT's code returns a complex number, pysaliency shifts the map),
            and on shapes that differ.
    """

    def score(prediction, density):
        for map_ in (prediction, density):
            _check(map_, minmax)
        p_low, p_mass = prediction.low_and_mass(minmax, floor)
        q_low, q_mass = density.low_and_mass(minmax, floor)
        # Multiplying is quicker than dividing.
        p_factor, q_factor, divergence = 1 / p_mass, 1 / q_mass, 0.0
        for p_block, q_block in _maps.blocks(prediction.flat, density.flat):
            q_block = _scaled(q_block, q_low, q_factor)
            ratio = _scaled(p_block, p_low, p_factor)
            ratio += epsilon
            with np.errstate(divide="ignore", invalid="ignore"):
                np.divide(q_block, ratio, out=ratio)
                ratio += epsilon
                np.log(ratio, out=ratio)
            if epsilon == 0:
                ratio[q_block == 0] = 0.0
            divergence += np.dot(q_block, ratio)
        return divergence

    return _maps.score_each(
        score,
        # The floor is added to the maps as they are.
        scale_free=minmax or floor == 0,
        prediction=prediction,
        density=density,
    )


def _check(map_, minmax):
    """Raise where a map is not what becomes a distribution."""
    if minmax:
        map_.check_finite()
    else:
        map_.check_mass()


def _scaled(block, low, factor):
    """Return `(block - low) * factor` in memory of its own."""
    if low == 0:
        return block * factor
    moved = block - low
    moved *= factor
    return moved
