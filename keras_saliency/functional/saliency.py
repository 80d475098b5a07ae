"""Saliency-inspired measures (paper, section 3.2.3): higher is better."""

from keras import ops

from keras_saliency._utils.types import Tensor
from keras_saliency.functional.maps import (
    LARGEST,
    TINY,
    bounded,
    divide_by_sum,
    divide_where_positive,
    map_pair,
    pixel_count,
    pixel_mean,
    pixel_sum,
    standardize,
)

# Of `soft_auc`: the ends of a smaller one are the same number of float32.
SMALLEST_MARGIN = 1e-3


def normalized_scanpath_saliency(fixations: Tensor, y_pred: Tensor) -> Tensor:
    """Return the normalized scanpath saliency (eq. 11).

    The mean, over the fixations, of the prediction standardized to mean 0 and
    population standard deviation 1. The paper divides by the number of pixels
    instead, a misprint of scale: the metric and SAM average over fixations.

    Args:
        fixations: Fixation maps `(batch, height, width, 1)`: counts (each
            fixation counts), or 0/1 (each fixated pixel counts).
        y_pred: Predicted maps, same shape.

    Returns:
        Tensor `(batch,)`; 0 for a constant map or an image without fixations.

    References:
        Peters et al., Components of bottom-up gaze allocation in natural
        images, Vision Research 2005.
    """
    fixations, y_pred = map_pair(fixations, y_pred)
    return divide_where_positive(
        pixel_sum(fixations * standardize(y_pred)), pixel_sum(fixations)
    )


def bounded_scanpath_saliency(fixations: Tensor, y_pred: Tensor) -> Tensor:
    """Return how far the NSS is below its highest value: lower is better.

    The NSS of the fixation map taken as the prediction, less that of the
    prediction: 0, where the two are equal, is the least.

    Args:
        fixations: Fixation maps `(batch, height, width, 1)`: counts, or 0/1.
        y_pred: Predicted maps, same shape.

    Returns:
        Tensor `(batch,)`, not negative; 0 for an image without fixations.

    References:
        Jia and Bruce, EML-NET, Image and Vision Computing 2020. Their code
        takes the standard deviation with N - 1.
    """
    return normalized_scanpath_saliency(
        fixations, fixations
    ) - normalized_scanpath_saliency(fixations, y_pred)


