"""A user's own folders of pictures, density maps and fixation maps."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency.datasets.base import Fixations, SaliencyDataset
from keras_saliency.datasets.publishers.common import find, is_stray
from keras_saliency.datasets.publishers.salicon import read_gaze
from keras_saliency.images import EXTENSIONS, image_size, read_map, stem

# A JPEG of isolated white points on black rings around each of them.
_JPEG_THRESHOLD = 128
# What MIT1003 puts after the names of its maps, and the one file among them
# that belongs to no picture.
_SUFFIX = re.compile(r"_fix(Map|Pts)$")
_STRAY_MAPS = {"i05june05_static_street_boston_p1010764fixPts.jpg"}

# Names of the folders of pictures, densities and fixations in the copies that
# users of ML-Net, SAM and MSI-Net have.
_TREE = {
    "images": ("images", "stimuli", "imgs"),
    "densities": ("maps", "saliency", "densities", "density"),
    "fixations": ("fixations", "fixs", "points"),
}


def load_folder(
    images,
    densities=None,
    fixations=None,
    *,
    name=None,
    default_sigma=None,
    pixels_per_degree=None,
):
    """Load pictures with density maps, fixation maps or both from folders.

    A map belongs to the picture of the same name, extension aside; all
    folders are searched with their sub-folders, and a name includes the
    sub-folder (`Action/001`). A map may also end in `_fixMap` or `_fixPts`,
    as MIT1003's do. A map has exactly its picture's size. With
    density maps alone, losses and metrics that need fixations are refused;
    with fixation maps alone, the densities are made from them.

    Args:
        images: Folder of pictures.
        densities: Folder of density maps: pictures, or `.npy` arrays
            `(height, width)`. Their scale does not matter.
        fixations: Folder of fixation maps: pictures, in which a pixel above 0
            (above 128 in a JPEG) is one fixation, `.npy` arrays of counts, or
            `.mat` files in one of SALICON's forms or CAT2000's.
        name: Name of the data set. Defaults to the folder's name.
        default_sigma: Sigma of densities made from fixations, in pixels of
            the pictures. Defaults to 24 per 1024 of the longer side.
        pixels_per_degree: Pixels per degree of visual angle.

    Returns:
        A `SaliencyDataset`.

    Raises:
        FileNotFoundError: If a folder does not exist or a picture has no map.
        ValueError: If a folder has no usable file, a map no picture, or one
            of them cannot be read or is of another size.
    """
    if densities is None and fixations is None:
        raise ValueError(
            "load_folder needs densities=, fixations= or both; received "
            f"images={str(images)!r} alone."
        )
    pictures = _files(images, "images", EXTENSIONS)
    names = sorted(pictures)
    stimuli = [pictures[n] for n in names]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        sizes = list(pool.map(image_size, stimuli))
        maps = None
        if densities is not None:
            maps = _matched(names, stimuli, densities, "density map")
            map_sizes = pool.map(image_size, maps)
            for picture, size, path, map_size in zip(
                stimuli, sizes, maps, map_sizes, strict=True
            ):
                _check_size(picture, size, path, map_size)
        points = None
        if fixations is not None:
            paths = _matched(names, stimuli, fixations, "fixation map")
            read = pool.map(_read_points, stimuli, sizes, paths)
            points = _gather(list(read))
    return SaliencyDataset(
        Path(images).resolve().name if name is None else name,
        stimuli,
        names=names,
        sizes=sizes,
        fixations=points,
        densities=maps,
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )


def load_tree(path, part=None, **options):
    """Load a folder with sub-folders of pictures, densities and fixations.

    Finds `images` (or `stimuli`, `imgs`), `maps` (or `saliency`, `densities`)
    and `fixations` (or `fixs`, `points`) below `path`: the layouts of ML-Net
    (images and maps), SAM (with fixations, SALICON's .mat files) and MSI-Net
    (stimuli, saliency, fixations).

    Args:
        path: The folder.
        part: Name of a folder in each of them, or around them, such as
            "train"; None where there is none.
        **options: As for `load_folder`.

    Returns:
        A `SaliencyDataset`.

    Raises:
        DatasetError: As for `load_folder`, and if there are no pictures or
            no maps.
    """
    found = {}
    for what, names in _TREE.items():
        candidates = names
        if part is not None:
            candidates = [f"{n}/{part}" for n in names]
            candidates += [f"{part}/{n}" for n in names]
        found[what] = find(path, *candidates)
    if found["images"] is None or not (
        found["densities"] or found["fixations"]
    ):
        raise DatasetNotFoundError(
            f"The folder {path} has no folders "
            + " and ".join(
                "|".join(names)
                for what, names in _TREE.items()
                if found[what] is None
            )
            + (f" with {part}" if part else "")
            + "; use load_folder where they have other names."
        )
    options.setdefault("name", Path(path).resolve().name)
    return load_folder(**found, **options)


def _files(folder, what, extensions, suffixes=False):
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetNotFoundError(
            f"The folder of {what} {folder} does not exist"
            + (" (it is a file)." if folder.exists() else ".")
        )
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if (
            path.suffix.lower() not in extensions
            or any(is_stray(part) for part in relative.parts)
            or not path.is_file()
        ):
            continue
        name = stem(relative.as_posix())
        if path.suffix.lower() == ".mat":
            name = name[:-4]
        if suffixes and path.name not in _STRAY_MAPS:
            name = _SUFFIX.sub("", name)
        elif suffixes:
            continue
        other = found.setdefault(name, path)
        if other is not path:
            raise DatasetError(
                f"The folder of {what} {folder} has two files of one name: "
                f"{other} and {path}; keep one."
            )
    if not found:
        raise DatasetError(
            f"The folder of {what} {folder} has no file ending in "
            f"{', '.join(extensions)}."
        )
    return found


def _matched(names, stimuli, folder, what):
    extensions = (*EXTENSIONS, ".npy")
    if what == "fixation map":
        extensions += (".mat",)
    found = _files(folder, f"{what}s", extensions, suffixes=True)
    missing = [i for i, name in enumerate(names) if name not in found]
    if missing:
        raise DatasetNotFoundError(
            f"{len(missing)} of {len(names)} images have no {what} in "
            f"{folder}, the first {stimuli[missing[0]]}: expected "
            f"{names[missing[0]]} with the extension of a picture or .npy."
        )
    extra = sorted(set(found) - set(names))
    if extra:
        raise DatasetError(
            f"{len(extra)} {what}s in {folder} have no image, the first "
            f"{found[extra[0]]}; remove them or add their images."
        )
    return [found[name] for name in names]


def _check_size(picture, size, path, map_size):
    if tuple(size) != tuple(map_size):
        raise DatasetError(
            f"The map {path} is {map_size[0]} high and {map_size[1]} wide, "
            f"but its image {picture} is {size[0]} high and {size[1]} wide; "
            "a map must have its image's size."
        )


def _read_points(picture, size, path):
    if path.suffix.lower() == ".mat":
        workers = read_gaze(path, size)
        x, y = (np.concatenate([w[k] for w in workers]) for k in (1, 2))
        return x, y
    array = read_map(path)
    _check_size(picture, size, path, array.shape)
    if path.suffix.lower() == ".npy":
        counts = array.astype("int64")
        if (counts != array).any():
            raise DatasetError(
                f"The fixation map {path} holds values that are no whole "
                "numbers: expected counts of fixations. Is it a density map?"
            )
    else:
        jpeg = path.suffix.lower() in (".jpg", ".jpeg", ".jpe")
        counts = array > (_JPEG_THRESHOLD if jpeg else 0)
    rows, columns = np.nonzero(counts)
    repeats = counts[rows, columns].astype("int64")
    # The center of the pixel, so that it falls in the right cell of a
    # smaller map.
    return np.repeat(columns, repeats) + 0.5, np.repeat(rows, repeats) + 0.5


def _gather(points):
    counts = [len(x) for x, _ in points]
    return Fixations(
        np.repeat(np.arange(len(points)), counts),
        np.concatenate([x for x, _ in points]),
        np.concatenate([y for _, y in points]),
    )
