"""MIT1003: 1003 photographs, 15 observers (Judd et al., ICCV 2009)."""

import re
from collections.abc import Callable
from pathlib import Path

from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency._utils.types import Array, PathName
from keras_saliency.datasets import files
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.fixations import Fixations, join_scanpaths
from keras_saliency.datasets.formats import matlab
from keras_saliency.datasets.publishers.common import PublishedImages
from keras_saliency.datasets.publishers.eye import extract_fixations
from keras_saliency.images import read_map

IMAGE_COUNT = 1003
# MATLAB cuts the names of variables to this length.
_LONGEST_NAME = 63
_RATE = 240.0


def load_mit1003(
    path: PathName,
    *,
    published: bool = False,
    partial: bool = False,
    first_order: int = 1,
    default_sigma: float | None = 24.0,
    pixels_per_degree: float | None = 35.0,
    name: str = "MIT1003",
) -> SaliencyDataset:
    """Load MIT1003 from its publisher's archives, extracted.

    `path` holds `ALLSTIMULI` (the images), and `DATA` (a folder per
    observer with one MATLAB file per image: samples at 240 Hz) or
    `ALLFIXATIONMAPS` (`*_fixMap.jpg`, `*_fixPts.jpg`) or both. Fixations come
    from DATA where it is there (see `extract_fixations`), else from the
    `_fixPts` maps, which know neither observers nor order.

    Args:
        path: The folder.
        published: Whether to use the `_fixMap` images as density maps. By
            default they are made from the fixations.
        partial: Whether to use a copy that lacks some of the images.
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
    images = PublishedImages(
        files.folder(path, "ALLSTIMULI", "stimuli", what="images")
    )
    raw = files.find(path, "DATA")
    maps = files.find(path, "ALLFIXATIONMAPS")
    densities = None
    if published:
        if maps is None:
            raise DatasetNotFoundError(
                f"The folder {path} has no ALLFIXATIONMAPS, which "
                "published=True needs."
            )
        densities = images.densities(maps, _without("_fixMap"))
    subject_names = None
    if raw is not None:
        observers = _recordings(raw)
        subject_names = [folder.name for folder in observers]
        recorded = set().union(*observers.values())
        images.require(recorded, published=IMAGE_COUNT, partial=partial)
        fixations = _from_samples(images, observers)
    elif maps is not None:
        first_order = 0
        found = files.files(maps, "_fixPts maps", rename=_without("_fixPts"))
        images.require(found, published=IMAGE_COUNT, partial=partial)
        fixations = _from_points(images, found, maps)
    else:
        raise DatasetNotFoundError(
            f"The folder {path} has neither DATA nor ALLFIXATIONMAPS beside "
            f"{images.folder.name}; get DATA.zip and extract it there."
        )
    return images.dataset(
        name,
        fixations,
        densities=densities,
        first_order=first_order,
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
        subject_names=subject_names,
    )


def _without(suffix: str) -> Callable[[str], str | None]:
    """Return a function from a map's name to its image's."""

    def rename(name: str) -> str | None:
        if not name.lower().endswith(suffix.lower()):
            return None
        return name.rsplit("/", 1)[-1][: -len(suffix)]

    return rename


def _recordings(raw: Path) -> dict[Path, dict[str, Path]]:
    """Return folder of an observer -> name of an image -> file."""
    observers = {
        entry: {f.stem: f for f in entry.iterdir() if f.suffix == ".mat"}
        for entry in sorted(raw.iterdir())
        if entry.is_dir() and not files.is_stray(entry.name)
    }
    if not observers:
        raise DatasetNotFoundError(
            f"The folder {raw} has no folder of an observer."
        )
    return observers


def _from_samples(
    images: PublishedImages, observers: dict[Path, dict[str, Path]]
) -> Fixations:
    scanpaths = []
    for k, (observer, found) in enumerate(observers.items()):
        recordings = images.match(found, observer, "recording")
        for i, (name, file) in enumerate(
            zip(images.paths, recordings, strict=True)
        ):
            x, y, _, duration = extract_fixations(
                _samples(file, name), rate=_RATE
            )
            scanpaths.append((i, k, x, y, duration))
    return join_scanpaths(sorted(scanpaths, key=lambda path: path[0]))


def _samples(file: Path, name: str) -> Array:
    variables = matlab.read_mat(file)
    variable = re.sub(r"\W", "_", name)[:_LONGEST_NAME]
    value = variables.get(variable)
    if value is None and len(variables) == 1:
        value = next(iter(variables.values()))
    if value is None:
        raise matlab.lacks(file, f"variable {variable!r}", variables)
    trials = matlab.items(matlab.field(value, "DATA", file))
    if not trials:
        raise DatasetError(f"The MATLAB file {file} has an empty DATA.")
    samples = matlab.numbers(
        matlab.field(trials[0], "eyeData", file), "eyeData", file, columns=2
    )
    if not len(samples):
        raise DatasetError(f"The MATLAB file {file} has no eye samples.")
    return samples


def _from_points(
    images: PublishedImages, found: dict[str, Path], folder: Path
) -> Fixations:
    maps = images.match(found, folder, "fixation map")
    # Isolated white pixels, which JPEG surrounded by gray rings.
    return images.fixations_from_maps(
        (map_, read_map(map_) > 128) for map_ in maps
    )
