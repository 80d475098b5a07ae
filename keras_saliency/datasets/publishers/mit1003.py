"""MIT1003: 1003 photographs, 15 observers (Judd et al., ICCV 2009)."""

import re
from pathlib import Path

from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency.datasets.formats import matlab
from keras_saliency.datasets.publishers import common
from keras_saliency.datasets.publishers.eye import extract_fixations
from keras_saliency.images import read_map

IMAGES = 1003
# MATLAB cuts the names of variables to this length.
_LONGEST_NAME = 63
# Ends in fixPts without the underscore, and belongs to no map.
_STRAY = "i05june05_static_street_boston_p1010764fixPts.jpg"
_RATE = 240.0


def load_mit1003(
    path,
    *,
    published=False,
    partial=False,
    first_order=1,
    default_sigma=24.0,
    pixels_per_degree=35.0,
    name="MIT1003",
):
    """Load MIT1003 from its publisher's archives, extracted.

    `path` holds `ALLSTIMULI` (the pictures), and `DATA` (a folder per
    observer with one MATLAB file per picture: samples at 240 Hz) or
    `ALLFIXATIONMAPS` (`*_fixMap.jpg`, `*_fixPts.jpg`) or both. Fixations come
    from DATA where it is there (see `extract_fixations`), else from the
    `_fixPts` maps, which know neither observers nor order.

    Args:
        path: The folder.
        published: Whether densities are the `_fixMap` pictures. By default
            they are made from the fixations.
        partial: Whether a copy is used that lacks some of the pictures.
        first_order: Leave out fixations earlier in the scanpath than this:
            the first is forced, on a central cross.
        default_sigma: Sigma of densities in pixels.
        pixels_per_degree: Pixels per degree of visual angle.
        name: Name of the data set.

    Returns:
        A `SaliencyDataset`. `subject_names` holds the observers' initials,
        if DATA was read.

    Raises:
        DatasetError: If a folder or file is missing or damaged.

    References:
    - Judd, Ehinger, Durand, Torralba (2009), Learning to predict where humans
      look.
    """
    stimuli = common.folder(path, "ALLSTIMULI", "stimuli", what="pictures")
    pictures = common.files(stimuli)
    sizes = common.sizes(pictures)
    raw = common.find(path, "DATA")
    maps = common.find(path, "ALLFIXATIONMAPS")
    densities = None
    if published:
        if maps is None:
            raise DatasetNotFoundError(
                f"The folder {path} has no ALLFIXATIONMAPS, which "
                "published=True needs."
            )
        found = _flat(common.files(maps, suffix="_fixMap"))
        densities = common.match(pictures, found, maps, "published density map")
    if raw is not None:
        observers = _recordings(raw)
        recorded = set().union(*observers.values())
    elif maps is not None:
        first_order = 0
        recorded = _flat(common.files(maps, suffix="_fixPts"))
    else:
        raise DatasetNotFoundError(
            f"The folder {path} has neither DATA nor ALLFIXATIONMAPS beside "
            f"{stimuli.name}; get DATA.zip and extract it there."
        )
    common.require_all(pictures, IMAGES, recorded, stimuli, partial)
    if raw is not None:
        fixations = _from_samples(pictures, observers)
    else:
        fixations = _from_points(pictures, sizes, recorded, maps)
    dataset = common.build(
        name,
        pictures,
        sizes,
        fixations,
        densities=densities,
        first_order=first_order,
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )
    if raw is not None:
        dataset.subject_names = tuple(folder.name for folder in observers)
    return dataset


def _flat(found):
    return {
        key.rsplit("/", 1)[-1]: path
        for key, path in found.items()
        if path.name != _STRAY
    }


def _recordings(raw):
    """Folder of an observer -> name of a picture -> file."""
    observers = {
        entry: {f.stem: f for f in entry.iterdir() if f.suffix == ".mat"}
        for entry in sorted(Path(raw).iterdir())
        if entry.is_dir() and not common.is_stray(entry.name)
    }
    if not observers:
        raise DatasetNotFoundError(
            f"The folder {raw} has no folder of an observer."
        )
    return observers


def _from_samples(pictures, observers):
    parts = []
    for k, (observer, found) in enumerate(observers.items()):
        files = common.match(pictures, found, observer, "recording")
        for i, (name, file) in enumerate(zip(pictures, files, strict=True)):
            x, y, _, duration = extract_fixations(_samples(file, name), _RATE)
            parts.append((i, k, x, y, duration))
    parts.sort(key=lambda part: part[0])
    return common.gather(parts)


def _samples(file, name):
    variables = matlab.read_mat(file)
    variable = re.sub(r"\W", "_", name)[:_LONGEST_NAME]
    value = variables.get(variable)
    if value is None and len(variables) == 1:
        value = next(iter(variables.values()))
    if value is None:
        raise DatasetError(
            f"The MATLAB file {file} has no variable {variable}, but "
            f"{', '.join(sorted(variables)) or 'none at all'}."
        )
    trials = matlab.items(matlab.field(value, "DATA", file))
    if not trials:
        raise DatasetError(f"The MATLAB file {file} has an empty DATA.")
    samples = matlab.numbers(
        matlab.field(trials[0], "eyeData", file), "eyeData", file, columns=2
    )
    if not len(samples):
        raise DatasetError(f"The MATLAB file {file} has no eye samples.")
    return samples


def _from_points(pictures, sizes, found, maps):
    files = common.match(pictures, found, maps, "fixation map")
    # Isolated white pixels, which JPEG surrounded by gray rings.
    planes = ((file, read_map(file) > 128) for file in files)
    return common.from_maps(planes, sizes)
