"""SALICON: 15,000 pictures, traces of the mouse (Jiang et al., CVPR 2015)."""

import json
import re
from pathlib import Path

import numpy as np

from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency.datasets.formats import matlab
from keras_saliency.datasets.publishers import common
from keras_saliency.datasets.publishers.cat2000 import binary_map

IMAGES = {"train": 10000, "val": 5000}
_KINDS = ("fixations", "location")
_CHUNK = 2**20
# A worker's samples of one picture take some kilobytes of JSON.
_LONGEST_OBJECT = 2**26
_space = re.compile(r"\s*")


def load_salicon(
    path,
    part="train",
    *,
    fixations=None,
    kind="fixations",
    published=True,
    partial=False,
    default_sigma=19.0,
    pixels_per_degree=None,
    name=None,
):
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
            every sample (thousands per picture).
        published: Whether densities are those of `maps`, where it is there.
        partial: Whether a copy is used that lacks some of the pictures.
        default_sigma: Sigma of densities made from fixations, in pixels.
        pixels_per_degree: Pixels per degree of visual angle.
        name: Name of the data set. Defaults to "SALICON PART".

    Returns:
        A `SaliencyDataset`. Subjects are numbered per picture: the .mat files
        do not say who is who.

    Raises:
        DatasetError: If a folder or file is missing or damaged.

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
    stimuli = common.folder(
        path, f"images/{part}", f"stimuli/{part}", what="pictures"
    )
    pictures = common.files(stimuli)
    if fixations is None:
        fixations = common.find(path, f"fixations/{part}")
    if fixations is None:
        annotations = sorted(Path(path).rglob(f"fixations_{part}*.json"))
        if not annotations:
            raise DatasetNotFoundError(
                f"The folder {path} has neither fixations/{part}, a folder of "
                f".mat files, nor fixations_{part}2014.json."
            )
        fixations = annotations[0]
    if Path(fixations).is_dir():
        recorded = files = common.files(fixations, (".mat",))
    else:
        files = None
        numbers = _names(Path(fixations))
        recorded = numbers.values()
    count = IMAGES.get(part, len(pictures))
    common.require_all(pictures, count, recorded, stimuli, partial)
    sizes = common.sizes(pictures)
    if files is not None:
        files = common.match(pictures, files, fixations, "fixation file")
        points = _from_mat(files, sizes, kind)
    else:
        points = _from_json(pictures, sizes, Path(fixations), numbers)
    maps = common.find(path, f"maps/{part}", f"saliency/{part}")
    densities = None
    if published and maps is not None:
        densities = common.match(
            pictures, common.files(maps), maps, "published density map"
        )
    return common.build(
        f"SALICON {part}" if name is None else name,
        pictures,
        sizes,
        points,
        densities=densities,
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )


def _from_mat(files, sizes, kind):
    parts = []
    for i, (file, size) in enumerate(zip(files, sizes, strict=True)):
        parts += [(i, *part) for part in read_gaze(file, size, kind)]
    return common.gather(parts)


def read_gaze(file, size, kind="fixations"):
    """Read SALICON's file of one picture, with `gaze` or with `I`.

    Args:
        file: The `.mat` file.
        size: `(height, width)` of the picture.
        kind: "fixations" or "location".

    Returns:
        List of tuples: number of the worker (-1 for a binary map), x, y,
        duration (None), as `common.gather` takes them.
    """
    variables = matlab.read_mat(file)
    if "gaze" not in variables:
        x, y = common.points(binary_map(file, "I", size))
        return [(-1, x, y, None)]
    if "resolution" in variables:
        resolution = matlab.numbers(
            variables["resolution"], "resolution", file
        ).ravel()
        if resolution.tolist() != [float(side) for side in size]:
            raise DatasetError(
                f"The MATLAB file {file} is for a picture of resolution "
                f"{resolution.tolist()}, not {tuple(size)}."
            )
    workers = []
    for k, record in enumerate(matlab.items(variables["gaze"])):
        positions = matlab.numbers(
            matlab.field(record, kind, file), kind, file, columns=2
        )
        workers.append((k, positions[:, 0] - 1, positions[:, 1] - 1, None))
    return workers


def _names(file):
    """Number of a picture in a JSON file -> its name."""
    numbers = {}
    for entry in _objects(file, "images"):
        try:
            key = common.base(str(entry["file_name"]))
            numbers[entry["id"]] = key
        except (KeyError, TypeError) as error:
            raise DatasetError(
                f"The file {file} has an image without {error}; it is damaged "
                "or no file of SALICON."
            ) from error
    return numbers


def _from_json(pictures, sizes, file, numbers):
    index = {common.base(name): i for i, name in enumerate(pictures)}
    order = {}
    parts, seen = [], set()
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
        seen.add(i)
        worker = order[i] = order.get(i, -1) + 1
        parts.append((i, worker, *positions.reshape(-1, 2).T, None))
    missing = [name for i, name in enumerate(pictures) if i not in seen]
    if missing:
        raise DatasetError(
            f"The file {file} has no fixations for {len(missing)} of "
            f"{len(pictures)} pictures, the first {pictures[missing[0]]}."
        )

    def outside(rows, columns):
        return sum(
            int((part[rows] > sizes[part[0]][0]).sum())
            + int((part[columns] > sizes[part[0]][1]).sum())
            for part in parts
        )

    rows, columns = 2, 3
    if outside(2, 3) and not outside(3, 2):
        rows, columns = 3, 2
    parts.sort(key=lambda part: part[0])
    return common.gather(
        [(p[0], p[1], p[columns] - 1, p[rows] - 1, None) for p in parts]
    )


def _objects(file, key):
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
                at = _space.match(text, at).end()
                if text[at : at + 1] == "]":
                    return
                try:
                    item, end = decoder.raw_decode(text, at)
                    end = _space.match(text, end).end()
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
