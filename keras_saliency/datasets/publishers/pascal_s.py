"""PASCAL-S: 850 pictures with fixations (Li et al., CVPR 2014)."""

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency.datasets.formats import matlab
from keras_saliency.datasets.publishers import common

IMAGES = 850


def load_pascal_s(
    path,
    *,
    partial=False,
    default_sigma=None,
    pixels_per_degree=None,
    name="PASCAL-S",
):
    """Load the fixations of PASCAL-S from its publisher's archive, extracted.

    `path` (or `datasets` in it) holds `imgs/pascal/1.jpg` to `850.jpg` and
    `fixations/pascalFix.mat` (version 7.3): in `fixCell` a cell per picture
    with a row per fixation of y, x and observer, all counted from 1.

    Args:
        path: The folder.
        partial: Whether a copy is used that lacks some of the pictures.
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
    path = common.find(path, "datasets") or path
    stimuli = common.folder(path, "imgs/pascal", "stimuli", what="pictures")
    table = common.file(
        path, "fixations/pascalFix.mat", "pascalFix.mat", what="fixations"
    )
    pictures = common.files(stimuli)
    variables = matlab.read_mat(table)
    if "fixCell" not in variables:
        raise DatasetError(
            f"The MATLAB file {table} has no variable 'fixCell', but "
            f"{', '.join(sorted(variables)) or 'none at all'}."
        )
    cells = common.numbered(matlab.items(variables["fixCell"]))
    common.require_all(pictures, IMAGES, cells, stimuli, partial)
    found = common.match(pictures, cells, table, "fixations")
    parts = []
    for i, (cell, picture) in enumerate(
        zip(found, pictures.values(), strict=True)
    ):
        rows = matlab.numbers(cell, "fixations", table, columns=3)
        if not np.isfinite(rows).all():
            raise DatasetError(
                f"The MATLAB file {table} holds NaN or infinity for the "
                f"picture {picture}."
            )
        for observer in np.unique(rows[:, 2]):
            y, x, _ = rows[rows[:, 2] == observer].T[:3]
            parts.append((i, int(observer) - 1, x - 1, y - 1, None))
    return common.build(
        name,
        pictures,
        common.sizes(pictures),
        common.gather(parts),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )
