"""Areas under ROC curves: fixated pixels against other pixels."""

from typing import Any, Literal

import numpy as np

from keras_saliency._utils.types import ArrayLike
from keras_saliency.evaluation import _maps, _roc
from keras_saliency.evaluation._maps import Scores


def auc_judd(
    *,
    prediction: ArrayLike,
    fixations: ArrayLike,
    ties: Literal["together", "in_order", "random"] = "together",
    jitter: float = 0.0,
    seed: Any = None,
    repeats: bool = False,
) -> Scores:
    """Return the area under Judd's ROC curve; higher is better, 0.5 is chance.

    The thresholds are the prediction's values at the fixated pixels; the
    positives are the fixated pixels, the negatives all other pixels. The area
    is that of the trapezoids through (0, 0), these points and (1, 1).

    It is not quite the probability that a fixated pixel outranks another one:
    the curve knows no thresholds but these, which adds up to `1 / (2 n)` for
    `n` fixations. The same for every increasing change of the prediction, so
    negative predictions are fine.

    Args:
        prediction: Predicted map or maps, shape `(H, W)` or `(N, H, W)`, with
            or without a trailing channel.
        fixations: Numbers of fixations, same shape.
        ties: What happens to fixated pixels with equal values. `"together"`:
            they pass the threshold at once, in both rates; exact, and the
            value of pysaliency. `"in_order"`: MIT's code without its jitter,
            which lets them pass one by one in one rate only and so comes out
            too low. `"random"`: the exact expected value of MIT's default, a
            jitter that breaks all ties at random, when it is too small to
            change any other order.
        jitter: Upper end of uniform noise added to the prediction. `1e-7` is
            MIT's default, there drawn anew in each call.
        seed: Seed of the jitter, anything `numpy.random.default_rng` takes.
        repeats: Whether a pixel fixated twice counts twice. Defaults to
            `False`, as in MIT's code; pysaliency counts each fixation.

    Returns:
        One float64 per image. 0.5 for a constant prediction (MIT without
        jitter: NaN; with `ties="random"` the expected value, which is
        `1 / (2 n + 2)` higher); NaN without fixations or if every pixel is
        fixated.

    Raises:
        ValueError: On NaN or infinity, on fixations that are no counts, and
            on shapes that differ.

    References:
    - Judd et al. (2009), Learning to predict where humans look.
    """
    if ties not in ("together", "in_order", "random"):
        raise ValueError(
            'ties must be "together", "in_order" or "random"; received '
            f"{ties!r}"
        )
    if repeats and ties != "together":
        raise ValueError(f"ties={ties!r} is defined without repeats only")
    noise = np.random.default_rng(seed) if jitter else None

    def score(prediction, fixations):
        pixels = prediction.comparable
        where, weights = fixations.fixated(repeats)
        if not 0 < where.size < pixels.size:
            return np.nan
        if noise is not None:
            jittered = pixels + jitter * noise.random(pixels.size)
            prediction = _maps.Map("prediction", jittered)
        return _judd_area(prediction, where, weights, ties)

    return _maps.score_each(
        score,
        # Ranks know no scale; a factor could make small values equal.
        scale_free=False,
        prediction=prediction,
        fixations=fixations,
    )


def _judd_area(prediction, where, weights, ties):
    pixels = prediction.comparable
    order = np.argsort(-pixels[where], kind="stable")
    thresholds = pixels[where][order]
    unfixated = pixels.size - where.size
    if ties == "random":
        won, false = _judd_expectation(prediction.ordered, thresholds)
        return (won + 0.5 * false) / (where.size * unfixated)
    passed = np.arange(1, where.size + 1)
    hits = np.cumsum(weights[order])
    hits /= hits[-1]
    at_least = _roc.count_at_least(prediction, thresholds)
    if ties == "together":
        last = np.append(thresholds[1:] != thresholds[:-1], True)
        passed, hits, at_least = passed[last], hits[last], at_least[last]
    elif prediction.low == prediction.high:
        return 0.5
    return _roc.area((at_least - passed) / unfixated, hits)


