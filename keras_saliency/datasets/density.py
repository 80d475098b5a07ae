"""Fixation maps and density maps at any size."""

import functools
import math
import numbers
from typing import Any

import numpy as np
from numpy.polynomial.hermite_e import herme2poly
from scipy.special import ndtr

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array, ArrayLike, PathName, Size
from keras_saliency.images import (
    as_size,
    check_map,
    divide_by_peak,
    read_map,
    resize,
)

# The Gaussian of a larger one is the same everywhere on any image.
MAX_SIGMA = 1e9

# Fixations that are added up at once: bounds the memory for recordings with
# very many of them (mouse tracking, for one), and rounding, as the products
# are made in single precision.
_CHUNK = 64
# Multiplications of one product. NumPy's library makes larger ones in threads,
# which get in the way of those that make batches, and of training.
_PRODUCT = 2**18
# Widths of a cell in sigma, and the terms of the series that average Gaussians
# over cells as wide to 2e-7 of the peak.
_TERMS = ((0.11, 1), (0.4, 2), (1.25, 4))
# Distance, in sigma, from which a Gaussian counts as constant, and its value
# there. Products of smaller ones would be subnormal numbers, which are slow.
_FAR = 7
_NOTHING = 2e-11


def fixation_map(
    x: ArrayLike,
    y: ArrayLike,
    original_size: Size,
    size: Size | None = None,
) -> Array:
    """Count the fixations that fall in each cell of a map.

    A fixation at column `x` of an image `W` wide falls in column
    `floor(x * w / W)` of a map `w` wide; several in one cell add up and none
    is lost, whatever the size. Fixations outside the image (and NaN) are
    left out.

    Args:
        x: Columns in pixels of the original image, origin top left.
        y: Rows, same length.
        original_size: `(height, width)` of the original image.
        size: `(height, width)` of the map. Defaults to `original_size`.

    Returns:
        float32 array `(height, width)` of counts.

    Examples:
    >>> fixation_map([0.0, 7.9, 7.9], [0.0, 3.9, 3.9], (4, 8), size=(2, 2))
    array([[1., 0.],
           [0., 2.]], dtype=float32)
    """
    original_size = as_size(original_size, "original_size")
    size = original_size if size is None else as_size(size)
    x, y = inside(x, y, original_size)
    columns = _cell(x, original_size[1], size[1])
    rows = _cell(y, original_size[0], size[0])
    counts = np.zeros(size, "float32")
    np.add.at(counts, (rows, columns), 1)
    return counts


