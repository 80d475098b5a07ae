"""Checks of images and maps."""

from typing import Any

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array, ArrayLike

_RANGES = (
    "An image must hold numbers in 0..255, or uint16 in 0..65535, floats in "
    "0..1, or bool"
)
# Modes of PIL whose arrays are gray or RGB; 16 bits have several more.
_PLAIN_MODES = ("1", "L", "I", "F", "RGB")
# Where colors are multiplied by the opacity, and the mode where they are not.
_MULTIPLIED_MODES = {"La": "LA", "RGBa": "RGBA"}


def check_image(image: ArrayLike) -> Array:
    """Return what a user has as an RGB image in 0..255.

    The type says the range: uint16 is 0..65535, bool black and white, and
    floats whose largest value is at most 1 are 0..1. All else is 0..255. A
    gray image `(height, width)` or `(height, width, 1)` is repeated.

    Args:
        image: Array, tensor or PIL image; one of PIL of any mode, such as
            CMYK or YCbCr, and its transparency is left out.

    Returns:
        Array `(height, width, 3)` in 0..255: float32 or float64 for floats,
        else uint8. A uint8 array of that shape is returned as it is.

    Raises:
        ValueError: If it has another shape, holds no numbers, or others than
            in the ranges above; the message says which.
    """
    return _in_range(_shaped(_array(image)))


def _in_range(image: Array) -> Array:
    """Return an image in 0..255 by the range of its type."""
    kind = image.dtype.kind
    if image.dtype == np.uint8:
        return image
    if kind == "b":
        return image * np.uint8(255)
    if kind not in "uif":
        raise ValueError(f"{_RANGES}; received the type {image.dtype}.")
    low, high = image.min(), image.max()
    if kind == "u" and image.dtype.itemsize == 2:
        if 0 < high <= 255:
            raise ValueError(
                f"{_RANGES}; received uint16 in {low}..{high}, which is black "
                "if it is of 16 bits. Where it is not, give it as uint8."
            )
        # As OpenCV reduces the 16 bits of a file.
        return (image >> 8).astype(np.uint8)
    if not (low >= 0 and high <= 255):  # NaN fails as well
        raise ValueError(
            f"{_RANGES}; received {image.dtype} in {low}..{high}. Undo a "
            "normalization, clip it, or replace what is not finite."
        )
    if kind != "f":
        return image.astype(np.uint8)
    if image.dtype not in (np.float32, np.float64):
        image = image.astype(np.float32)
    # Below, it is black in either range, and what was scaled is not again.
    if 1 / 255 < high <= 1:
        image = image * image.dtype.type(255)
    return image


def check_pixels(image: ArrayLike) -> Array:
    """Return what a user has as a uint8 array `(height, width, 3)`.

    Args:
        image: As for `check_image`. Floats are rounded.

    Raises:
        ValueError: As `check_image`.
    """
    image = check_image(image)
    return image if image.dtype == np.uint8 else np.rint(image).astype("uint8")


def _array(image: Any) -> Array:
    try:
        array = np.asarray(_plain(image))
    except Exception as error:  # of a ragged list, of a tensor elsewhere
        raise ValueError(
            f"An image must be an array (height, width, 3); received "
            f"{type(image).__name__}, of which NumPy makes none: {error}"
        ) from error
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    return array


def _plain(image: Any) -> Any:
    """Return an image of PIL as gray or RGB, and all else as it is."""
    mode = getattr(image, "mode", None)
    if not isinstance(mode, str) or not hasattr(image, "convert"):
        return image
    if mode in _PLAIN_MODES or mode.startswith("I;16"):
        return image
    if mode in _MULTIPLIED_MODES:
        image = image.convert(_MULTIPLIED_MODES[mode])
    return image.convert("RGB")


def _shaped(image: Array) -> Array:
    """Return an image in three channels, or raise."""
    if image.ndim == 2 and image.size:
        image = image[..., np.newaxis]
    if image.ndim == 3 and image.shape[-1] == 1 and image.size:
        return np.repeat(image, 3, axis=-1)
    if image.ndim == 3 and image.shape[-1] == 3 and image.size:
        return image
    hint = ""
    if image.ndim == 4:
        hint = " Give the images of a batch one by one."
    elif image.ndim == 3 and image.shape[-1] == 4:
        hint = " Leave transparency out: image[..., :3]."
    elif image.ndim == 3 and image.shape[0] in (1, 3):
        hint = " Move its channels to the end: np.moveaxis(image, 0, -1)."
    raise ValueError(
        "An image must be an array (height, width, 3), RGB in 0..255, or gray "
        f"(height, width); received the shape {image.shape}.{hint}"
    )


def plain_map(array: ArrayLike) -> Array | None:
    """Return a map without the channel that it may have.

    Args:
        array: Array `(height, width)` or `(height, width, 1)`.

    Returns:
        Array `(height, width)` of the same type; `None` if it has another
        shape, is empty or holds no numbers.
    """
    map_: Array = np.asarray(array)
    if map_.ndim == 3 and map_.shape[-1] == 1:
        map_ = map_[..., 0]
    is_map = map_.ndim == 2 and map_.size and map_.dtype.kind in "buif"
    return map_ if is_map else None


def check_map(array: ArrayLike, name: object) -> Array:
    """Return a map as float32 `(height, width)`, or raise naming it.

    float64 values that float32 does not hold are multiplied by a power of 2:
    maps have no unit.
    """
    array = np.asarray(array)
    map_ = plain_map(array)
    if map_ is None:
        raise DatasetError(
            f"The map {name} must be an array of numbers of shape "
            f"(height, width); it has shape {array.shape} and type "
            f"{array.dtype}."
        )
    if map_.dtype.kind == "f" and map_.dtype.itemsize > 4:
        peak = map_.max()
        if 0 < peak < 2.0**-100 or 2.0**127 <= peak < np.inf:
            map_ = np.ldexp(map_, -int(np.frexp(peak)[1]))
    with np.errstate(over="ignore"):
        map_ = map_.astype("float32")
    if not np.isfinite(map_).all():
        raise DatasetError(
            f"The map {name} holds {int((~np.isfinite(map_)).sum())} NaN or "
            "infinite values; replace them (by 0 where nobody looked) or "
            "leave the image out."
        )
    if map_.min() < 0:
        raise DatasetError(
            f"The map {name} holds negative values (minimum "
            f"{map_.min():.4g}); a map of fixations or of their density has "
            "none."
        )
    return map_
