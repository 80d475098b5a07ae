"""SALICON: 15,000 images, traces of the mouse (Jiang et al., CVPR 2015)."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency._utils.types import PathName
from keras_saliency.datasets import files
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.fixations import Fixations, join_scanpaths
from keras_saliency.datasets.formats.fixation_files import (
    check_kind,
    read_gaze,
)
from keras_saliency.datasets.publishers.common import PublishedImages

IMAGE_COUNT = {"train": 10000, "val": 5000}
_KINDS = ("fixations", "location")
_CHUNK = 2**20
# A worker's samples of one image take some kilobytes of JSON.
_LONGEST_OBJECT = 2**26
_SPACE = re.compile(r"\s*")


def load_salicon(
    path: PathName,
    part: str = "train",
    *,
    fixations: PathName | None = None,
    kind: str = "fixations",
    published: bool = True,
    partial: bool = False,
    default_sigma: float | None = 19.0,
    pixels_per_degree: float | None = None,
    name: str | None = None,
) -> SaliencyDataset:
    """Load a part of SALICON from its publisher's files, 2015 or 2017.

    `path` holds `images/PART/NAME.jpg` and one of

    - `fixations/PART/NAME.mat` with the fields image, resolution and gaze
      (location, timestamp and fixations of each worker): 2015 and 2017 alike;
    - `fixations/PART/NAME.mat` with `I`, a binary map, as older copies have;
    - `fixations_PART2014*.json`, the annotations in the form of COCO;

    and optionally `maps/PART/NAME.png`, the density maps. MSI-Net's names
    `stimuli` and `saliency` for the folders are found too.

    Args:
        path: The folder.
        part: "train" or "val".
        fixations: Folder of `.mat` files or `.json` file, if elsewhere.
        kind: "fixations", those inferred from the traces, or "location",
            every sample (thousands per image).
        published: Whether to use the density maps in `maps`, if the folder
            is there.
        partial: Whether to use a copy that lacks some of the images.
        default_sigma: Sigma of densities made from fixations, in pixels.
        pixels_per_degree: Pixels per degree of visual angle.
        name: Name of the data set. Defaults to "SALICON PART".

    Returns:
        A `SaliencyDataset`. Subjects are numbered per image: the .mat files
        do not say who is who.

    Raises:
        DatasetError: If a folder or file is missing or damaged.
        ValueError: If `kind` is not known.

    Notes:
        Positions count from 1 in the files, from 0 here. In the JSON they are
        (row, column), as the publisher's code reads them; a file that only
        makes sense as (column, row), as an older version of that code read
        them, is taken so.

    References:
    - Jiang, Huang, Duan, Zhao (2015), SALICON: saliency in context.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {_KINDS}, received {kind!r}.")
    images = PublishedImages(
        files.folder(path, f"images/{part}", f"stimuli/{part}", what="images")
    )
    source = _fixations(Path(path), part) if fixations is None else fixations
    source = Path(source)
    published_count = IMAGE_COUNT.get(part, len(images))
    if source.is_dir():
        found = files.files(source, "fixations", extensions=(".mat",))
        images.require(found, published=published_count, partial=partial)
        recorded = images.match(found, source, "fixation file")
        points = _from_mat(images, recorded, kind)
    else:
        check_kind(source, kind)
        names = _names(source)
        images.require(
            names.values(), published=published_count, partial=partial
        )
        points = _from_json(images, source, names)
    maps = files.find(path, f"maps/{part}", f"saliency/{part}")
    return images.dataset(
        f"SALICON {part}" if name is None else name,
        points,
        densities=images.densities(maps) if published and maps else None,
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )


def _fixations(path: Path, part: str) -> Path:
    """Return the folder of .mat files, or the .json file."""
    folder = files.find(path, f"fixations/{part}")
    if folder is not None:
        return folder
    annotations = sorted(path.rglob(f"fixations_{part}*.json"))
    if not annotations:
        raise DatasetNotFoundError(
            f"The folder {path} has neither fixations/{part}, a folder of "
            f".mat files, nor fixations_{part}2014.json."
        )
    return annotations[0]


