"""From a saliency map to a density of fixations: few numbers, in float64.

A map is brought to a grid, divided by its peak, blurred, sent through a
monotone curve, and a function of the distance from the center is added. The
result is the logarithm of a density up to a constant:

    log p = curve(blur * map) + center(distance) - constant

This is plain NumPy and SciPy: it is evaluated, not trained by a network.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from scipy import fft
from scipy.special import logsumexp

from keras_saliency._utils.types import Array, ArrayLike, Size
from keras_saliency.images import as_size, plain_map, resize

# Cells of the grid along the longer side of an image. On MIT1003, 256 changes
# the information gain by less than 0.002 bits.
LONGEST = 128
# Cells along the shorter side, at least.
_LEAST = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Transform:
    """Blur, curve and center bias that make a density of a map.

    Args:
        blur: Sigma of the Gaussian, as a share of the image's longer side.
        nodes: Values of the map, in [0, 1], between which the curve is linear.
        curve: Logarithm of the density at the nodes, up to a constant; not
            decreasing. Beyond the nodes it is constant.
        aspect: In (0, 1): the share of the horizontal in the distance from
            the center, `sqrt(aspect x^2 + (1 - aspect) y^2)` with x and y in
            [-1, 1], which is 1 in the corners.
        center: What is added to the logarithm at equally spaced distances
            from 0 to 1, linear in between.

    Raises:
        ValueError: If an argument is out of its range.
    """

    blur: float
    nodes: tuple[float, ...]
    curve: tuple[float, ...]
    aspect: float
    center: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("nodes", "curve", "center"):
            values = tuple(float(value) for value in getattr(self, name))
            object.__setattr__(self, name, values)
        good = (
            np.isfinite([self.blur, *self.curve, *self.center]).all()
            and self.blur >= 0
            and len(self.nodes) == len(self.curve) >= 2
            and all(np.diff(self.nodes) > 0)
            and all(np.diff(self.curve) >= 0)
            and 0 < self.aspect < 1
            and len(self.center) >= 2
        )
        if not good:
            raise ValueError(
                "blur must be at least 0, nodes increasing, curve as long and "
                "not decreasing, aspect in (0, 1) and center of two numbers "
                f"or more, all finite; received {self}."
            )

    @property
    def center_weight(self) -> float:
        """How much the center bias takes from the logarithm at most, nats."""
        return max(self.center) - min(self.center)

    def log_density(self, map_: ArrayLike, size: Size) -> Array:
        """Return the natural logarithm of the density of an image.

        Args:
            map_: Saliency map `(height, width)` of any size and scale. A map
                of zeros, or any other constant one, says nothing: its density
                is the center bias alone.
            size: `(height, width)` of the image.

        Returns:
            float64 array of that size, finite; the sum of its exponentials
            is 1.

        Raises:
            ValueError: If the map has NaN or infinity, or another shape.
        """
        size = as_size(size)
        grid = grid_of(size)
        values = blurred(spectrum(prepared(map_, grid)), self.blur)
        logs = np.interp(values, self.nodes, self.curve)
        logs += np.interp(
            distance(grid, self.aspect),
            np.linspace(0, 1, len(self.center)),
            self.center,
        )
        logs = resize(logs, size)
        return logs - logsumexp(logs)

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments, in types that JSON knows."""
        return {
            name: list(value) if isinstance(value, tuple) else float(value)
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the transform of a dictionary of `to_dict`.

        Raises:
            ValueError: If it is damaged.
        """
        try:
            return cls(**content)
        except TypeError as error:
            raise ValueError(f"it has other fields ({error})") from error


def grid_of(size: Size) -> tuple[int, int]:
    """Return `(height, width)` of the grid over an image: square cells."""
    scale = LONGEST / max(size)
    return max(_LEAST, round(size[0] * scale)), max(
        _LEAST, round(size[1] * scale)
    )


def prepared(map_: ArrayLike, grid: Size) -> Array:
    """Return a map on a grid, its peak 1 and nothing below 0.

    A map with negative values is raised by its lowest first. A constant map
    becomes zero.

    Args:
        map_: Array `(height, width)`, with or without a trailing channel.
        grid: `(height, width)` of the grid.

    Returns:
        float64 array.

    Raises:
        ValueError: If it is no map, or not finite.
    """
    given = np.asarray(map_)
    values = plain_map(given)
    if values is None:
        raise ValueError(
            "a map must be an array of numbers (height, width); received "
            f"{given.dtype} of shape {given.shape}"
        )
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("the map holds NaN or infinity")
    low = min(low, 0.0)
    # Halves, as the range of large numbers may overflow.
    span = high / 2 - low / 2
    if high == values.min() or span <= 0:
        return np.zeros(grid)
    scaled = (values.astype(np.float64) / 2 - low / 2) / span
    scaled = resize(scaled, grid)
    return scaled / scaled.max()


def spectrum(map_: Array) -> Array:
    """Return the cosine spectrum of a map on its grid."""
    return fft.dctn(map_, norm="ortho")


def blurred(coefficients: Array, blur: float) -> Array:
    """Return the map of a spectrum, blurred; it is mirrored at its edges."""
    gain = np.exp(-0.5 * blur**2 * frequencies(coefficients.shape))
    return fft.idctn(gain * coefficients, norm="ortho")


@functools.lru_cache(maxsize=64)
def frequencies(grid: tuple[int, int]) -> Array:
    """Return squared angular frequencies, per longer side of the grid."""
    rows, columns = (np.pi * np.arange(n) / n * max(grid) for n in grid)
    squares = rows[:, np.newaxis] ** 2 + columns**2
    squares.flags.writeable = False
    return squares


@functools.lru_cache(maxsize=64)
def squares(grid: tuple[int, int]) -> tuple[Array, Array]:
    """Return x^2 and y^2 of a grid's cells, x and y in [-1, 1]."""
    y, x = (2 * (np.arange(n) + 0.5) / n - 1 for n in grid)
    rows = np.broadcast_to((y**2)[:, np.newaxis], grid)
    return np.broadcast_to(x**2, grid), rows


def distance(grid: Size, aspect: float) -> Array:
    """Return the elliptic distance of a grid's cells from the center."""
    x2, y2 = squares(tuple(grid))
    return np.sqrt(aspect * x2 + (1 - aspect) * y2)