def selective_fixation_error(
    y_true: Tensor, fixations: Tensor, y_pred: Tensor
) -> Tensor:
    """Return the fixation and non-fixation error (sFNE): lower is better.

    The mean squared difference of the two standardized maps at the fixations,
    plus the same at the pixels that are not fixated.

    Args:
        y_true: Density maps `(batch, height, width, 1)`.
        fixations: Fixation maps, same shape: counts (each fixation counts),
            or 0/1.
        y_pred: Predicted maps, same shape.

    Returns:
        Tensor `(batch,)`, 0 for equal maps. A mean over no pixels is 0.

    References:
        Ding et al., SalFBNet, Image and Vision Computing 2022. Their code
        draws the pixels that are not fixated; here they are all, which is what
        a draw has on average. It standardizes with N - 1, over the whole batch.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    fixations, _ = map_pair(fixations, y_pred)
    error = ops.square(standardize(y_true) - standardize(y_pred))
    elsewhere = ops.cast(fixations <= 0, "float32")
    return sum(
        divide_where_positive(pixel_sum(weight * error), pixel_sum(weight))
        for weight in (fixations, elsewhere)
    )


def soft_auc(
    fixations: Tensor, y_pred: Tensor, *, margin: float = 1.0
) -> Tensor:
    """Return the area under the ROC curve with soft comparisons.

    Higher is better. The mean over all pairs of a fixation i and a pixel j
    that is not fixated of

        clip(1/2 + (z_i - z_j) / (2 margin), 0, 1)

    z being the prediction standardized to mean 0 and standard deviation 1.
    The smaller the margin, the nearer it comes to the area itself, whose
    comparisons are 1, 1/2 (equal) or 0. All pairs are counted, by sorting.
    Differentiable.

    Args:
        fixations: Fixation maps `(batch, height, width, 1)`: counts (each
            fixation counts), or 0/1.
        y_pred: Predicted maps, same shape.
        margin: Difference beyond which a pair counts wholly, in standard
            deviations; 0.001 at least, below which it is lost in the
            rounding of float32.

    Returns:
        Tensor `(batch,)` in [0, 1]; 0.5 for a constant map. Without fixations,
        or without another pixel, 1: there is no pair in the wrong order.

    Raises:
        ValueError: If the margin is too small.

    References:
        Yan et al., Optimizing classifier performance via an approximation to
        the Wilcoxon-Mann-Whitney statistic, ICML 2003, of such surrogates.
    """
    if margin < SMALLEST_MARGIN:
        raise ValueError(
            f"soft_auc: margin must be at least {SMALLEST_MARGIN}, received "
            f"{margin!r}."
        )
    fixations, y_pred = map_pair(fixations, y_pred)
    rows = ops.shape(y_pred)[0]
    z = ops.reshape(standardize(y_pred), (rows, -1))
    fixated = ops.reshape(fixations, (rows, -1))
    others = ops.cast(fixated <= 0, "float32")
    none = ops.zeros_like(others)
    # The cost of a pair, clip(1/2 + (z_j - z_i) / (2 margin), 0, 1), is the
    # difference of two hinges (z_j - t)+, at t = z_i - margin and z_i + margin.
    # From the highest value down, a hinge's sum over j is one of sums so far.
    values = ops.concatenate([z, z - margin, z + margin], axis=1)
    masses = ops.concatenate([others, none, none], axis=1)
    signs = ops.concatenate([none, fixated, -fixated], axis=1)
    order = ops.argsort(-values, axis=-1)
    values, masses, signs = (
        ops.take_along_axis(x, order, axis=-1) for x in (values, masses, signs)
    )
    hinges = ops.cumsum(masses * values, axis=-1) - values * ops.cumsum(
        masses, axis=-1
    )
    cost = ops.sum(signs * hinges, axis=-1) / (2.0 * margin)
    pairs = ops.sum(fixated, axis=-1) * ops.sum(others, axis=-1)
    return 1.0 - divide_where_positive(cost, pairs)


def correlation_coefficient(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Return Pearson's correlation coefficient of the maps (eq. 12).

    Args:
        y_true: Density maps `(batch, height, width, 1)`.
        y_pred: Predicted maps, same shape.

    Returns:
        Tensor `(batch,)` in [-1, 1]; 1 for equal maps, 0 where either map is
        constant.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    return pixel_mean(standardize(y_true) * standardize(y_pred))


def similarity(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Return the similarity (histogram intersection) of the maps.

    Both maps are scaled from their minimum and maximum to [0, 1], divided by
    their sum, and the pixel-wise minima added, as in the MIT benchmark.

    Args:
        y_true: Density maps `(batch, height, width, 1)`.
        y_pred: Predicted maps, same shape.

    Returns:
        Tensor `(batch,)` in [0, 1]; 1 for equal maps. A constant map other
        than zero counts as uniform; with an all-zero map the value is 0.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    return pixel_sum(
        ops.minimum(
            divide_by_sum(_from_minimum(y_true)),
            divide_by_sum(_from_minimum(y_pred)),
        )
    )


def _from_minimum(x: Tensor) -> Tensor:
    x = bounded(x, -LARGEST, LARGEST)
    low = ops.min(x, axis=(1, 2, 3), keepdims=True)
    high = ops.max(x, axis=(1, 2, 3), keepdims=True)
    return ops.where(high > low, x - low, ops.abs(x))


def auc_judd(fixations: Tensor, y_pred: Tensor) -> Tensor:
    """Return the area under Judd's ROC curve.

    The thresholds are the values at the fixated pixels, the positives those
    pixels (however often fixated), the negatives all other pixels; ties pass
    a threshold together. Not differentiable.

    Args:
        fixations: Fixation maps `(batch, height, width, 1)`.
        y_pred: Predicted maps, same shape.

    Returns:
        Tensor `(batch,)` in [0, 1]; 0.5 for a constant map, NaN for one that
        holds NaN. Without fixations the area is not defined: 0.

    References:
        Judd et al., Learning to predict where humans look, ICCV 2009. The
        same in float64: `evaluation.auc_judd`.
    """
    fixations, y_pred = map_pair(fixations, y_pred)
    count, rows = pixel_count(y_pred), ops.shape(y_pred)[0]
    values = -ops.reshape(y_pred, (rows, -1))
    fixated = ops.cast(ops.reshape(fixations, (rows, -1)) > 0, "float32")
    order = ops.argsort(values, axis=-1)
    values = ops.take_along_axis(values, order, axis=-1)
    fixated = ops.take_along_axis(fixated, order, axis=-1)
    # From the highest value down, pixels of equal value form a group. A
    # group with a fixation ends a segment of the curve.
    starts = ops.cast(values[:, 1:] != values[:, :-1], "int32")
    group = ops.pad(ops.cumsum(starts, axis=-1), ((0, 0), (1, 0)))
    ends = ops.cast(_sum_by(fixated, group) > 0, "int32")
    ended_before = ops.cumsum(ends, axis=-1) - ends
    segment = ops.take_along_axis(ended_before, group, axis=-1)
    # The rate of hits where a negative passes is the mean of those at both
    # ends of its segment.
    hits = _sum_by(fixated, segment)
    height = ops.cumsum(hits, axis=-1) - 0.5 * hits
    height = ops.take_along_axis(height, segment, axis=-1)
    positives = ops.sum(fixated, axis=-1)
    area = divide_where_positive(
        ops.sum((1.0 - fixated) * height, axis=-1),
        positives * (count - positives),
    )
    return _nan_with(y_pred, area)


def _nan_with(y_pred: Tensor, area: Tensor) -> Tensor:
    """Return an area, NaN where the prediction holds NaN: it has no order."""
    broken = ops.any(ops.isnan(y_pred), axis=(1, 2, 3))
    return ops.where(broken, float("nan"), area)


def _sum_by(values: Tensor, group: Tensor) -> Tensor:
    """Sum values `(batch, n)` row by row by their group in 0..n-1."""
    rows, count = ops.shape(values)
    offset = ops.expand_dims(ops.arange(rows, dtype="int32") * count, -1)
    sums = ops.segment_sum(
        ops.reshape(values, (-1,)),
        ops.reshape(group + offset, (-1,)),
        num_segments=rows * count,
    )
    return ops.reshape(sums, (rows, count))


def auc_borji(
    fixations: Tensor, y_pred: Tensor, *, step: float = 0.1
) -> Tensor:
    """Return the area under Borji's ROC curve.

    The value is the exact expectation of Borji's random draws.

    The positives are the fixated pixels, the negatives all pixels; the
    thresholds are multiples of `step` on the prediction scaled from its
    minimum and maximum to [0, 1]. Not differentiable.

    Args:
        fixations: Fixation maps `(batch, height, width, 1)`.
        y_pred: Predicted maps, same shape.
        step: Distance of the thresholds; the benchmark's is 0.1.

    Returns:
        Tensor `(batch,)` in [0, 1]; 0.5 for a constant map, NaN for one that
        holds NaN. Without fixations the area is not defined: 0.

    References:
        Borji et al., Quantitative analysis of human-model agreement in visual
        saliency modeling, TIP 2013. The same in float64:
        `evaluation.auc_borji`.
    """
    fixations, y_pred = map_pair(fixations, y_pred)
    fixated = ops.cast(fixations > 0, "float32")
    y_pred = bounded(y_pred, -LARGEST, LARGEST)
    low = ops.min(y_pred, axis=(1, 2, 3), keepdims=True)
    span = ops.max(y_pred, axis=(1, 2, 3), keepdims=True) - low
    constant = span <= TINY
    false_alarms = [ops.zeros_like(pixel_sum(fixated))]
    hits = [false_alarms[0]]
    for number in range(int(1 / step + 1e-9), -1, -1):
        # Without a division, which may round the peak below 1.
        passed = ops.cast(y_pred - low >= number * step * span, "float32")
        false_alarms.append(ops.mean(passed, axis=(1, 2, 3)))
        hits.append(
            divide_where_positive(
                pixel_sum(passed * fixated), pixel_sum(fixated)
            )
        )
    x, y = ops.stack(false_alarms), ops.stack(hits)
    area = 0.5 * ops.sum((x[1:] - x[:-1]) * (y[1:] + y[:-1]), axis=0)
    area = ops.where(ops.reshape(constant, (-1,)), 0.5, area)
    return _nan_with(y_pred, area)
