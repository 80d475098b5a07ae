"""Toronto: 120 pictures, 20 observers (Bruce and Tsotsos 2007)."""

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency.datasets.formats import matlab
from keras_saliency.datasets.publishers import common

IMAGES = 120


def load_toronto(
    path,
    *,
    partial=False,
    default_sigma=None,
    pixels_per_degree=None,
    name="Toronto",
):
    """Load the Toronto set from its publisher's archive, extracted.

    `path` (or `eyetrackingdata/fixdens` in it) holds `Original Image
    Set/1.jpg` to `120.jpg`, 681x511, and `origfixdata.mat`: in `white` a cell
    per picture, with its map of fixated pixels.

    Args:
        path: The folder.
        partial: Whether a copy is used that lacks some of the pictures.
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
    path = common.find(path, "eyetrackingdata/fixdens", "fixdens") or path
    stimuli = common.folder(
        path, "Original Image Set", "stimuli", what="pictures"
    )
    table = common.file(path, "origfixdata.mat", what="fixations")
    pictures = common.files(stimuli)
    sizes = common.sizes(pictures)
    variables = matlab.read_mat(table)
    if "white" not in variables:
        raise DatasetError(
            f"The MATLAB file {table} has no fixations: it has no cells "
            f"'white', but {', '.join(sorted(variables)) or 'nothing'}."
        )
    cells = common.numbered(matlab.items(variables["white"]))
    common.require_all(pictures, IMAGES, cells, stimuli, partial)
    planes = common.match(pictures, cells, table, "fixation map")
    return common.build(
        name,
        pictures,
        sizes,
        common.from_maps(_planes(pictures, planes, table), sizes),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )


def _planes(pictures, planes, table):
    for picture, plane in zip(pictures.values(), planes, strict=True):
        plane = np.asarray(plane)
        if plane.dtype.kind not in "buif" or plane.ndim != 2:
            raise DatasetError(
                f"The MATLAB file {table} has {plane.dtype} of shape "
                f"{plane.shape} for the picture {picture}; expected a map."
            )
        yield f"for {picture} in {table}", plane
