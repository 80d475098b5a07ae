"""Checks of images and maps."""

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array, ArrayLike


def check_image(image: ArrayLike) -> Array:
    """Return an image as an array `(height, width, 3)`.

    Raises:
        ValueError: If it has another shape, or holds no numbers.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[-1] != 3 or not image.size:
        gray = image.ndim == 2 or image.shape[-1:] == (1,)
        raise ValueError(
            "An image must be an array (height, width, 3), RGB in 0..255; "
            f"received the shape {image.shape}."
            + (" Repeat a gray one: np.stack([gray] * 3, -1)." * gray)
        )
    if image.dtype.kind not in "uif":
        raise ValueError(
            "An image must hold numbers in 0..255; received the type "
            f"{image.dtype}."
        )
    return image


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