def _from_mat(
    images: PublishedImages, recorded: list[Path], kind: str
) -> Fixations:
    return join_scanpaths(
        (i, *points, None)
        for i, (file, size) in enumerate(
            zip(recorded, images.sizes, strict=True)
        )
        for points in read_gaze(file, size, kind)
    )


def _names(file: Path) -> dict[Any, str]:
    """Return number of an image in a JSON file -> its name."""
    numbers = {}
    for entry in _objects(file, "images"):
        try:
            key = files.base(str(entry["file_name"]))
            numbers[entry["id"]] = key
        except (KeyError, TypeError) as error:
            raise DatasetError(
                f"The file {file} has an image without {error}; it is damaged "
                "or no file of SALICON."
            ) from error
    return numbers


def _from_json(
    images: PublishedImages, file: Path, numbers: Mapping[Any, str]
) -> Fixations:
    index = {files.base(name): i for i, name in enumerate(images.paths)}
    workers: dict[int, int] = {}
    parts = []
    for entry in _objects(file, "annotations"):
        try:
            i = index.get(numbers[entry["image_id"]])
            positions = np.asarray(entry["fixations"], "float64")
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(
                f"The file {file} has an annotation that cannot be read "
                f"({error!r}); it is damaged or no file of SALICON."
            ) from error
        if i is None:
            continue
        if positions.size and (positions.ndim != 2 or positions.shape[1] != 2):
            raise DatasetError(
                f"The file {file} has fixations of shape {positions.shape}, "
                "not pairs."
            )
        workers[i] = workers.get(i, -1) + 1
        parts.append((i, workers[i], positions.reshape(-1, 2)))
    images.match(
        {name: None for i, name in enumerate(images.paths) if i in workers},
        file,
        "fixations",
    )

    def fit(row: int, column: int) -> bool:
        return not any(
            (pairs[:, [row, column]] > images.sizes[i]).any()
            for i, _, pairs in parts
        )

    row, column = (1, 0) if fit(1, 0) and not fit(0, 1) else (0, 1)
    parts.sort(key=lambda part: part[0])
    return join_scanpaths(
        (i, worker, pairs[:, column] - 1, pairs[:, row] - 1, None)
        for i, worker, pairs in parts
    )


def _objects(file: Path, key: str) -> Iterator[Any]:
    """Yield the objects of a list in a JSON file, however large it is."""
    decoder = json.JSONDecoder()
    opening = re.compile(rf'"{key}"\s*:\s*\[')
    try:
        with open(file, encoding="utf-8") as stream:
            text, at = "", None
            while at is None:
                chunk = stream.read(_CHUNK)
                text = text[-256:] + chunk
                match = opening.search(text)
                at = match.end() if match else None
                if not chunk and at is None:
                    raise DatasetError(
                        f"The file {file} has no list {key!r}; it is damaged "
                        "or no file of SALICON."
                    )
            wanted = _CHUNK
            while True:
                at = _after_space(text, at)
                if text[at : at + 1] == "]":
                    return
                try:
                    item, end = decoder.raw_decode(text, at)
                    end = _after_space(text, end)
                    # What follows must be seen, or a number may be cut.
                    if text[end : end + 1] not in (",", "]"):
                        raise ValueError("expected a comma")
                except (ValueError, RecursionError) as error:
                    chunk = stream.read(wanted)
                    if not chunk or len(text) - at > _LONGEST_OBJECT:
                        raise DatasetError(
                            f"The file {file} is damaged or truncated in its "
                            f"list {key!r}: {error or repr(error)}."
                        ) from error
                    text, at, wanted = text[at:] + chunk, 0, 2 * wanted
                    continue
                yield item
                at = end + (text[end] == ",")
                wanted = _CHUNK
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"The file {file} cannot be read: {error}."
        ) from error


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