def density_map(
    x: ArrayLike,
    y: ArrayLike,
    original_size: Size,
    size: Size | None = None,
    *,
    sigma: float,
) -> Array:
    """Return the density of fixations: one Gaussian for each, peak 1.

    The map is that of the usual recipe (count fixations per original pixel,
    blur with a Gaussian, resize by area averaging, divide by the maximum),
    computed without the large intermediate map: a Gaussian separates into
    rows and columns and its average over a cell is a difference of two error
    functions, so each cell holds the exact area average at once. Nothing is
    reflected or wrapped around at the border.

    Args:
        x: Columns in pixels of the original image, origin top left.
        y: Rows, same length.
        original_size: `(height, width)` of the original image.
        size: `(height, width)` of the map. Defaults to `original_size`.
        sigma: Standard deviation of the Gaussian in original pixels.

    Returns:
        float32 array `(height, width)` with maximum 1.

    Raises:
        ValueError: If no fixation lies inside the image.

    Notes:
        Each fixation is taken at the center of its original pixel, as
        blurring a map of counts does. Published maps made with Judd et al.'s
        `antonioGaussian` blur circularly instead, so they differ near the
        border.
    """
    original_size = as_size(original_size, "original_size")
    size = original_size if size is None else as_size(size)
    sigma = check_sigma(sigma)
    x, y = inside(x, y, original_size)
    if x.size == 0:
        raise ValueError(
            "A density map needs at least one fixation inside the image, "
            f"received none (image of height {original_size[0]}, width "
            f"{original_size[1]})."
        )
    pixels, counts = np.unique(
        y.astype("int64") * original_size[1] + x.astype("int64"),
        return_counts=True,
    )
    total = np.zeros(size, "float32")
    for start in range(0, counts.size, _CHUNK):
        rows, columns = np.divmod(
            pixels[start : start + _CHUNK], original_size[1]
        )
        # Sorted by row: a chunk reaches some rows of the map only.
        scale = size[0] / original_size[0]
        first = max(0, int((rows[0] - _FAR * sigma) * scale))
        last = min(size[0], int((rows[-1] + 1 + _FAR * sigma) * scale) + 1)
        vertical = _cell_averages(
            rows + 0.5, original_size[0], size[0], sigma, slice(first, last)
        )
        vertical *= counts[start : start + _CHUNK, None]
        horizontal = _cell_averages(
            columns + 0.5, original_size[1], size[1], sigma
        )
        step = max(1, _PRODUCT // (size[1] * rows.size))
        for row in range(0, last - first, step):
            part = vertical[:, row : row + step].T
            row += first
            total[row : row + len(part)] += np.dot(part, horizontal)
    # A division, so that the peak is exactly 1.
    return np.divide(total, total.max(), out=total)


def check_sigma(sigma: Any, name: str = "sigma") -> float:
    """Return a standard deviation in original pixels, or raise naming it.

    Raises:
        ValueError: If it is no number above 0 and below `MAX_SIGMA`.
    """
    if not isinstance(sigma, numbers.Real) or not 0 < float(sigma) < MAX_SIGMA:
        raise ValueError(
            f"{name} must be a positive number of original pixels, below "
            f"{MAX_SIGMA:g}; received {sigma!r}."
        )
    return float(sigma)


def published_density(
    source: PathName | Array,
    original_size: Size,
    size: Size | None,
    image: str,
) -> Array:
    """Return a density map that a data set's publisher made, peak 1.

    Args:
        source: The path of an image or `.npy` file, or an array.
        original_size: `(height, width)` of the original image, which the map
            must have.
        size: `(height, width)` of the map. None is `original_size`.
        image: What the map belongs to, for errors.

    Returns:
        float32 array `(height, width)` with maximum 1.

    Raises:
        DatasetError: If the map is of another size, all zero or not finite.
    """
    if isinstance(source, np.ndarray):
        name = f"of {image}"
        density = check_map(source, name)
    else:
        name = str(source)
        density = read_map(source)
    height, width = original_size
    if density.shape != (height, width):
        raise DatasetError(
            f"The density map {name} is {density.shape[0]} high and "
            f"{density.shape[1]} wide, but {image} is {height} high and "
            f"{width} wide; a map must have its image's size."
        )
    if density.max() <= 0:
        raise DatasetError(
            f"The density map {name} is zero everywhere; leave its image "
            "out or replace the map."
        )
    if size is not None:
        density = resize(density, size)
    return divide_by_peak(density)


def inside(
    x: ArrayLike, y: ArrayLike, original_size: Size
) -> tuple[Array, Array]:
    """Keep the fixations inside the image.

    Args:
        x: Columns in pixels of the original image.
        y: Rows, same length.
        original_size: `(height, width)` of the original image.

    Returns:
        The pair `x, y` of float64 arrays with `0 <= x < width` and
        `0 <= y < height`.
    """
    x = np.asarray(x, "float64").ravel()
    y = np.asarray(y, "float64").ravel()
    if x.size != y.size:
        raise ValueError(
            f"x and y must have the same length, received {x.size} columns "
            f"and {y.size} rows."
        )
    height, width = original_size
    kept = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return x[kept], y[kept]


def _cell(position: Array, original: int, cells: int) -> Array:
    # The product can round up to `cells` for a position just below the edge.
    return np.minimum((position * cells / original).astype("int64"), cells - 1)


def _cell_averages(
    centers: Array,
    original: int,
    cells: int,
    sigma: float,
    part: slice = slice(None),
) -> Array:
    """Average a Gaussian about each center over cells, or part of them.

    Returns:
        float32 array `(len(centers), cells)`; a constant factor is left out.
    """
    width = original / cells / sigma
    terms = next((n for widest, n in _TERMS if width <= widest), None)
    if terms is None:
        edges = np.linspace(0.0, original, cells + 1)
        averages = np.diff(ndtr((edges - centers[:, None]) / sigma))[:, part]
        averages[averages < _NOTHING] = 0
        return averages.astype("float32")
    middles = (np.arange(cells)[part] + 0.5) * (original / cells)
    squares = np.subtract.outer(centers / sigma, middles / sigma)
    squares = squares.astype("float32")
    squares *= squares
    np.minimum(squares, np.float32(_FAR**2), out=squares)
    highest, *others = _series(width, terms)
    averages = squares * highest
    for coefficient in others[:-1]:
        averages += coefficient
        averages *= squares
    averages += others[-1]
    squares *= np.float32(-0.5)
    averages *= np.exp(squares, out=squares)
    return averages


@functools.lru_cache(maxsize=64)
def _series(width: float, terms: int) -> tuple[Any, ...]:
    """Return coefficients of the average of exp(-z^2 / 2) over a cell.

    They are Taylor's about the cell's middle z, whose terms are Hermite
    polynomials: the average is exp(-z^2 / 2) times a polynomial in z^2.

    Returns:
        `terms + 1` float32 numbers, that of the highest power first.
    """
    hermite = np.zeros(2 * terms + 1)
    for k in range(terms + 1):
        hermite[2 * k] = width ** (2 * k) / 4**k / math.factorial(2 * k + 1)
    return tuple(herme2poly(hermite)[::-2].astype("float32"))
