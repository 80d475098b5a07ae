"""Overlap and structure of maps in [0, 1].

All take

- `y_true`, density maps `(batch, height, width, 1)` in [0, 1];
- `y_pred`, predicted maps of the same shape, in [0, 1];

and return a tensor `(batch,)`: higher is better, 1 for equal maps.
"""

import numpy as np
from keras import ops

from keras_saliency._utils.types import Tensor
from keras_saliency.functional.maps import (
    EPSILON,
    bounded,
    map_pair,
    pixel_mean,
    pixel_sum,
)

_LARGEST_VALUE = 10.0
_WINDOW, _SIGMA = 11, 1.5


def dice_coefficient(
    y_true: Tensor, y_pred: Tensor, *, threshold: float | None = None
) -> Tensor:
    """Return the soft Dice coefficient 2 sum S S^ / (sum S^2 + sum S^^2).

    In [0, 1]; 1 for two all-zero maps.

    Args:
        y_true: Density maps, see the module.
        y_pred: Predicted maps. Values outside [0, 1] are clipped and keep the
            gradient that leads them back.
        threshold: Densities from this value on count as 1, others as 0. By
            default the densities themselves are compared with.

    References:
        Milletari, Navab, Ahmadi, V-Net, 3DV 2016, of binary masks.
    """
    both, squares = _overlap(y_true, y_pred, threshold)
    return (2.0 * both + EPSILON) / (squares + EPSILON)


def intersection_over_union(
    y_true: Tensor, y_pred: Tensor, *, threshold: float | None = None
) -> Tensor:
    """Return the soft sum S S^ / (sum S^2 + sum S^^2 - sum S S^).

    In [0, 1]; 1 for two all-zero maps. Of binary maps it is the intersection
    over the union (Jaccard's coefficient; in this soft form, Tanimoto's). The
    arguments are those of `dice_coefficient`.
    """
    both, squares = _overlap(y_true, y_pred, threshold)
    return (both + EPSILON) / (squares - both + EPSILON)


def _overlap(y_true, y_pred, threshold):
    y_true, y_pred = map_pair(y_true, y_pred)
    if threshold is not None:
        y_true = ops.cast(y_true >= threshold, "float32")
    y_pred = bounded(y_pred, 0.0, 1.0)
    squares = pixel_sum(ops.square(y_true)) + pixel_sum(ops.square(y_pred))
    return pixel_sum(y_true * y_pred), squares


def structural_similarity(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Return the mean structural similarity (SSIM), in [-1, 1].

    Means, variances and covariance are taken in a Gaussian window of 11 by 11
    pixels, sigma 1.5, around each pixel, and the constants are 0.01^2 and
    0.03^2, for a range of 1, as in the original. At the border the window is
    cut off and its weights divided by their sum, so that maps of any size have
    a value; the original leaves out pixels whose window is not whole.
    Predictions beyond 10 in magnitude count as 10.

    References:
        Wang, Bovik, Sheikh, Simoncelli, Image quality assessment: from error
        visibility to structural similarity, TIP 2004.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    y_pred = bounded(y_pred, -_LARGEST_VALUE, _LARGEST_VALUE)
    maps = [y_true, y_pred, y_true**2, y_pred**2, y_true * y_pred]
    window = _blur(ops.ones_like(y_true[:1]))
    true, pred, true2, pred2, product = ops.split(
        _blur(ops.concatenate(maps)) / window, 5
    )
    spread = ops.maximum(true2 - true**2, 0.0) + ops.maximum(
        pred2 - pred**2, 0.0
    )
    level, contrast = 0.01**2, 0.03**2
    luminance = (2.0 * true * pred + level) / (true**2 + pred**2 + level)
    structure = (2.0 * (product - true * pred) + contrast) / (spread + contrast)
    return pixel_mean(luminance * structure)


def _blur(x):
    places = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-0.5 * (places / _SIGMA) ** 2)
    weights = (weights / weights.sum()).astype("float32")
    for shape in ((_WINDOW, 1, 1, 1), (1, _WINDOW, 1, 1)):
        x = ops.conv(
            x,
            ops.convert_to_tensor(weights.reshape(shape)),
            padding="same",
            data_format="channels_last",
        )
    return x
