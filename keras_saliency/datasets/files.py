"""Finding the files and folders of a data set."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency._utils.folders import walk
from keras_saliency._utils.types import PathName
from keras_saliency.images import EXTENSIONS, image_size, normal, stem

# Left behind by version control and by operating systems; and, in CAT2000,
# folders of somebody's results among the images.
_STRAY = {"__macosx", ".svn", ".git", "output", ".ds_store", "thumbs.db"}


def is_stray(name: str) -> bool:
    """Return whether a file or folder is known to be no part of a data set."""
    return name.lower() in _STRAY or name.startswith(".")


def folder(path: PathName, *names: str, what: str) -> Path:
    """Return the first of some sub-folders that exists.

    Args:
        path: Where to look.
        *names: Relative paths; upper and lower case do not matter.
        what: What the folder holds, for the error.

    Raises:
        DatasetNotFoundError: If there is none.
    """
    found = find(path, *names)
    if found is None or not found.is_dir():
        raise _not_found(path, names, f"the folder of {what}")
    return found


def file(path: PathName, *names: str, what: str) -> Path:
    """Return the first of some files that exists; see `folder`."""
    found = find(path, *names)
    if found is None or not found.is_file():
        raise _not_found(path, names, f"the file of {what}")
    return found


def _not_found(
    path: PathName, names: Collection[str], what: str
) -> DatasetNotFoundError:
    return DatasetNotFoundError(
        f"The folder {path} has no {' or '.join(names)}, {what}."
    )


def find(path: PathName, *names: str) -> Path | None:
    """Return the first of some relative paths that exists, else None.

    Raises:
        DatasetNotFoundError: If `path` is no folder.
    """
    path = Path(path)
    if not path.is_dir():
        raise DatasetNotFoundError(
            f"The folder {path} does not exist"
            + (" (it is a file)." if path.exists() else ".")
        )
    for name in names:
        current: Path | None = path
        for part in name.split("/"):
            current = current and _child(current, part)
        if current is not None:
            return current
    return None


def _child(path: Path, name: str) -> Path | None:
    if (path / name).exists():
        return path / name
    try:
        for entry in sorted(os.listdir(path)):
            if normal(entry).lower() == normal(name).lower():
                return path / entry
    except OSError:
        pass
    return None


def files(
    path: PathName,
    what: str = "images",
    *,
    extensions: tuple[str, ...] = EXTENSIONS,
    rename: Callable[[str], str | None] | None = None,
) -> dict[str, Path]:
    """Return name -> path of the files below a folder, sorted by name.

    Stray files and folders are passed over, links to folders are followed. A
    name is the path relative to the folder without its extension.

    Args:
        path: The folder.
        what: What the files are, for errors.
        extensions: Ends of the files' names, in lower case.
        rename: Function from a name to the one that is wanted, or to None for
            a file that is passed over.

    Raises:
        DatasetError: If there is no such file, two have one name, or a folder
            cannot be read.
    """
    path = Path(path)
    if not path.is_dir():
        raise DatasetNotFoundError(
            f"The folder of {what} {path} does not exist"
            + (" (it is a file)." if path.exists() else ".")
        )
    found: dict[str, Path] = {}
    for full in _below(path, what, extensions):
        relative = full.relative_to(path).as_posix()
        key: str | None = normal(relative[: -len(full.suffix)])
        if key and rename is not None:
            key = rename(key)
        if key is None:
            continue
        other = found.setdefault(key, full)
        if other != full:
            raise DatasetError(
                f"The folder of {what} {path} has two files of one name: "
                f"{other} and {full}; keep one."
            )
    if not found:
        raise DatasetNotFoundError(
            f"The folder of {what} {path} has no file ending in "
            f"{', '.join(extensions)}."
        )
    return {key: found[key] for key in sorted(found, key=natural)}


def _below(
    path: Path, what: str, extensions: tuple[str, ...]
) -> Iterator[Path]:
    """Yield the files below a folder whose names end in one of some ways."""
    try:
        for parent, names in walk(path, enters=lambda n: not is_stray(n)):
            for name in names:
                if not is_stray(name) and name.lower().endswith(extensions):
                    yield parent / name
    except OSError as error:
        raise DatasetError(
            f"The folder of {what} {path} cannot be read: {error}."
        ) from error


def natural(name: str) -> list[Any]:
    """Return a key that sorts 2 before 10."""
    parts: list[Any] = []
    digits = ""
    for character in f"{name}\0":
        if character.isdecimal() and character.isascii():
            digits += character
            continue
        if digits:
            parts.append((0, int(digits), ""))
            digits = ""
        parts.append((1, 0, character))
    return parts


def match(
    names: Mapping[str, Path],
    found: Mapping[str, Any],
    where: PathName,
    what: str,
) -> list[Any]:
    """Return what was found for each image; the rest is passed over.

    Args:
        names: Path of each image, by name.
        found: What there is, by name.
        where: Where it was found, for the error.
        what: What it is, for the error.

    Raises:
        DatasetNotFoundError: If there is nothing for an image.
    """
    missing = [name for name in names if name not in found]
    if missing:
        raise DatasetNotFoundError(
            f"{len(missing)} of {len(names)} images have no {what} in "
            f"{where}, the first {names[missing[0]]}: there is none named "
            f"{missing[0]!r}. Is the copy complete?"
        )
    return [found[name] for name in names]


def image_sizes(
    paths: Collection[PathName], *, exif: bool = True
) -> list[tuple[int, int]]:
    """Return `(height, width)` of images, read in threads.

    Args:
        paths: The files.
        exif: Whether a rotation stored in EXIF is applied.

    Raises:
        DatasetError: If some cannot be read; it names all, ten at most.
    """

    def size_or_error(path: PathName) -> Any:
        try:
            return image_size(path, exif=exif)
        except DatasetError as error:
            return error

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        found = list(pool.map(size_or_error, paths))
    bad = [size for size in found if isinstance(size, DatasetError)]
    if len(bad) == 1:
        raise bad[0]
    if bad:
        raise DatasetError(
            f"{len(bad)} of {len(found)} files cannot be used. "
            + " ".join(str(error) for error in bad[:10])
            + (" ..." if len(bad) > 10 else "")
        )
    return found


def base(name: PathName) -> str:
    """Return the name of an image without folder and extension."""
    return stem(Path(name).name)
