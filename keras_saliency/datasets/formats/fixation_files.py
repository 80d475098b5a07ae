"""Fixations of one image in a file of its own, in the forms that are common.

A map of fixated pixels, as an image or in a MATLAB file, merges the observers;
SALICON's MATLAB files hold the fixations of each.
"""

from pathlib import Path

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array, Size
from keras_saliency.datasets.fixations import pixel_centers
from keras_saliency.datasets.formats import matlab
from keras_saliency.images import read_map

# Number of an observer (-1 where they are merged), x and y.
Points = tuple[int, Array, Array]

# A JPEG of isolated white points has gray rings around each of them.
_JPEG_THRESHOLD = 128


def read_fixation_map(path: Path) -> Array:
    """Read a map of counts from an image or a `.npy` file.

    A pixel of an image above 0, or above 128 in a JPEG, is one fixation; an
    array holds counts.

    Raises:
        DatasetError: If the file is damaged or holds no counts.
    """
    array = read_map(path)
    extension = path.suffix.lower()
    if extension != ".npy":
        is_jpeg = extension in (".jpg", ".jpeg", ".jpe")
        return array > (_JPEG_THRESHOLD if is_jpeg else 0)
    counts = array.astype("int64")
    if (counts != array).any():
        raise DatasetError(
            f"The fixation map {path} holds values that are no whole "
            "numbers: expected counts of fixations. Is it a density map?"
        )
    return counts


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
    return value > 0


def check_size(map_: Array, size: Size, label: object) -> Array:
    """Return a fixation map, or raise if it has not its image's size."""
    if map_.shape != tuple(size):
        raise DatasetError(
            f"The fixation map {label} is {map_.shape[0]} high and "
            f"{map_.shape[1]} wide, its image {size[0]} and {size[1]}; a map "
            "must have its image's size."
        )
    return map_


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
        DatasetError: If the file is damaged or of another image.
    """
    variables = matlab.read_mat(path)
    if "gaze" not in variables:
        plane = read_matlab_map(path, "I")
        return [(-1, *pixel_centers(check_size(plane, size, path)))]
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
