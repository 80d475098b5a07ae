"""Checks of maps."""

import numpy as np

from keras_saliency._utils.errors import DatasetError


def check_map(array, name):
    """Return a map as float32 `(height, width)`, or raise naming it."""
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 2 or array.dtype.kind not in "buif" or not array.size:
        raise DatasetError(
            f"The map {name} must be an array of numbers of shape "
            f"(height, width); it has shape {array.shape} and type "
            f"{array.dtype}."
        )
    array = array.astype("float32")
    if not np.isfinite(array).all():
        raise DatasetError(
            f"The map {name} holds {int((~np.isfinite(array)).sum())} NaN or "
            "infinite values; replace them (by 0 where nobody looked) or "
            "leave the image out."
        )
    if array.min() < 0:
        raise DatasetError(
            f"The map {name} holds negative values (minimum "
            f"{array.min():.4g}); a map of fixations or of their density has "
            "none."
        )
    return array
