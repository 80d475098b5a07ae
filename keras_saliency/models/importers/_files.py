"""Files of weights and their arrays, whatever the format.

Nothing is read before its size and kind are known.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_saliency._utils.checks import check_regular
from keras_saliency._utils.types import Array, PathName


def check_start(path: PathName, start: bytes, otherwise: str) -> None:
    """Refuse a file that does not begin as files of its format do.

    Args:
        path: The file.
        start: First bytes of the format.
        otherwise: What the error says after the file's name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it begins otherwise, or is no file.
    """
    try:
        check_regular(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{error}; give the path of a file.") from error
    with open(path, "rb") as file:
        found = file.read(len(start))
    if found != start:
        raise ValueError(f"The file {path} {otherwise}")


@contextlib.contextmanager
def reading(path: PathName, what: str, most: int) -> Iterator[None]:
    """Name the file in whatever error arises while it is read.

    Args:
        path: The file.
        what: What it should hold.
        most: Largest size in bytes that is read.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is larger, or reading fails.
    """
    size = Path(path).stat().st_size
    try:
        if size > most:
            raise ValueError(f"it has more than {most >> 20} MiB")
        yield
    except Exception as error:  # A damaged file raises nearly anything.
        raise ValueError(
            f"The file {path} does not hold the weights of {what}: {error}."
        ) from error


def check_kind(array: Any, shape: Sequence[int], name: str) -> None:
    """Refuse an array, or one in a file, that is not of floats of a shape."""
    if array.shape != tuple(shape) or array.dtype.kind != "f":
        raise ValueError(
            f"{name} is {array.dtype} of shape {array.shape}, where floats of "
            f"shape {tuple(shape)} belong"
        )


def finite(array: Any, name: str) -> Array:
    """Return an array in float32, every value of which is finite."""
    array = np.asarray(array, dtype="float32")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite")
    return array


def convolution_shapes(layer: keras.layers.Layer) -> list[tuple[int, ...]]:
    """Return the shapes of kernel and bias of a `Conv2D` in Theano."""
    height, width, channels, filters = layer.kernel.shape
    return [(filters, channels, height, width), (filters,)]


def convolution_kernel(kernel: Array, flipped: bool) -> Array:
    """Return the kernel of a `Conv2D`, given that in Theano.

    Args:
        kernel: Array `(filters, channels, height, width)`.
        flipped: Whether the layer convolves, which turns the kernel by 180
            degrees, or correlates as Keras does.
    """
    if flipped:
        kernel = kernel[:, :, ::-1, ::-1]
    return kernel.transpose(2, 3, 1, 0)
