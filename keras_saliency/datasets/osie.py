"""OSIE: 700 pictures, 15 observers (Xu et al., Journal of Vision 2014)."""

import numpy as np

from keras_saliency.datasets import _publisher, matlab
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.errors import DatasetError


def load_osie(path, *, default_sigma=24.0, pixels_per_degree=None, name="OSIE"):
    """Load OSIE from its publisher's repository.

    `path` (or `data` in it) holds `stimuli/1001.jpg` and so on, 800x600, and
    `eye/fixations.mat`. Positions are taken as they are there.

    Args:
        path: The folder.
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
    path = _publisher.find(path, f"{inner}/data", "data") or path
    stimuli = _publisher.folder(path, "stimuli", what="pictures")
    table = _publisher.file(
        path, "eye/fixations.mat", "fixations.mat", what="fixations"
    )
    pictures = _publisher.files(stimuli)
    paths = list(pictures.values())
    return SaliencyDataset(
        name,
        paths,
        names=list(pictures),
        sizes=_publisher.sizes(paths),
        fixations=_read(table, pictures),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
        exif=False,
    )


def _read(table, pictures):
    variables = matlab.read_mat(table)
    if "fixations" not in variables:
        raise DatasetError(
            f"The MATLAB file {table} has no variable 'fixations', but "
            f"{', '.join(sorted(variables)) or 'none at all'}."
        )
    numbers = {name: i for i, name in enumerate(pictures)}
    parts, seen = [], set()
    for record in matlab.items(variables["fixations"]):
        image = np.asarray(matlab.field(record, "img", table))
        if image.dtype.kind != "U" or image.size != 1:
            raise DatasetError(
                f"The MATLAB file {table} holds {image.dtype} where the name "
                "of a picture is expected."
            )
        key = _publisher.base(str(image.ravel()[0]))
        if key not in numbers:
            continue
        seen.add(key)
        for k, observer in enumerate(
            matlab.items(matlab.field(record, "subjects", table))
        ):
            x, y = (
                matlab.numbers(
                    matlab.field(observer, name, table), name, table
                ).ravel()
                for name in ("fix_x", "fix_y")
            )
            names = matlab.unwrap(observer).dtype.names
            duration = None
            if "fix_duration" in names:
                duration = matlab.numbers(
                    matlab.field(observer, "fix_duration", table),
                    "fix_duration",
                    table,
                ).ravel()
            if (
                x.size != y.size
                or duration is not None
                and (duration.size != x.size)
            ):
                raise DatasetError(
                    f"The MATLAB file {table} has unequal numbers of fix_x, "
                    f"fix_y and fix_duration for picture {key}."
                )
            parts.append((numbers[key], k, x, y, duration))
    missing = [name for name in pictures if name not in seen]
    if missing:
        raise DatasetError(
            f"The MATLAB file {table} has no fixations for {len(missing)} of "
            f"{len(pictures)} pictures, the first {pictures[missing[0]]}."
        )
    parts.sort(key=lambda part: part[0])
    return _publisher.gather(parts)
