"""Stages that several classic models have in common.

Images and maps are float32 arrays, `(height, width, 3)` in [0, 1] and
`(height, width)`.
"""

import functools

import cv2
import numpy as np

from keras_saliency import images
from keras_saliency._utils.types import Array, Size

# Binomial coefficients of order 5: the low-pass filter of both MATLAB
# packages. Its even length puts a sample between two of the finer level.
_BINOMIAL = np.array([1, 5, 10, 10, 5, 1], np.float32) / 32


def min_max(map_: Array) -> Array:
    """Scale a map to [0, 1]; a constant one becomes zero."""
    low, high = map_.min(), map_.max()
    # Differences of rounding error are none.
    if high - low <= 1e-6 * max(abs(low), abs(high)):
        return np.zeros_like(map_)
    return (map_ - low) / (high - low)


def halved(image: Array) -> Array:
    """Return the next level of a pyramid: low-pass filtered, half the size.

    The last row or column of an odd side is repeated before.
    """
    height, width = image.shape[:2]
    image = cv2.copyMakeBorder(
        image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE
    )
    # The anchor makes sample i see 2i - 2 .. 2i + 3, centered at 2i + 1/2.
    filtered = cv2.sepFilter2D(
        image,
        -1,
        _BINOMIAL,
        _BINOMIAL,
        anchor=(2, 2),
        borderType=cv2.BORDER_REFLECT,
    )
    return np.ascontiguousarray(filtered[::2, ::2])


def pyramid(image: Array, levels: int) -> list[Array]:
    """Return `[image, halved(image), ...]`, `levels + 1` of them."""
    stages = [image]
    for _ in range(levels):
        stages.append(halved(stages[-1]))
    return stages


def resize(map_: Array, size: Size) -> Array:
    """Resize a map as MATLAB's `imresize` (bicubic), in float32."""
    return images.imresize(map_, size).astype(np.float32)


