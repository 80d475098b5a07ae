"""Toronto: 120 pictures, 20 observers (Bruce and Tsotsos 2007)."""

import numpy as np

from keras_saliency.datasets import _publisher, matlab
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.errors import DatasetError


def load_toronto(
    path, *, default_sigma=None, pixels_per_degree=None, name="Toronto"
):
    """Load the Toronto set from its publisher's archive, extracted.

    `path` (or `eyetrackingdata/fixdens` in it) holds `Original Image
    Set/1.jpg` to `120.jpg`, 681x511, and `origfixdata.mat`: in `white` a cell
    per picture, with its map of fixated pixels.

    Args:
        path: The folder.
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
    path = _publisher.find(path, "eyetrackingdata/fixdens", "fixdens") or path
    stimuli = _publisher.folder(
        path, "Original Image Set", "stimuli", what="pictures"
    )
    table = _publisher.file(path, "origfixdata.mat", what="fixations")
    pictures = _publisher.files(stimuli)
    paths = list(pictures.values())
    sizes = _publisher.sizes(paths)
    variables = matlab.read_mat(table)
    cells = variables.get("white")
    cells = None if cells is None else matlab.items(cells)
    parts = []
    for i, (key, picture) in enumerate(pictures.items()):
        number = int(key) if key.isascii() and key.isdecimal() else 0
        if cells is None or not 1 <= number <= len(cells):
            raise DatasetError(
                f"The MATLAB file {table} has no fixations for the picture "
                f"{picture}: "
                + (
                    "it has no cells 'white'."
                    if cells is None
                    else f"its pictures are numbered 1 to {len(cells)}."
                )
            )
        plane = np.asarray(cells[number - 1])
        if plane.dtype.kind not in "buif" or plane.shape != tuple(sizes[i]):
            raise DatasetError(
                f"The MATLAB file {table} has {plane.dtype} of shape "
                f"{plane.shape} for the picture {picture}; expected a map of "
                f"shape {tuple(sizes[i])}."
            )
        x, y = _publisher.points(plane > 0)
        parts.append((i, -1, x, y, None))
    return SaliencyDataset(
        name,
        paths,
        names=list(pictures),
        sizes=sizes,
        fixations=_publisher.gather(parts),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
        exif=False,
    )