def _judd_expectation(ordered, thresholds):
    """Return expected pairs won, and false alarms at the last threshold.

    Over all ways to break the ties, for thresholds from high to low.
    """
    ranks = np.searchsorted(ordered, thresholds, side="left")
    ranks = ranks + np.searchsorted(ordered, thresholds, side="right")
    # Mann and Whitney's count of won pairs against all pixels, less that
    # among the fixated ones, where every pixel wins half of the pairs.
    count = thresholds.size
    won = 0.5 * ranks.sum() - 0.5 * count**2
    last = thresholds[-1]
    lowest = np.count_nonzero(thresholds == last)
    above = ordered.size - np.searchsorted(ordered, last, side="right")
    above -= count - lowest
    tied = np.count_nonzero(ordered == last) - lowest
    return won, above + tied * lowest / (lowest + 1)


def auc_borji(
    *,
    prediction: ArrayLike,
    fixations: ArrayLike,
    step: float | None = 0.1,
    splits: int | None = None,
    seed: Any = None,
    repeats: bool = False,
) -> Scores:
    """Return the area under Borji's ROC curve; higher is better, 0.5 is chance.

    The positives are the fixated pixels, the negatives all pixels, fixated
    ones too; the thresholds are multiples of `step` on the prediction moved
    to [0, 1]. MIT's code draws as many random pixels as there are fixations
    for each of 100 curves and averages; the default here is the exact expected
    value of that, without any draw. The coarse default step makes the value
    depend on the prediction's histogram, not on its order alone; a positive
    affine change leaves it as it is, so negative predictions are fine.

    Args:
        prediction: Predicted map or maps, shape `(H, W)` or `(N, H, W)`, with
            or without a trailing channel.
        fixations: Numbers of fixations, same shape.
        step: Distance of the thresholds, MIT's default 0.1. `None` takes every
            value as a threshold: the probability that a fixated pixel outranks
            a random one, ties counted half (pysaliency's AUC with uniform
            negatives).
        splits: Number of random draws to average over, as MIT's code with its
            default 100. Defaults to `None`, their exact expectation.
        seed: Seed of the draws, anything `numpy.random.default_rng` takes.
        repeats: Whether a pixel fixated twice counts twice. Defaults to
            `False`, as in MIT's code.

    Returns:
        One float64 per image. 0.5 for a constant prediction (MIT: NaN); one
        fixation is enough (MIT: NaN); NaN without fixations. pysaliency has
        no AUC-Borji.

    Raises:
        ValueError: On NaN or infinity, on fixations that are no counts, and
            on shapes that differ.

    References:
    - Borji et al. (2013), Quantitative analysis of human-model agreement in
      visual saliency modeling.
    """
    thresholds = _roc.threshold_steps(step)
    rng: Any = None if splits is None else np.random.default_rng(seed)

    def score(prediction, fixations):
        pixels = prediction.comparable
        where, weights = fixations.fixated(repeats)
        if where.size == 0:
            return np.nan
        negatives = None
        if splits is not None:
            # The area is linear in the false alarms, so that one curve of all
            # draws has the mean area of their curves.
            count = splits * int(weights.sum())
            negatives = pixels[rng.integers(pixels.size, size=count)]
        return _roc.pair_area(
            prediction, pixels[where], weights, negatives, None, thresholds
        )

    return _maps.score_each(
        score,
        # Ranks know no scale; a factor could make small values equal.
        scale_free=False,
        prediction=prediction,
        fixations=fixations,
    )