def blur(map_: Array, sigma: float, cutoff: float = 3.0) -> Array:
    """Blur a map by a Gaussian, its edges replicated.

    Args:
        map_: Array `(height, width)`.
        sigma: Standard deviation in pixels; 0 returns the map.
        cutoff: Half the length of the kernel in standard deviations.
    """
    if sigma <= 0:
        return map_
    half = max(1, round(cutoff * sigma))
    x = np.arange(-half, half + 1)
    kernel = np.exp(-(x**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).astype(np.float32)
    if half > 4 * min(map_.shape):
        return _blur_strip(_blur_strip(map_, kernel).T, kernel).T
    return cv2.sepFilter2D(
        map_, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE
    )


def _blur_strip(map_: Array, kernel: Array) -> Array:
    """Filter the columns of a long strip, its edges replicated.

    OpenCV would multiply each pixel by all of the long kernel.
    """
    side, half = len(map_), len(kernel) // 2
    if side > half:
        padded = np.pad(map_, ((half, half), (0, 0)), mode="edge")
        # Late: SciPy's signal processing takes a second to import.
        from scipy.signal import fftconvolve

        return fftconvolve(padded, kernel[:, np.newaxis], "valid", axes=0)
    rows = np.arange(side)[:, np.newaxis]
    sources = np.clip(rows + np.arange(-half, half + 1), 0, side - 1)
    weights = np.zeros((side, side), np.float32)
    np.add.at(weights, (rows, sources), kernel)
    return weights @ map_


def attenuate_borders(map_: Array, border: int) -> Array:
    """Fade a map linearly to the edges over so many pixels.

    Pixel k from the edge, k = 0 the first, is multiplied by
    `(k + 1) / (border + 1)`; at most a quarter of a side fades on each end.
    """
    for axis in (0, 1):
        size = map_.shape[axis]
        count = min(border, size // 4)
        ramp = np.ones(size, np.float32)
        ramp[:count] = np.arange(1, count + 1) / (count + 1)
        ramp[::-1][:count] = ramp[:count]
        map_ = map_ * (ramp[:, np.newaxis] if axis == 0 else ramp)
    return map_


@functools.lru_cache(maxsize=16)
def gabor_pair(
    angle: float, sigma: float, elongation: float, period: float, half: int
) -> tuple[Array, ...]:
    """Return the even and the odd Gabor filter, zero mean and unit energy.

    Args:
        angle: Orientation of the bar that the filter prefers, in degrees
            against the horizontal.
        sigma: Standard deviation of the envelope across the bar, in pixels.
        elongation: Quotient of the standard deviations along and across.
        period: Wavelength of the carrier in pixels.
        half: Half the length of a side; the filter has `2 * half + 1`.

    Returns:
        Two float32 arrays `(2 * half + 1, 2 * half + 1)`.
    """
    theta = np.deg2rad(angle)
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    # Rows count downwards.
    along = x * np.cos(theta) - y * np.sin(theta)
    across = x * np.sin(theta) + y * np.cos(theta)
    envelope = np.exp(-(across**2 + (along / elongation) ** 2) / (2 * sigma**2))
    pair = []
    for wave in (np.cos, np.sin):
        kernel = envelope * wave(2 * np.pi * across / period)
        kernel -= kernel.mean()
        kernel /= np.sqrt((kernel**2).sum())
        pair.append(kernel.astype(np.float32))
    return tuple(pair)


def gabor_energy(
    map_: Array,
    angle: float,
    sigma: float,
    elongation: float,
    period: float,
    half: int,
) -> Array:
    """Return the sum of the magnitudes of both phases' responses."""
    even, odd = (
        np.abs(cv2.filter2D(map_, -1, kernel, borderType=cv2.BORDER_REPLICATE))
        for kernel in gabor_pair(angle, sigma, elongation, period, half)
    )
    return even + odd


def opponents(image: Array, darkest: float = 0.0) -> tuple[Array, Array]:
    """Return red-green and blue-yellow by the largest channel.

    Walther & Koch, Neural Networks 2006.

    Args:
        image: Array `(height, width, 3)` in [0, 1].
        darkest: Largest channel below which both are zero.

    Returns:
        `(r - g) / max` and `(b - min(r, g)) / max`, in [-1, 1].
    """
    red, green, blue = cv2.split(image)
    largest = np.maximum(np.maximum(red, green), blue)
    seen = largest > max(darkest, 1e-6)
    scale = np.where(seen, 1 / np.where(seen, largest, 1), 0)
    yellow = np.minimum(red, green)
    return (red - green) * scale, (blue - yellow) * scale


# From sRGB's linear primaries to XYZ (IEC 61966-2-1), and from there to the
# cones of Smith and Pokorny (1975).
_XYZ = np.array(
    [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ]
)
_CONES = np.array(
    [
        [0.15514, 0.54312, -0.03286],
        [-0.15514, 0.45684, 0.03286],
        [0.0, 0.0, 0.00801],
    ]
)


@functools.cache
def _dkl_matrix():
    """Return the matrix from linear RGB to the three axes, `(3, 3)`."""
    cones = _CONES @ _XYZ
    long, medium, short = cones.sum(axis=1)  # of white
    axes = np.array(
        [
            [1, 1, 0],
            [1, -long / medium, 0],
            [-1, -1, (long + medium) / short],
        ]
    )
    return axes @ cones


def dkl(image: Array) -> list[Array]:
    """Return luminance, L - M and S - (L + M).

    Derrington, Krauskopf & Lennie 1984.

    Both differences are zero for every gray.

    Args:
        image: Array `(height, width, 3)`, sRGB in [0, 1].

    Returns:
        List of three maps.
    """
    linear = np.where(
        image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4
    )
    return list(
        cv2.split(cv2.transform(linear.astype(np.float32), _dkl_matrix()))
    )


def local_maxima(map_: Array, threshold: float) -> Array:
    """Return the local maxima at or above a threshold, largest first.

    A local maximum is not smaller than its four neighbors and larger than
    one of them; the image's outermost pixels are none.
    """
    inner = map_[1:-1, 1:-1]
    neighbors = (
        map_[:-2, 1:-1],
        map_[2:, 1:-1],
        map_[1:-1, :-2],
        map_[1:-1, 2:],
    )
    peak = inner >= threshold
    larger = np.zeros_like(peak)
    for neighbor in neighbors:
        peak &= inner >= neighbor
        larger |= inner > neighbor
    return np.sort(inner[peak & larger])[::-1]


def normalize_itti(
    map_: Array, largest: float = 10.0, threshold: float = 1.0
) -> Array:
    """Apply the operator N(.) of Itti, Koch & Niebur 1998, section 2.1.

    The map is scaled to [0, `largest`] and multiplied by
    `(largest - m) ** 2`, m the mean of its local maxima but the greatest:
    it promotes a map with one peak over one with many.

    Args:
        map_: Array `(height, width)`.
        largest: M of the paper, to which the map is scaled.
        threshold: Smaller local maxima do not count.
    """
    map_ = largest * min_max(map_)
    others = local_maxima(map_, threshold)[1:]
    mean = others.mean() if others.size else 0.0
    return map_ * (largest - mean) ** 2


def map_size(size: Size, longest: int) -> tuple[int, int]:
    """Return `(height, width)` with the longer side so long, at least 1."""
    scale = longest / max(size)
    height, width = (max(1, round(scale * side)) for side in size)
    return height, width


def reduced(image: Array, longest: int) -> Array:
    """Return an image whose longer side has at most so many pixels."""
    size = image.shape[:2]
    if max(size) <= longest:
        return image
    return images.resize(image, map_size(size, longest))


def is_constant(image: Array) -> bool:
    """Return whether an image in 0..255 has one color, up to rounding."""
    return bool(np.ptp(image, axis=(0, 1)).max() < 0.01)


def finished(map_: Array, border: int, blur_fraction: float) -> Array:
    """Fade the borders, blur, scale to [0, 1], as the GBVS package does."""
    map_ = min_max(attenuate_borders(map_, border))
    sigma = blur_fraction * max(map_.shape)
    return min_max(blur(map_, sigma, cutoff=2.0))
