"""OSIE: 700 images, 15 observers (Xu et al., Journal of Vision 2014)."""

from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array, PathName
from keras_saliency.datasets import files
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.fixations import join_scanpaths
from keras_saliency.datasets.formats import matlab
from keras_saliency.datasets.publishers.common import PublishedImages

IMAGE_COUNT = 700
# x, y and duration (None if unknown) of one observer's fixations.
_Path = tuple[Array, Array, Array | None]


def load_osie(
    path: PathName,
    *,
    partial: bool = False,
    default_sigma: float | None = 24.0,
    pixels_per_degree: float | None = None,
    name: str = "OSIE",
) -> SaliencyDataset:
    """Load OSIE from its publisher's repository.

    `path` (or `data` in it) holds `stimuli/1001.jpg` and so on, 800x600, and
    `eye/fixations.mat`. Positions are taken as they are there.

    Args:
        path: The folder.
        partial: Whether to use a copy that lacks some of the images.
        default_sigma: Sigma of densities in pixels.
        pixels_per_degree: Pixels per degree of visual angle.
        name: Name of the data set.

    Returns:
        A `SaliencyDataset`. The images 1279 and 1374 are the same.

    Raises:
        DatasetError: If a folder or file is missing or damaged.

    References:
    - Xu, Jiang, Wang, Kankanhalli, Zhao (2014), Predicting human gaze beyond
      pixels.
    """
    repository = "predicting-human-gaze-beyond-pixels-master"
    path = files.find(path, f"{repository}/data", "data") or path
    images = PublishedImages(files.folder(path, "stimuli", what="images"))
    table = files.file(
        path, "eye/fixations.mat", "fixations.mat", what="fixations"
    )
    recorded = _read(table)
    images.require(recorded, published=IMAGE_COUNT, partial=partial)
    found = images.match(recorded, table, "fixations")
    return images.dataset(
        name,
        join_scanpaths(
            (i, observer, *scanpath)
            for i, scanpaths in enumerate(found)
            for observer, scanpath in enumerate(scanpaths)
        ),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )


def _read(table: Path) -> dict[str, list[_Path]]:
    """Return name of an image -> the scanpath of each observer."""
    recorded = {}
    for record in matlab.items(matlab.read_variable(table, "fixations")):
        image = np.asarray(matlab.field(record, "img", table))
        if image.dtype.kind != "U" or image.size != 1:
            raise DatasetError(
                f"The MATLAB file {table} holds {image.dtype} where the name "
                "of an image is expected."
            )
        key = files.base(str(image.ravel()[0]))
        observers = matlab.items(matlab.field(record, "subjects", table))
        recorded[key] = [_scanpath(o, key, table) for o in observers]
    return recorded


def _scanpath(observer: Any, key: str, table: Path) -> _Path:
    def column(name: str) -> Array:
        values = matlab.field(observer, name, table)
        return matlab.numbers(values, name, table).ravel()

    x, y, duration = column("fix_x"), column("fix_y"), None
    if "fix_duration" in matlab.unwrap(observer).dtype.names:
        duration = column("fix_duration")
    if x.size != y.size or duration is not None and duration.size != x.size:
        raise DatasetError(
            f"The MATLAB file {table} has unequal numbers of fix_x, fix_y "
            f"and fix_duration for image {key}."
        )
    return x, y, duration
