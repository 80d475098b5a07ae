"""Toronto: 120 images, 20 observers (Bruce and Tsotsos 2007)."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array, PathName
from keras_saliency.datasets import files
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.formats import matlab
from keras_saliency.datasets.publishers.common import (
    PublishedImages,
    numbered,
)

IMAGE_COUNT = 120


def load_toronto(
    path: PathName,
    *,
    partial: bool = False,
    default_sigma: float | None = None,
    pixels_per_degree: float | None = None,
    name: str = "Toronto",
) -> SaliencyDataset:
    """Load the Toronto set from its publisher's archive, extracted.

    `path` (or `eyetrackingdata/fixdens` in it) holds `Original Image
    Set/1.jpg` to `120.jpg`, 681x511, and `origfixdata.mat`: in `white` a cell
    per image, with its map of fixated pixels.

    Args:
        path: The folder.
        partial: Whether to use a copy that lacks some of the images.
        default_sigma: Sigma of densities in pixels. Defaults to 24 per 1024
            of the longer side.
        pixels_per_degree: Pixels per degree of visual angle.
        name: Name of the data set.

    Returns:
        A `SaliencyDataset`. The observers are not told apart: the files per
        observer do not give positions in pixels.

    Raises:
        DatasetError: If a folder or file is missing or damaged.

    References:
    - Bruce, Tsotsos (2007), Attention based on information maximization.
    """
    path = files.find(path, "eyetrackingdata/fixdens", "fixdens") or path
    images = PublishedImages(
        files.folder(path, "Original Image Set", "stimuli", what="images")
    )
    table = files.file(path, "origfixdata.mat", what="fixations")
    cells = numbered(matlab.items(matlab.read_variable(table, "white")))
    images.require(cells, published=IMAGE_COUNT, partial=partial)
    found = images.match(cells, table, "fixation map")
    return images.dataset(
        name,
        images.fixations_from_maps(_maps(images.paths.values(), found, table)),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )


def _maps(
    images: Iterable[Path], found: Iterable[Any], table: Path
) -> Iterator[tuple[str, Array]]:
    for image, value in zip(images, found, strict=True):
        map_ = np.asarray(value)
        if map_.dtype.kind not in "buif" or map_.ndim != 2:
            raise DatasetError(
                f"The MATLAB file {table} has {map_.dtype} of shape "
                f"{map_.shape} for the image {image}; expected a map."
            )
        yield f"for {image} in {table}", map_
