"""Pixel-based measures (paper, section 3.2.1): lower is better.

They compare values, not shapes: both maps are expected in [0, 1]. Each is a
mean over pixels.
"""

from keras import ops

from keras_saliency.functional.maps import map_pair, pixel_mean

# Differences of maps in [0, 1] cannot exceed 1. Far beyond that the
# exponential is continued along its tangent, so that the map of a network
# that is far off gives a finite value and gradient.
_LARGEST_EXPONENT = 10.0


def mean_squared_error(y_true, y_pred):
    """Mean squared error (eq. 1).

    Args:
        y_true: Density maps `(batch, height, width, 1)` in [0, 1].
        y_pred: Predicted maps, same shape.

    Returns:
        Tensor `(batch,)`, 0 for equal maps.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    return pixel_mean(ops.square(y_true - y_pred))


def absolute_error(y_true, y_pred):
    """Mean absolute error (eq. 3).

    Args:
        y_true: Density maps `(batch, height, width, 1)` in [0, 1].
        y_pred: Predicted maps, same shape.

    Returns:
        Tensor `(batch,)`, 0 for equal maps.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    return pixel_mean(ops.abs(y_true - y_pred))


def exponential_absolute_difference(y_true, y_pred):
    """Mean of exp(|difference|) - 1 (eq. 2).

    Differences above 10, which maps in [0, 1] cannot have, continue along
    the tangent, so that the value stays finite.

    Args:
        y_true: Density maps `(batch, height, width, 1)` in [0, 1].
        y_pred: Predicted maps, same shape.

    Returns:
        Tensor `(batch,)`, 0 for equal maps.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    difference = ops.abs(y_true - y_pred)
    curved = ops.minimum(difference, _LARGEST_EXPONENT)
    exponential = ops.exp(curved)
    tangent = exponential * (difference - curved)
    return pixel_mean(ops.expm1(curved) + tangent)


def mlnet_mean_squared_error(y_true, y_pred, *, alpha=1.1):
    """Squared error weighted by 1 / (alpha - S), the W-MSE of ML-Net (eq. 4).

    With alpha 1.1 an error on the peak of the density map counts 11 times as
    much as one where the map is zero.

    Args:
        y_true: Density maps `(batch, height, width, 1)` in [0, 1].
        y_pred: Predicted maps, same shape.
        alpha: Larger than 1.

    Returns:
        Tensor `(batch,)`, 0 for equal maps.

    References:
        Cornia et al., A deep multi-level network for saliency prediction,
        ICPR 2016. Their code, unlike eq. 4, first divides the prediction by
        its largest value.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    weight = 1.0 / (alpha - ops.clip(y_true, 0.0, 1.0))
    return pixel_mean(weight * ops.square(y_true - y_pred))


def sigmoid_mean_squared_error(y_true, y_pred, *, threshold=0.55, slope=10.0):
    """Squared error weighted by k / (1 + exp(-k (S - lambda))) (eq. 4).

    Args:
        y_true: Density maps `(batch, height, width, 1)` in [0, 1].
        y_pred: Predicted maps, same shape.
        threshold: The paper's lambda, where the weight is half its maximum.
        slope: The paper's k, the weight's maximum and steepness.

    Returns:
        Tensor `(batch,)`, 0 for equal maps.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    weight = slope * ops.sigmoid(slope * (y_true - threshold))
    return pixel_mean(weight * ops.square(y_true - y_pred))
