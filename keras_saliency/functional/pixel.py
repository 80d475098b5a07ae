"""Pixel-based measures (paper, section 3.2.1): lower is better.

They compare values, not shapes: both maps are expected in [0, 1]. Each is a
mean over pixels. All take

- `y_true`, density maps `(batch, height, width, 1)` in [0, 1];
- `y_pred`, predicted maps of the same shape;

and return a tensor `(batch,)`, 0 for equal maps.
"""

from keras import ops

from keras_saliency._utils.types import Tensor
from keras_saliency.functional.maps import (
    EPSILON,
    bounded,
    map_pair,
    pixel_mean,
)

# Differences of maps in [0, 1] cannot exceed 1. Far beyond that the
# exponential is continued along its tangent, so that the map of a network
# that is far off gives a finite value and gradient.
_LARGEST_EXPONENT = 10.0
# Differences beyond count as this, so that the sum of their squares stays
# within float32.
_LARGEST_DIFFERENCE = 1e10


def mean_squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Return the mean squared error (eq. 1)."""
    y_true, y_pred = map_pair(y_true, y_pred)
    return pixel_mean(ops.square(_difference(y_true, y_pred)))


def absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Return the mean absolute error (eq. 3)."""
    y_true, y_pred = map_pair(y_true, y_pred)
    return pixel_mean(ops.abs(_difference(y_true, y_pred)))


def exponential_absolute_difference(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Return the mean of exp(|difference|) - 1 (eq. 2).

    Differences above 10, which maps in [0, 1] cannot have, continue along
    the tangent, so that the value stays finite.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    difference = ops.abs(_difference(y_true, y_pred))
    curved = ops.minimum(difference, _LARGEST_EXPONENT)
    exponential = ops.exp(curved)
    tangent = exponential * (difference - curved)
    return pixel_mean(ops.expm1(curved) + tangent)


def mlnet_mean_squared_error(
    y_true: Tensor, y_pred: Tensor, *, alpha: float = 1.1
) -> Tensor:
    """Return the squared error times 1 / (alpha - S) (eq. 4).

    ML-Net's loss, which is also called W-MSE.

    With alpha 1.1 an error on the peak of the density map counts 11 times as
    much as one where the map is zero.

    Args:
        y_true: Density maps, see the module.
        y_pred: Predicted maps.
        alpha: A number larger than 1.

    References:
        Cornia et al., A deep multi-level network for saliency prediction,
        ICPR 2016. Their code, unlike eq. 4, first divides the prediction by
        its largest value.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    # In float32 an alpha next to 1 is 1.
    rest = ops.maximum(alpha - ops.clip(y_true, 0.0, 1.0), EPSILON)
    weight = 1.0 / rest
    return pixel_mean(weight * ops.square(_difference(y_true, y_pred)))


def sigmoid_mean_squared_error(
    y_true: Tensor,
    y_pred: Tensor,
    *,
    threshold: float = 0.55,
    slope: float = 10.0,
) -> Tensor:
    """Return the squared error times k / (1 + exp(-k (S - lambda))) (eq. 4).

    Args:
        y_true: Density maps, see the module.
        y_pred: Predicted maps.
        threshold: The paper's lambda, where the weight is half its maximum.
        slope: The paper's k, the weight's maximum and steepness.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    weight = slope * ops.sigmoid(slope * (y_true - threshold))
    return pixel_mean(weight * ops.square(_difference(y_true, y_pred)))


def _difference(y_true, y_pred):
    return bounded(y_true - y_pred, -_LARGEST_DIFFERENCE, _LARGEST_DIFFERENCE)