def auc(
    *, prediction: ArrayLike, fixations: ArrayLike, repeats: bool = True
) -> Scores:
    """Return the area under the ROC curve; higher is better, 0.5 is chance.

    The AUC of the MIT/Tuebingen benchmark since 2018 and of pysaliency: the
    probability that a fixation outranks a random pixel, ties counted half. It
    depends on the order of the pixels alone, and has neither random draws nor
    a choice of thresholds. The same as `auc_borji(step=None, repeats=True)`.

    Args:
        prediction: Predicted map or maps, shape `(H, W)` or `(N, H, W)`, with
            or without a trailing channel.
        fixations: Numbers of fixations, same shape.
        repeats: Whether a pixel fixated twice counts twice.

    Returns:
        One float64 per image. 0.5 for a constant prediction; NaN without
        fixations.

    Raises:
        ValueError: On NaN or infinity, on fixations that are no counts, and
            on shapes that differ.

    References:
    - Kuemmerer, Wallis and Bethge (2018), Saliency benchmarking made easy:
      separating models, maps and metrics.
    """
    return auc_borji(
        prediction=prediction, fixations=fixations, step=None, repeats=repeats
    )


def auc_shuffled(
    *,
    prediction: ArrayLike,
    fixations: ArrayLike,
    other_fixations: ArrayLike,
    step: float | None = 0.1,
    splits: int | None = None,
    seed: Any = None,
    repeats: bool = False,
    exclude_fixated: bool = False,
) -> Scores:
    """Return the shuffled area under the ROC curve; higher is better.

    As `auc_borji`, but the negatives are pixels that were fixated on other
    images, so that a center bias earns nothing; 0.5 is chance. MIT's code
    draws as many of them as there are fixations for each of 100 curves and
    averages; the default here is the exact expected value of that, without any
    draw.

    Args:
        prediction: Predicted map or maps, shape `(H, W)` or `(N, H, W)`, with
            or without a trailing channel.
        fixations: Numbers of fixations, same shape.
        other_fixations: Numbers of fixations on other images (MIT takes 10),
            same shape, or one `(H, W)` for all.
        step: Distance of the thresholds, MIT's default 0.1. `None` takes every
            value as a threshold, ties counted half (pysaliency's shuffled
            AUC).
        splits: Number of random draws without replacement to average over, as
            MIT's code with its default 100. Defaults to `None`, their exact
            expectation.
        seed: Seed of the draws, anything `numpy.random.default_rng` takes.
        repeats: Whether a pixel fixated twice counts twice, in both fixation
            maps. Defaults to `False`, as in MIT's code.
        exclude_fixated: Whether the image's own fixated pixels are taken
            out of the negatives. Defaults to `False`, as in MIT's code; the
            SALICON code does it, with a step of 0.01.

    Returns:
        One float64 per image. 0.5 for a constant prediction (MIT: NaN); NaN
        without fixations or without any of the other fixations.

    Raises:
        ValueError: On NaN or infinity, on fixations that are no counts, and
            on shapes that differ.

    References:
    - Zhang et al. (2008), SUN: A Bayesian framework for saliency using
      natural statistics.
    """
    thresholds = _roc.threshold_steps(step)
    rng: Any = None if splits is None else np.random.default_rng(seed)
    if splits is not None and repeats:
        raise ValueError("splits are drawn without repeats only")

    def score(prediction, fixations, other_fixations):
        pixels = prediction.comparable
        where, weights = fixations.fixated(repeats)
        others, other_weights = other_fixations.fixated(repeats)
        if exclude_fixated:
            keep = np.isin(others, where, invert=True)
            others, other_weights = others[keep], other_weights[keep]
        if where.size == 0 or others.size == 0:
            return np.nan
        if splits is not None:
            count = min(where.size, others.size)
            others = np.concatenate(
                [rng.permutation(others)[:count] for _ in range(splits)]
            )
        return _roc.pair_area(
            prediction,
            pixels[where],
            weights,
            pixels[others],
            # Equal weights are none: counting is quicker.
            other_weights if repeats else None,
            thresholds,
        )

    return _maps.score_each(
        score,
        scale_free=False,
        prediction=prediction,
        fixations=fixations,
        other_fixations=other_fixations,
    )
