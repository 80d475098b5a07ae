"""Sizes of images and maps, and how one becomes another."""

import functools
import math
from typing import Any

import cv2
import numpy as np

from keras_saliency._utils.checks import is_count
from keras_saliency._utils.types import Array, Size

# Numbers of a matrix that is made with its zeros first: 256 MiB.
_MOST_DENSE = 2**25
# Multiplications of one product. NumPy's library makes larger ones in threads,
# which are slower whenever a core is busy.
_PRODUCT = 2**18


def as_size(size: Any, name: str = "size") -> tuple[int, int]:
    """Return `(height, width)` as two positive ints, or raise naming it."""
    try:
        height, width = size
    except (TypeError, ValueError):
        height = width = None
    if not (is_count(height) and is_count(width)):
        raise ValueError(
            f"{name} must be (height, width), two positive integers; "
            f"received {size!r}."
        )
    return int(height), int(width)


def resize(array: Array, size: Size, *, out: Array | None = None) -> Array:
    """Resize an image or map: area average to shrink, linear to enlarge.

    An image (uint8, three channels) that shrinks by less than two in both
    directions is interpolated linearly too, at a quarter of the cost and with
    a mean difference below one gray level.

    Args:
        array: Array `(height, width)` or `(height, width, channels)`.
        size: `(height, width)` wanted.
        out: Array of that size and the same type to write to.

    Returns:
        Array of that size and the same type: `out` if given, else `array`
        where it has the size already.
    """
    height, width = as_size(size)
    old_height, old_width = array.shape[:2]
    shape = (height, width, *array.shape[2:])
    if out is not None and not (
        out.shape == shape
        and out.dtype == array.dtype
        and out.flags.c_contiguous
    ):
        # OpenCV would write elsewhere without a word.
        raise ValueError(
            f"out must be a contiguous array of {array.dtype} and shape "
            f"{shape}; received {out.dtype} of shape {out.shape}."
        )
    if (height, width) == (old_height, old_width):
        if out is None:
            return array
        out[...] = array
        return out
    if height > old_height and width < old_width:
        # OpenCV averages areas only where both sides shrink.
        array = resize(array, (old_height, width))
    elif height < old_height and width > old_width:
        array = resize(array, (height, old_width))
    area = height <= old_height and width <= old_width
    if array.dtype == np.uint8 and array.shape[2:] == (3,):
        area = area and not (old_height < 2 * height and old_width < 2 * width)
    resized = cv2.resize(
        array,
        (width, height),
        dst=out,
        interpolation=cv2.INTER_AREA if area else cv2.INTER_LINEAR,
    )
    return resized.reshape(shape)


def imresize(map_: Array, size: Size, *, scale: float | None = None) -> Array:
    """Resize a map as MATLAB's `imresize` does: bicubic.

    The kernel is widened when the map shrinks.

    Args:
        map_: Array `(height, width)`.
        size: `(height, width)` of the result.
        scale: The scale with which `imresize(map, scale)` is called; None for
            `imresize(map, size)`, whose scale is the quotient of the sizes.
            They differ where the size is no multiple of the scale.

    Returns:
        float64 array `size`.
    """
    small = np.zeros((size[0], map_.shape[1]))
    for first, begin, weights in _row_parts(*map_.shape, size[0], scale or 0):
        part = map_[begin : begin + weights.shape[1]]
        small[first : first + len(weights)] += np.dot(
            weights, part.astype(np.float64, copy=False)
        )
    columns = _resize_matrix(map_.shape[1], size[1], scale or 0)
    return (columns @ small.T).T


@functools.lru_cache(maxsize=64)
def _row_parts(
    length: int, width: int, new_length: int, scale: float
) -> list[tuple[int, int, Array]]:
    """Return the weights of some old rows after the other in the new rows.

    Returns:
        For each part its first new row, its first old row, and the weights,
        `(new rows, old rows)`, of so few that their product with the map's is
        quick on one core.
    """
    matrix = _resize_matrix(length, new_length, scale).tocsc()
    parts, begin, count = [], 0, length
    while begin < length:
        part = matrix[:, begin : begin + count]
        first, last = int(part.indices.min()), int(part.indices.max()) + 1
        if count > 1 and (last - first) * part.shape[1] * width > _PRODUCT:
            count = (count + 1) // 2
            continue
        parts.append((first, begin, part[first:last].toarray()))
        begin += count
    return parts


@functools.lru_cache(maxsize=64)
def _resize_matrix(length: int, new_length: int, scale: float) -> Any:
    """Return the weights of the old samples in the new.

    The matrix `(new_length, length)` is sparse: three quarters are zero, and
    a dense product would run on all cores, which is slower whenever one of
    them is busy.
    """
    from scipy.sparse import coo_array, csr_array

    scale = scale or new_length / length
    shrink = min(scale, 1.0)
    width = 4.0 / shrink
    center = np.arange(1, new_length + 1) / scale + 0.5 * (1 - 1 / scale)
    first = np.floor(center - width / 2)
    samples = first[:, np.newaxis] + np.arange(math.ceil(width) + 2)
    weights = _cubic(shrink * (center[:, np.newaxis] - samples))
    weights /= weights.sum(axis=1, keepdims=True)
    # Beyond its ends the map goes on as its mirror image.
    samples = (samples.astype(int) - 1) % (2 * length)
    samples = np.where(samples < length, samples, 2 * length - 1 - samples)
    rows = np.arange(new_length)[:, np.newaxis]
    if new_length * length > _MOST_DENSE:
        rows = np.broadcast_to(rows, samples.shape)
        entries = weights.ravel(), (rows.ravel(), samples.ravel())
        return coo_array(entries, (new_length, length)).tocsr()
    matrix = np.zeros((new_length, length))
    np.add.at(matrix, (rows, samples), weights)
    return csr_array(matrix)


def _cubic(x: Array) -> Array:
    """Return Keys' cubic convolution kernel with a = -1/2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))
