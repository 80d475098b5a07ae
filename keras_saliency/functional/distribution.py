"""Distribution-based measures (paper, section 3.2.2).

Two kinds stand under that name. The divergences and the likelihood compare
whole maps as distributions over pixels: every map is divided by its sum
first, so any non-negative scale will do, and values below zero count as zero,
with the gradient that would raise them. The cross-entropies take each pixel
as the probability of an independent binary variable: maps must be in [0, 1].
"""

from keras import ops

from keras_saliency._utils.types import Tensor
from keras_saliency.functional.maps import (
    EPSILON,
    bounded,
    distribution,
    divide_by_sum,
    divide_where_positive,
    map_pair,
    pixel_mean,
    pixel_sum,
)


def kl_divergence(
    y_true: Tensor,
    y_pred: Tensor,
    *,
    direction: str = "forward",
    epsilon: float = EPSILON,
    normalization: str = "sum",
) -> Tensor:
    """Return the Kullback-Leibler divergence of the maps: lower is better.

    With both maps divided by their sum to q (target) and p (prediction):

        forward: sum q log(epsilon + q / (p + epsilon))
        reverse: sum p log(epsilon + p / (q + epsilon))

    The paper prints the reverse form (eq. 5). Its coefficients come from SAM,
    whose loss is the forward form, and the metric it reports is the forward
    form too: that is the default.

    Args:
        y_true: Density maps `(batch, height, width, 1)`, not negative.
        y_pred: Predicted maps, same shape, not negative.
        direction: `"forward"`, the divergence of the prediction from the
            target, or `"reverse"`.
        epsilon: Guard in the quotient and the logarithm. SAM's 1e-7.
        normalization: `"sum"`, or `"softmax"` of both maps, of any values.

    Returns:
        Tensor `(batch,)` in nats; 0 for equal maps. An all-zero target gives
        0 in the forward form.

    References:
        Cornia et al., Predicting human eye fixations via an LSTM-based
        saliency attentive model, TIP 2018 (SAM).
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    q = distribution(y_true, normalization)
    p = distribution(y_pred, normalization)
    if direction == "reverse":
        q, p = p, q
    elif direction != "forward":
        raise ValueError(
            f'direction must be "forward" or "reverse", received {direction!r}.'
        )
    return pixel_sum(q * ops.log(epsilon + q / (p + epsilon)))


def bhattacharyya_coefficient(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Return the overlap sum sqrt(q p) of the normalized maps (eq. 6).

    Higher is better.

    Args:
        y_true: Density maps `(batch, height, width, 1)`, not negative.
        y_pred: Predicted maps, same shape, not negative.

    Returns:
        Tensor `(batch,)` in [0, 1]; 1 for equal maps, 0 for disjoint ones.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    # A square root has an infinite slope at 0: guard it far below any
    # probability of a pixel.
    guard = 1e-12
    q = ops.sqrt(divide_by_sum(y_true) + guard)
    p = ops.sqrt(divide_by_sum(y_pred) + guard)
    return pixel_sum(q * p)


def bhattacharyya_distance(
    y_true: Tensor, y_pred: Tensor, *, epsilon: float = EPSILON
) -> Tensor:
    """Return the Bhattacharyya distance -ln(sum sqrt(q p)): lower is better.

    The paper prints the coefficient (eq. 6), which is a similarity; Jetley et
    al., whom it follows, minimize the distance.

    Args:
        y_true: Density maps `(batch, height, width, 1)`, not negative.
        y_pred: Predicted maps, same shape, not negative.
        epsilon: Guard in the logarithm; disjoint maps give -ln(epsilon).

    Returns:
        Tensor `(batch,)`, 0 for equal maps.

    References:
        Jetley, Murray, Vig, End-to-end saliency mapping via probability
        distribution prediction, CVPR 2016.
    """
    return -ops.log(bhattacharyya_coefficient(y_true, y_pred) + epsilon)


def binary_cross_entropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Return the binary cross-entropy (eq. 7): lower is better.

    A mean over pixels; the paper prints the sum.

    Args:
        y_true: Density maps `(batch, height, width, 1)` in [0, 1].
        y_pred: Probabilities, same shape, in [0, 1]: the output of a sigmoid.
            Values outside are clipped and keep the gradient that leads them
            back.

    Returns:
        Tensor `(batch,)` in nats a pixel.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    salient, background = _log_likelihoods(y_pred)
    return -pixel_mean(y_true * salient + (1.0 - y_true) * background)


def weighted_binary_cross_entropy(
    y_true: Tensor, y_pred: Tensor, *, weight: float = 0.5
) -> Tensor:
    """Return the binary cross-entropy with a global weight (eq. 8).

    Lower is better. A mean over pixels; the paper prints the sum. The salient
    term counts `weight`, the background term `1 - weight`.

    Args:
        y_true: Density maps `(batch, height, width, 1)` in [0, 1].
        y_pred: Probabilities, same shape, in [0, 1].
        weight: Weight of the salient term, in [0, 1]. 0.5 gives half the
            binary cross-entropy.

    Returns:
        Tensor `(batch,)` in nats a pixel.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    salient, background = _log_likelihoods(y_pred)
    return -pixel_mean(
        weight * y_true * salient + (1.0 - weight) * (1.0 - y_true) * background
    )


