"""Filters learned on natural images, and their responses.

`tools/learn_bases.py` made the file; `natural_bases.txt` says of what.
"""

import functools
from collections.abc import Iterator
from importlib import resources

import numpy as np
from scipy import fft

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


def maps(image: Array, bank: Array) -> Iterator[Array]:
    """Yield the map of each filter's responses to the patches about pixels.

    Through the frequency domain: faster than `responses` for few large
    filters.

    Args:
        image: float32 array `(height, width, 3)`.
        bank: Filters `(count, side, side, 3)`, the side odd.

    Yields:
        float32 arrays `(height, width)`.
    """
    height, width = image.shape[:2]
    padded = _mirrored(image, bank).transpose(2, 0, 1)
    shape = [fft.next_fast_len(side, real=True) for side in padded.shape[1:]]
    spectra = fft.rfft2(padded, shape)
    for filter_ in bank:
        gains = np.conj(fft.rfft2(filter_.transpose(2, 0, 1), shape))
        product = (spectra * gains).sum(axis=0)
        yield fft.irfft2(product, shape)[:height, :width]


def responses(image: Array, bank: Array) -> Iterator[Array]:
    """Yield the responses of filters to the patches about the pixels.

    Args:
        image: float32 array `(height, width, 3)`.
        bank: Filters `(count, side, side, 3)`, the side odd.

    Yields:
        float32 arrays `(pixels, count)`, strip by strip, row by row.
    """
    height, width = image.shape[:2]
    count, side = bank.shape[:2]
    padded = _mirrored(image, bank)
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


def _mirrored(image, bank):
    """Return the image with its mirror image about it, half a filter wide."""
    half = bank.shape[1] // 2
    return np.pad(image, ((half, half), (half, half), (0, 0)), "symmetric")
