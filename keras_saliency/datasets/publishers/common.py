"""What the loaders of publishers' files share."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency.datasets.base import Fixations, SaliencyDataset
from keras_saliency.images import EXTENSIONS, image_size, stem

# Left behind by version control and by operating systems; and, in CAT2000,
# folders of somebody's results among the stimuli.
_STRAY = {"__macosx", ".svn", ".git", "output", ".ds_store", "thumbs.db"}


def is_stray(name):
    """Whether a file or folder is known to be no part of a data set."""
    return name.lower() in _STRAY or name.startswith(".")


def folder(path, *names, what):
    """Return the first of some sub-folders that exists, or raise.

    Args:
        path: Where to look, also one level of a single folder below.
        *names: Relative paths; upper and lower case do not matter.
        what: What the folder holds, for the error.
    """
    found = find(path, *names)
    if found is None or not found.is_dir():
        raise DatasetNotFoundError(
            f"The folder {path} has no {' or '.join(names)}, the folder of "
            f"{what}."
        )
    return found


def file(path, *names, what):
    """Return the first of some files that exists, or raise."""
    found = find(path, *names)
    if found is None or not found.is_file():
        raise DatasetNotFoundError(
            f"The folder {path} has no {' or '.join(names)}, the file of "
            f"{what}."
        )
    return found


def find(path, *names):
    """Return the first of some relative paths that exists, else None."""
    path = Path(path)
    if not path.is_dir():
        raise DatasetNotFoundError(
            f"The folder {path} does not exist"
            + (" (it is a file)." if path.exists() else ".")
        )
    for name in names:
        current = path
        for part in name.split("/"):
            current = _child(current, part)
            if current is None:
                break
        else:
            return current
    return None


def _child(path, name):
    if (path / name).exists():
        return path / name
    try:
        for entry in sorted(os.listdir(path)):
            if entry.lower() == name.lower():
                return path / entry
    except OSError:
        pass
    return None


def files(path, extensions=EXTENSIONS, suffix=""):
    """Return name -> path of the files below a folder, sorted by name.

    Stray files and folders are passed over. A name is the path relative to
    the folder without its extension, and without `suffix` at its end; files
    that do not have that suffix are passed over too.
    """
    found = {}
    for parent, folders, names in os.walk(path):
        folders[:] = sorted(f for f in folders if not is_stray(f))
        for name in names:
            if is_stray(name) or not name.lower().endswith(extensions):
                continue
            full = Path(parent) / name
            key = full.relative_to(path).as_posix()
            key = key[: -len(full.suffix)]
            if not key.lower().endswith(suffix.lower()):
                continue
            key = key[: len(key) - len(suffix)]
            other = found.setdefault(key, full)
            if other != full:
                raise DatasetError(
                    f"The folder {path} has two files of one name: {other} "
                    f"and {full}; keep one."
                )
    if not found:
        raise DatasetNotFoundError(
            f"The folder {path} has no file ending in "
            f"{', '.join(f'{suffix}{e}' for e in extensions)}."
        )
    return {key: found[key] for key in sorted(found, key=natural)}


def natural(name):
    """Key that sorts 2 before 10."""
    parts, digits = [], ""
    for character in f"{name}\0":
        if character.isdecimal() and character.isascii():
            digits += character
            continue
        if digits:
            parts.append((0, int(digits), ""))
            digits = ""
        parts.append((1, 0, character))
    return parts


def match(pictures, found, where, what, *, required=True):
    """Return one file per picture, by name; extra files are passed over."""
    missing = [name for name in pictures if name not in found]
    if missing and required:
        raise DatasetNotFoundError(
            f"{len(missing)} of {len(pictures)} pictures have no {what} in "
            f"{where}, the first {pictures[missing[0]]}. Is the copy complete?"
        )
    return [found.get(name) for name in pictures]


def sizes(pictures):
    """Return `(height, width)` of pictures as stored, read in threads."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        paths = pictures.values()
        return list(pool.map(lambda path: image_size(path, False), paths))


def build(name, pictures, sizes, fixations, **options):
    """Return the data set of a publisher's pictures.

    Args:
        name: Name of the data set.
        pictures: Dictionary of name and path.
        sizes: `(height, width)` per picture as stored.
        fixations: `Fixations`.
        **options: Arguments of `SaliencyDataset`.
    """
    return SaliencyDataset(
        name,
        pictures.values(),
        names=list(pictures),
        sizes=sizes,
        fixations=fixations,
        exif=False,
        **options,
    )


def require_all(pictures, count, recorded, folder, partial):
    """Raise unless a folder has as many pictures as were published.

    Args:
        pictures: Names of those there are.
        count: How many were published.
        recorded: Names of pictures for which there are fixations.
        folder: Where they should be.
        partial: Whether fewer or more are accepted.
    """
    if partial or len(pictures) == count:
        return
    missing = [name for name in recorded if name not in pictures]
    raise DatasetNotFoundError(
        f"The folder {folder} has {len(pictures)} pictures, the data set "
        f"{count}"
        + (
            f"; missing are {len(missing)} that have fixations, such as "
            f"{', '.join(sorted(missing, key=natural)[:3])}"
            if missing
            else ""
        )
        + ". Copy it anew, or give partial=True to use the pictures that are "
        "there."
    )


def numbered(values):
    """Return number from 1, as text -> value."""
    return {str(i): value for i, value in enumerate(values, 1)}


def gather(parts):
    """Join scanpaths to one `Fixations`.

    Args:
        parts: Tuples of image number, subject, x, y and duration (or None)
            of one observer's fixations of one image. Order counts from 0.
    """
    parts = [part for part in parts if len(part[2])]
    counts = [len(part[2]) for part in parts]

    def each(values, dtype):
        return np.repeat(np.asarray(list(values), dtype), counts)

    def joined(k, dtype):
        if not parts:
            return np.zeros(0, dtype)
        return np.concatenate(
            [
                np.full(len(part[2]), np.nan) if part[k] is None else part[k]
                for part in parts
            ]
        ).astype(dtype)

    return Fixations(
        each((part[0] for part in parts), "int32"),
        joined(2, "float32"),
        joined(3, "float32"),
        subject=each((part[1] for part in parts), "int32"),
        order=np.concatenate(
            [np.arange(c) for c in counts] or [np.zeros(0)]
        ).astype("int32"),
        duration=joined(4, "float32"),
    )


def from_maps(maps, sizes):
    """Return the fixations where a map per picture merges its observers.

    Args:
        maps: Pairs of a label for errors and a map, positive where somebody
            looked, in the order of the pictures.
        sizes: `(height, width)` per picture.
    """
    parts = []
    for i, (label, plane) in enumerate(maps):
        if plane.shape != tuple(sizes[i]):
            raise DatasetError(
                f"The fixation map {label} is {plane.shape[0]} high and "
                f"{plane.shape[1]} wide, its picture {sizes[i][0]} and "
                f"{sizes[i][1]}."
            )
        parts.append((i, -1, *points(plane > 0), None))
    return gather(parts)


def points(counts):
    """Return x and y of the centers of the fixated pixels of a map."""
    rows, columns = np.nonzero(counts)
    repeats = np.asarray(counts)[rows, columns].astype("int64")
    return np.repeat(columns, repeats) + 0.5, np.repeat(rows, repeats) + 0.5


def base(name):
    """Name of a picture without folder and extension."""
    return stem(Path(name).name)