def focal(
    y_true: Tensor,
    y_pred: Tensor,
    *,
    gamma: float = 2.0,
    form: str = "printed",
) -> Tensor:
    """Return the focal cross-entropy (eq. 9): lower is better.

    A mean over pixels; the paper prints the sum. The salient term is weighted
    by `1 - p**gamma` as the paper prints it, or by `(1 - p)**gamma` as in Lin
    et al.; the background term by `p**gamma` in both.

    Args:
        y_true: Density maps `(batch, height, width, 1)` in [0, 1].
        y_pred: Probabilities, same shape, in [0, 1].
        gamma: Exponent, not negative. 0 gives the cross-entropy in Lin et
            al.'s form.
        form: `"printed"` or `"lin"`.

    Returns:
        Tensor `(batch,)` in nats a pixel.

    References:
        Lin et al., Focal loss for dense object detection, ICCV 2017.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    salient, background = _log_likelihoods(y_pred)
    # gamma < 1 has an infinite slope at 0.
    p = ops.clip(y_pred, EPSILON, 1.0 - EPSILON)
    if form == "printed":
        hard = 1.0 - ops.power(p, gamma)
    elif form == "lin":
        hard = ops.power(1.0 - p, gamma)
    else:
        raise ValueError(f'form must be "printed" or "lin", received {form!r}.')
    easy = ops.power(p, gamma)
    return -pixel_mean(
        hard * y_true * salient + easy * (1.0 - y_true) * background
    )


def negative_log_likelihood(
    fixations: Tensor, y_pred: Tensor, *, epsilon: float = EPSILON
) -> Tensor:
    """Return the negative log-likelihood of the fixations (eq. 10).

    Lower is better.

    The mean over fixations of -log p, p being the predicted map divided by
    its sum. Without that division, which eq. 10 leaves unsaid, a map of ones
    would be the best prediction.

    Args:
        fixations: Fixation maps `(batch, height, width, 1)`: counts, or 0/1.
        y_pred: Predicted maps, same shape, not negative.
        epsilon: Guard in the logarithm.

    Returns:
        Tensor `(batch,)` in nats a fixation; log(height * width) for a
        constant map, 0 for an image without fixations.

    References:
        Kuemmerer et al., Deep Gaze II, 2016.
    """
    fixations, y_pred = map_pair(fixations, y_pred)
    log_p = ops.log(divide_by_sum(y_pred) + epsilon)
    return divide_where_positive(
        -pixel_sum(fixations * log_p), pixel_sum(fixations)
    )


def _log_likelihoods(y_pred: Tensor) -> tuple[Tensor, Tensor]:
    p = bounded(y_pred, 0.0, 1.0)
    return ops.log(p + EPSILON), ops.log(1.0 - p + EPSILON)
