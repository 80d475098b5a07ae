"""Fixations of one image in a file of its own, in the forms that are common.

A map of fixated pixels, as an image or in a MATLAB file, merges the observers;
SALICON's MATLAB files hold the fixations of each.
"""

from pathlib import Path

import cv2
import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array, Size
from keras_saliency.datasets.fixations import pixel_centers
from keras_saliency.datasets.formats import matlab
from keras_saliency.images import check_map, read_map

# Number of an observer (-1 where they are merged), x and y.
Points = tuple[int, Array, Array]

# A JPEG of isolated white points has gray rings around each of them.
_JPEG_THRESHOLD = 128
# What compression leaves of black, and what a point differs by.
_JPEG_BLACK = 48
_JPEG_STEP = 128

# Of one image. SALICON's samples of all its images are 215 million.
_MOST_FIXATIONS = 10**7


def read_fixation_map(path: Path) -> Array:
    """Read a map of counts from an image or a `.npy` file.

    A pixel of an image above 0, or above 128 in a JPEG, is one fixation; an
    array holds counts. A map of density is refused.

    Raises:
        DatasetError: If the file is damaged or holds no counts.
    """
    array = read_map(path)
    extension = path.suffix.lower()
    if extension in (".jpg", ".jpeg", ".jpe"):
        return _points_of_jpeg(array, path)
    _check_points(array, path)
    if extension != ".npy":
        return array > 0
    total = array.sum(dtype="float64")
    if total > _MOST_FIXATIONS:
        raise DatasetError(
            f"The fixation map {path} holds {total:.4g} fixations, more than "
            f"any image has (at most {_MOST_FIXATIONS:,}). Is it a density "
            "map? Give that as densities=."
        )
    return array.astype("int64")


def _check_points(array: Array, path: Path) -> None:
    """Raise if a map holds no points but a density.

    Counts are whole numbers. And points lie apart, where a density's values
    lie side by side: of real data sets' maps of counts at most 4 % of the
    pixels have two neighbors, of their densities at least 97 %.
    """
    seen = array > 0
    density = bool((array != np.floor(array)).any())
    values = array[seen]
    if not density and values.size and values.min() != values.max():
        around = np.pad(seen, 1).astype("int8")
        neighbors = around[:-2, 1:-1] + around[2:, 1:-1]
        neighbors += around[1:-1, :-2] + around[1:-1, 2:]
        density = bool((neighbors[seen] >= 2).mean() > 0.5)
    if density:
        raise _no_points(path, "many values side by side, or no whole numbers")


def _points_of_jpeg(array: Array, path: Path) -> Array:
    """Return where the white points of a JPEG are, or raise if it has none.

    A point differs from what is around it by 229 or more, a density by 89 or
    less (in the median, on real data sets).
    """
    points = array > _JPEG_THRESHOLD
    if not points.any():
        if array.max() > _JPEG_BLACK:
            raise _no_points(path, f"nothing above {array.max():.0f}")
        return points
    lowest = cv2.erode(array, np.ones((3, 3), "uint8"))
    if np.median((array - lowest)[points]) < _JPEG_STEP:
        raise _no_points(path, "smooth spots")
    return points


def _no_points(path: Path, found: str) -> DatasetError:
    return DatasetError(
        f"The fixation map {path} holds {found}, where counts of fixations "
        "are expected: isolated pixels. Is it a density map? Give that as "
        "densities=."
    )


def read_matlab_map(path: Path, variable: str) -> Array:
    """Read a map of fixated pixels from a MATLAB file.

    Args:
        path: The file.
        variable: Name of the map. If the file has no such variable, its only
            variable of two dimensions is taken.

    Returns:
        Boolean array `(height, width)`.

    Raises:
        DatasetError: If the file is damaged or holds no map.
    """
    variables = matlab.read_mat(path)
    value = variables.get(variable)
    if value is None:
        planes = [
            v
            for v in variables.values()
            if getattr(v, "ndim", 0) == 2 and v.dtype.kind in "buif"
        ]
        value = planes[0] if len(planes) == 1 else None
    if value is None:
        raise matlab.lacks(path, f"map {variable!r}", variables)
    value = np.asarray(value)
    if value.dtype.kind not in "buif" or value.ndim != 2 or not value.size:
        raise DatasetError(
            f"The map {variable!r} in {path} has type {value.dtype} and shape "
            f"{value.shape}; expected numbers (height, width)."
        )
    value = check_map(value, path)
    _check_points(value, path)
    return value > 0


def check_fixation_map(map_: Array, size: Size, label: object) -> Array:
    """Return a fixation map that fits its image.

    Args:
        map_: Array `(height, width)`, above 0 where there is a fixation.
        size: `(height, width)` of the image.
        label: The map's name, for errors.

    Raises:
        DatasetError: If it is of another size, or most of its pixels are
            fixations.
    """
    if map_.shape != tuple(size):
        raise DatasetError(
            f"The fixation map {label} is {map_.shape[0]} high and "
            f"{map_.shape[1]} wide, its image {size[0]} and {size[1]}; a map "
            "must have its image's size."
        )
    share = (map_ > 0).mean()
    if share > 0.5:
        raise DatasetError(
            f"The fixation map {label} has fixations in {share:.0%} of its "
            "pixels, where isolated pixels are expected. If its points are "
            "black on white, invert it; if it is a density map, give it as "
            "densities=."
        )
    return map_


def check_kind(path: Path, kind: str) -> None:
    """Refuse other points than fixations of a file that has no others."""
    if kind != "fixations":
        raise DatasetError(
            f"The file {path} holds fixations only, and not kind={kind!r}: the "
            "publisher's .mat files with the variable gaze have both."
        )


def read_gaze(path: Path, size: Size, kind: str = "fixations") -> list[Points]:
    """Read SALICON's MATLAB file of one image, with `gaze` or with `I`.

    Args:
        path: The file.
        size: `(height, width)` of the image.
        kind: "fixations" or "location".

    Returns:
        The points of each worker; all of them together where the file holds
        a binary map.

    Raises:
        DatasetError: If the file is damaged or of another image, or lacks
            what is asked for.
    """
    variables = matlab.read_mat(path)
    if "gaze" not in variables:
        check_kind(path, kind)
        plane = read_matlab_map(path, "I")
        plane = check_fixation_map(plane, size, path)
        return [(-1, *pixel_centers(plane))]
    if "resolution" in variables:
        resolution = matlab.numbers(
            variables["resolution"], "resolution", path
        ).ravel()
        if resolution.tolist() != [float(side) for side in size]:
            raise DatasetError(
                f"The MATLAB file {path} is for an image of resolution "
                f"{resolution.tolist()}, not {tuple(size)}."
            )
    workers = []
    for k, record in enumerate(matlab.items(variables["gaze"])):
        positions = matlab.numbers(
            matlab.field(record, kind, path), kind, path, columns=2
        )
        workers.append((k, positions[:, 0] - 1, positions[:, 1] - 1))
    return workers
