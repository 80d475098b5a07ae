"""CAT2000, training set: 2000 pictures of 20 categories (Borji, Itti 2015)."""

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency.datasets.formats import matlab
from keras_saliency.datasets.publishers import common

IMAGES = 2000


def load_cat2000(
    path,
    *,
    published=True,
    partial=False,
    default_sigma=None,
    pixels_per_degree=None,
    name="CAT2000",
):
    """Load the training set of CAT2000 from its publisher's archive, extracted.

    `path` (or `trainSet` in it) holds `Stimuli/CATEGORY/NUMBER.jpg`,
    `FIXATIONLOCS/CATEGORY/NUMBER.mat` with a binary map, and
    `FIXATIONMAPS/CATEGORY/NUMBER.jpg`. The folders `Output` in them are
    passed over. A name includes its category: `Action/001`. The maps merge
    the 18 observers of each picture.

    Args:
        path: The folder.
        published: Whether densities are those of FIXATIONMAPS, where it is
            there.
        partial: Whether a copy is used that lacks some of the pictures.
        default_sigma: Sigma of densities made from fixations, in pixels.
            Defaults to 24 per 1024 of the longer side.
        pixels_per_degree: Pixels per degree of visual angle.
        name: Name of the data set.

    Returns:
        A `SaliencyDataset`; `categories` are the folders.

    Raises:
        DatasetError: If a folder or file is missing or damaged.

    Notes:
        The scanpaths of single observers are in `allFixData.mat`, a MATLAB
        `containers.Map`, which only MATLAB reads.

    References:
    - Borji, Itti (2015), CAT2000: a large scale fixation dataset for boosting
      saliency research. arXiv:1505.03581.
    """
    path = common.find(path, "trainSet") or path
    stimuli = common.folder(path, "Stimuli", what="pictures")
    locations = common.folder(
        path, "FIXATIONLOCS", "fixations", what="fixations"
    )
    maps = common.find(path, "FIXATIONMAPS", "saliency")
    pictures = common.files(stimuli)
    found = common.files(locations, (".mat",))
    common.require_all(pictures, IMAGES, found, stimuli, partial)
    sizes = common.sizes(pictures)
    densities = None
    if published and maps is not None:
        densities = common.match(
            pictures, common.files(maps), maps, "published density map"
        )
    files = common.match(pictures, found, locations, "fixation map")
    return common.build(
        name,
        pictures,
        sizes,
        common.from_maps(
            ((file, binary_map(file, "fixLocs")) for file in files), sizes
        ),
        densities=densities,
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )


def binary_map(file, variable, size=None):
    """Read a map of fixated pixels from a MATLAB file.

    The variable of that name, or else the only one of two dimensions.
    """
    variables = matlab.read_mat(file)
    value = variables.get(variable)
    if value is None:
        planes = [
            v
            for v in variables.values()
            if getattr(v, "ndim", 0) == 2 and v.dtype.kind in "buif"
        ]
        value = planes[0] if len(planes) == 1 else None
    if value is None:
        raise DatasetError(
            f"The MATLAB file {file} has no map {variable!r}, but "
            f"{', '.join(sorted(variables)) or 'nothing'}."
        )
    value = np.asarray(value)
    if value.dtype.kind not in "buif" or value.ndim != 2 or not value.size:
        raise DatasetError(
            f"The map {variable!r} in {file} has type {value.dtype} and shape "
            f"{value.shape}; expected numbers (height, width)."
        )
    if size is not None and value.shape != tuple(size):
        raise DatasetError(
            f"The fixation map in {file} is {value.shape[0]} high and "
            f"{value.shape[1]} wide, its picture {size[0]} and {size[1]}."
        )
    return (value > 0).astype("uint8")
