"""OSIE: 700 pictures, 15 observers (Xu et al., Journal of Vision 2014)."""

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency.datasets.formats import matlab
from keras_saliency.datasets.publishers import common

IMAGES = 700


def load_osie(
    path,
    *,
    partial=False,
    default_sigma=24.0,
    pixels_per_degree=None,
    name="OSIE",
):
    """Load OSIE from its publisher's repository.

    `path` (or `data` in it) holds `stimuli/1001.jpg` and so on, 800x600, and
    `eye/fixations.mat`. Positions are taken as they are there.

    Args:
        path: The folder.
        partial: Whether a copy is used that lacks some of the pictures.
        default_sigma: Sigma of densities in pixels.
        pixels_per_degree: Pixels per degree of visual angle.
        name: Name of the data set.

    Returns:
        A `SaliencyDataset`. The pictures 1279 and 1374 are the same.

    Raises:
        DatasetError: If a folder or file is missing or damaged.

    References:
    - Xu, Jiang, Wang, Kankanhalli, Zhao (2014), Predicting human gaze beyond
      pixels.
    """
    inner = "predicting-human-gaze-beyond-pixels-master"
    path = common.find(path, f"{inner}/data", "data") or path
    stimuli = common.folder(path, "stimuli", what="pictures")
    table = common.file(
        path, "eye/fixations.mat", "fixations.mat", what="fixations"
    )
    pictures = common.files(stimuli)
    recorded = _read(table)
    common.require_all(pictures, IMAGES, recorded, stimuli, partial)
    found = common.match(pictures, recorded, table, "fixations")
    parts = [
        (i, k, x, y, duration)
        for i, observers in enumerate(found)
        for k, (x, y, duration) in enumerate(observers)
    ]
    return common.build(
        name,
        pictures,
        common.sizes(pictures),
        common.gather(parts),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )


def _read(table):
    """Name of a picture -> x, y and duration of each observer."""
    variables = matlab.read_mat(table)
    if "fixations" not in variables:
        raise DatasetError(
            f"The MATLAB file {table} has no variable 'fixations', but "
            f"{', '.join(sorted(variables)) or 'none at all'}."
        )
    recorded = {}
    for record in matlab.items(variables["fixations"]):
        image = np.asarray(matlab.field(record, "img", table))
        if image.dtype.kind != "U" or image.size != 1:
            raise DatasetError(
                f"The MATLAB file {table} holds {image.dtype} where the name "
                "of a picture is expected."
            )
        key = common.base(str(image.ravel()[0]))
        observers = matlab.items(matlab.field(record, "subjects", table))
        recorded[key] = [_scanpath(o, key, table) for o in observers]
    return recorded


def _scanpath(observer, key, table):
    def column(name):
        values = matlab.field(observer, name, table)
        return matlab.numbers(values, name, table).ravel()

    x, y, duration = column("fix_x"), column("fix_y"), None
    if "fix_duration" in matlab.unwrap(observer).dtype.names:
        duration = column("fix_duration")
    if x.size != y.size or duration is not None and duration.size != x.size:
        raise DatasetError(
            f"The MATLAB file {table} has unequal numbers of fix_x, fix_y "
            f"and fix_duration for picture {key}."
        )
    return x, y, duration
