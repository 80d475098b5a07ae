"""Measures of the agreement of two maps as published: higher is better."""

from keras import ops

from keras_saliency.functional._maps import (
    divide_by_sum,
    map_pair,
    pixel_mean,
    pixel_sum,
    standardise,
)


def correlation_coefficient(y_true, y_pred):
    """Pearson's correlation coefficient of the maps (eq. 12).

    Args:
        y_true: Density maps `(batch, height, width, 1)`.
        y_pred: Predicted maps, same shape.

    Returns:
        Tensor `(batch,)` in [-1, 1]; 1 for equal maps, 0 where either map is
        constant.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    return pixel_mean(standardise(y_true) * standardise(y_pred))


def similarity(y_true, y_pred):
    """Similarity (histogram intersection) of the maps.

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


def _from_minimum(x):
    low = ops.min(x, axis=(1, 2, 3), keepdims=True)
    high = ops.max(x, axis=(1, 2, 3), keepdims=True)
    return ops.where(high > low, x - low, x)
