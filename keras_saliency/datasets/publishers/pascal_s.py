"""PASCAL-S: 850 images with fixations (Li et al., CVPR 2014)."""

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import PathName
from keras_saliency.datasets import files
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.fixations import join_scanpaths
from keras_saliency.datasets.formats import matlab
from keras_saliency.datasets.publishers.common import (
    PublishedImages,
    numbered,
)

IMAGE_COUNT = 850


def load_pascal_s(
    path: PathName,
    *,
    partial: bool = False,
    default_sigma: float | None = None,
    pixels_per_degree: float | None = None,
    name: str = "PASCAL-S",
) -> SaliencyDataset:
    """Load the fixations of PASCAL-S from its publisher's archive, extracted.

    `path` (or `datasets` in it) holds `imgs/pascal/1.jpg` to `850.jpg` and
    `fixations/pascalFix.mat` (version 7.3): in `fixCell` a cell per image
    with a row per fixation of y, x and observer, all counted from 1.

    Args:
        path: The folder.
        partial: Whether to use a copy that lacks some of the images.
        default_sigma: Sigma of densities in pixels. Defaults to 24 per 1024
            of the longer side.
        pixels_per_degree: Pixels per degree of visual angle.
        name: Name of the data set.

    Returns:
        A `SaliencyDataset`.

    Raises:
        DatasetError: If a folder or file is missing or damaged.

    References:
    - Li, Hou, Koch, Rehg, Yuille (2014), The secrets of salient object
      segmentation.
    """
    path = files.find(path, "datasets") or path
    images = PublishedImages(
        files.folder(path, "imgs/pascal", "stimuli", what="images")
    )
    table = files.file(
        path, "fixations/pascalFix.mat", "pascalFix.mat", what="fixations"
    )
    cells = numbered(matlab.items(matlab.read_variable(table, "fixCell")))
    images.require(cells, published=IMAGE_COUNT, partial=partial)
    found = images.match(cells, table, "fixations")
    scanpaths = []
    for i, (cell, image) in enumerate(
        zip(found, images.paths.values(), strict=True)
    ):
        rows = matlab.numbers(cell, "fixations", table, columns=3)
        if not np.isfinite(rows).all():
            raise DatasetError(
                f"The MATLAB file {table} holds NaN or infinity for the "
                f"image {image}."
            )
        for observer in np.unique(rows[:, 2]):
            y, x, _ = rows[rows[:, 2] == observer].T[:3]
            scanpaths.append((i, int(observer) - 1, x - 1, y - 1, None))
    return images.dataset(
        name,
        join_scanpaths(scanpaths),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )
