"""Maps from fixations: counts and densities at any size."""

import numbers

import cv2
import numpy as np
from scipy.special import ndtr

from keras_saliency.datasets._checks import as_size

# Rows of the two factor matrices that are made at once: bounds the memory
# for recordings with very many fixations (mouse tracking, for one).
_CHUNK = 4096
_TURNED = cv2.GEMM_2_T


def fixation_map(x, y, original_size, size=None):
    """Count the fixations that fall in each cell of a map.

    A fixation at column `x` of a picture `W` wide falls in column
    `floor(x * w / W)` of a map `w` wide; several in one cell add up and none
    is lost, whatever the size. Fixations outside the picture (and NaN) are
    left out.

    Args:
        x: Columns in pixels of the original picture, origin top left.
        y: Rows, same length.
        original_size: `(height, width)` of the original picture.
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
    counts = np.bincount(rows * size[1] + columns, minlength=size[0] * size[1])
    return counts.astype("float32").reshape(size)


def density_map(x, y, original_size, size=None, *, sigma):
    """Density of the fixations: one Gaussian per fixation, peak 1.

    The map is that of the usual recipe (count fixations per original pixel,
    blur with a Gaussian, resize by area averaging, divide by the maximum),
    computed without the large intermediate map: a Gaussian separates into
    rows and columns and its average over a cell is a difference of two error
    functions, so each cell holds the exact area average at once. Nothing is
    reflected or wrapped around at the border.

    Args:
        x: Columns in pixels of the original picture, origin top left.
        y: Rows, same length.
        original_size: `(height, width)` of the original picture.
        size: `(height, width)` of the map. Defaults to `original_size`.
        sigma: Standard deviation of the Gaussian in original pixels.

    Returns:
        float32 array `(height, width)` with maximum 1.

    Raises:
        ValueError: If no fixation lies inside the picture.

    Notes:
        Each fixation is taken at the centre of its original pixel, as
        blurring a map of counts does. Published maps made with Judd et al.'s
        `antonioGaussian` blur circularly instead, so they differ near the
        border.
    """
    original_size = as_size(original_size, "original_size")
    size = original_size if size is None else as_size(size)
    if not isinstance(sigma, numbers.Real) or not 0 < sigma < np.inf:
        raise ValueError(
            "sigma must be a positive number of original pixels, received "
            f"{sigma!r}."
        )
    x, y = inside(x, y, original_size)
    if x.size == 0:
        raise ValueError(
            "A density map needs at least one fixation inside the picture, "
            f"received none (picture of height {original_size[0]}, width "
            f"{original_size[1]})."
        )
    pixels, counts = np.unique(
        np.stack([np.floor(y), np.floor(x)]), axis=1, return_counts=True
    )
    total = np.zeros(size)
    for start in range(0, counts.size, _CHUNK):
        rows, columns = pixels[:, start : start + _CHUNK] + 0.5
        weights = counts[start : start + _CHUNK]
        vertical = _cell_averages(rows, original_size[0], size[0], sigma)
        horizontal = _cell_averages(columns, original_size[1], size[1], sigma)
        # Not NumPy's product: its threads get in the way of those that make
        # batches, and of training on the same processor.
        cv2.gemm(vertical * weights, horizontal, 1, total, 1, total, _TURNED)
    return (total / total.max()).astype("float32")


def inside(x, y, original_size):
    """Keep the fixations inside the picture.

    Args:
        x: Columns in pixels of the original picture.
        y: Rows, same length.
        original_size: `(height, width)` of the original picture.

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


def _cell(position, original, cells):
    # The product can round up to `cells` for a position just below the edge.
    return np.minimum((position * cells / original).astype("int64"), cells - 1)


def _cell_averages(centres, original, cells, sigma):
    edges = np.linspace(0.0, original, cells + 1)
    cumulative = ndtr((edges[:, None] - centres) / sigma)
    return np.diff(cumulative, axis=0)
