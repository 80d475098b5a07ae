"""Banks of filters that are defined in the frequency domain."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

import cv2
import numpy as np
from scipy import fft

from keras_saliency._utils.types import Array, Size

# Of which the margins of a strip may take more than the strip itself.
_MANY_PIXELS = 2**22


def responses(
    map_: Array, bank: Callable[[Size], Iterable[Array]]
) -> Iterator[Array]:
    """Yield the magnitudes of a map's responses to the filters of a bank.

    The map goes on as its mirror image beyond its edges.

    Args:
        map_: float32 array `(height, width)`.
        bank: Function of a shape that returns the filters' gains at the
            frequencies of `scipy.fft.fft2`, n arrays of that shape.

    Yields:
        n float32 arrays `(height, width)`.
    """
    height, width = map_.shape
    margins = [max(8, max(map_.shape) // 8)] * 2
    padded = _padded(map_.shape, margins)
    if padded[0] * padded[1] > 8 * map_.size + _MANY_PIXELS:
        # A long strip: what lies beyond its long edges repeats anyway.
        margins = [
            min(margin, max(8, side))
            for margin, side in zip(margins, map_.shape, strict=True)
        ]
        padded = _padded(map_.shape, margins)
    top, left = margins
    extended = cv2.copyMakeBorder(
        map_,
        top,
        padded[0] - height - top,
        left,
        padded[1] - width - left,
        # One that does not repeat the edge fails for sides of one pixel.
        cv2.BORDER_REFLECT,
    )
    spectrum = fft.fft2(extended)
    for gain in bank(tuple(padded)):
        response = np.abs(fft.ifft2(spectrum * gain))
        yield response[top : top + height, left : left + width]


def _padded(shape: Size, margins: Sequence[int]) -> list[int]:
    """Return a shape with margins, at which the transform is fast."""
    return [
        fft.next_fast_len(side + 2 * margin)
        for side, margin in zip(shape, margins, strict=True)
    ]


def _frequencies(shape):
    """Return vertical (upward) and horizontal frequency in cycles per pixel."""
    rows, columns = (fft.fftfreq(side) for side in shape)
    return -rows[:, np.newaxis], columns


def log_gabor_bank(
    shape: Size,
    scales: int,
    orientations: int,
    wavelength: float,
    ratio: float,
    angle: float,
) -> Iterator[Array]:
    """Yield log-Gabor filters, orientation by orientation.

    The gain is a Gaussian of the logarithm of the frequency times one of the
    angle, for the half plane: responses are analytic.

    Args:
        shape: `(height, width)` of the spectrum.
        scales: Number of scales, an octave apart.
        orientations: Number of orientations.
        wavelength: Wavelength of the finest scale in pixels.
        ratio: Quotient of the radial standard deviation and the center.
        angle: Angular standard deviation in degrees.

    Yields:
        `orientations * scales` float32 arrays of that shape.
    """
    radial = _radial(shape, scales, wavelength, ratio)
    for angular in _angular(shape, orientations, angle):
        for gain in radial:
            yield angular * gain


# One shape is kept: the factors of a large image take much memory.
@functools.lru_cache(maxsize=1)
def _radial(shape, scales, wavelength, ratio):
    radius = np.hypot(*_frequencies(shape))
    radius[0, 0] = 1
    # Beyond it a spectrum's corners would favor the diagonals.
    inside = 1 / (1 + (radius / 0.45) ** 30)
    inside[0, 0] = 0
    logs = (
        np.log(radius * wavelength * 2**s) / np.log(ratio)
        for s in range(scales)
    )
    return [(np.exp(-(x**2) / 2) * inside).astype(np.float32) for x in logs]


@functools.lru_cache(maxsize=1)
def _angular(shape, orientations, angle):
    v, u = _frequencies(shape)
    direction = np.arctan2(v, u)
    gains = []
    for o in range(orientations):
        turn = direction - np.pi * o / orientations
        turn = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)
        gain = np.exp(-(turn**2) / (2 * np.deg2rad(angle) ** 2))
        gains.append(gain.astype(np.float32))
    return gains


@functools.lru_cache(maxsize=4)
def gabor_bank(
    shape: Size, scales: int, orientations: int, frequency: float
) -> Array:
    """Return Gabor filters, scale by scale, `(s * o, *shape)`.

    Neighbors meet at half their gain: the bank of Kyrki, Kamarainen &
    Kalviainen (2004) with a frequency step of sqrt(2) and a cross point of
    0.5.

    Args:
        shape: `(height, width)` of the spectrum.
        scales: Number of scales, a factor of sqrt(2) apart.
        orientations: Number of orientations.
        frequency: Frequency of the finest scale in cycles per pixel.
    """
    v, u = _frequencies(shape)
    step = np.sqrt(2)
    half = np.sqrt(np.log(2)) / np.pi
    gamma = half * (step + 1) / (step - 1)
    eta = half / np.tan(np.pi / (2 * orientations))
    bank = []
    for s in range(scales):
        center = frequency / step**s
        for o in range(orientations):
            theta = np.pi * o / orientations
            along = u * np.cos(theta) + v * np.sin(theta)
            across = -u * np.sin(theta) + v * np.cos(theta)
            distance = (gamma * (along - center)) ** 2 + (eta * across) ** 2
            gain = np.exp(-((np.pi / center) ** 2) * distance)
            gain[0, 0] = 0
            bank.append(gain.astype(np.float32))
    return np.stack(bank)


def principal_components(image: Array) -> list[Array]:
    """Decorrelate the channels of an image and scale them to variance 1.

    Args:
        image: Array `(height, width, channels)`.

    Returns:
        List of float32 maps, the one of most variance first. Components
        without variance are left out: a gray image has one, a constant
        image none.
    """
    pixels = image.reshape(-1, image.shape[-1]).astype(np.float64)
    pixels -= pixels.mean(axis=0)
    variances, axes = np.linalg.eigh(pixels.T @ pixels / len(pixels))
    # The sign is arbitrary: take the one that brightens.
    axes = axes * np.where(axes.sum(axis=0) < 0, -1, 1)
    # Relative to the range of 8 bits, in which one level is 1 / 255.
    known = np.flatnonzero(variances > 1e-7)[::-1]
    maps = pixels @ (axes[:, known] / np.sqrt(variances[known]))
    return [map_.reshape(image.shape[:2]).astype(np.float32) for map_ in maps.T]
