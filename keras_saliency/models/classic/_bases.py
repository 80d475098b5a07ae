"""Filters learned on natural images, and their responses.

`tools/learn_bases.py` made the file; `natural_bases.txt` says of what.
"""

import functools
from collections.abc import Iterator
from importlib import resources

import numpy as np

from keras_saliency._utils.types import Array

# Numbers of the patches that are laid out at once.
_AT_ONCE = 2**21


@functools.cache
def load(name: str) -> Array:
    """Return an array of the file, float32.

    Args:
        name: `"aim"`, `"sun"`, `"sun_scale"` or `"sun_shape"`.
    """
    file = resources.files(__package__) / "natural_bases.npz"
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
        return data[name].astype(np.float32)


def responses(image: Array, bank: Array) -> Iterator[Array]:
    """Yield the responses of filters to the patches about the pixels.

    The image goes on as its mirror image beyond its edges.

    Args:
        image: float32 array `(height, width, 3)`.
        bank: Filters `(count, side, side, 3)`, the side odd.

    Yields:
        float32 arrays `(pixels, count)`, strip by strip, row by row.
    """
    height, width = image.shape[:2]
    count, side = bank.shape[:2]
    half = side // 2
    padded = np.pad(image, ((half, half), (half, half), (0, 0)), "symmetric")
    weights = bank.reshape(count, -1).T
    rows = max(1, _AT_ONCE // (width * len(weights)))
    for top in range(0, height, rows):
        strip = padded[top : top + rows + side - 1]
        patches = np.lib.stride_tricks.sliding_window_view(
            strip, (side, side), axis=(0, 1)
        )
        # From (rows, width, channels, side, side).
        flat = patches.transpose(0, 1, 3, 4, 2).reshape(-1, len(weights))
        yield flat @ weights
