"""What can be predicted: files, and the images of folders."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from keras_saliency import images
from keras_saliency._utils.folders import walk
from keras_saliency._utils.skipping import Skipping
from keras_saliency._utils.types import PathName

# A scheme of one letter is a drive of Windows.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
# Folders of small copies that systems make.
_STRAY_FOLDERS = {"__macosx", "@eadir"}


def images_in(
    folder: PathName,
    *,
    recursive: bool = False,
    without: Path | None = None,
    skipping: Skipping | None = None,
) -> list[Path]:
    """Return the paths of a folder's images, sorted by name.

    Args:
        folder: The folder. Its hidden files and folders are passed over.
        recursive: Whether sub-folders are searched too, also those that are
            links. A folder that several links lead to is searched once.
        without: A folder that is not searched: that of the maps.
        skipping: Where a sub-folder that cannot be read is noted; without it
            that is an error.

    Raises:
        ValueError: If it has no images, cannot be read, or is the one that is
            not searched.
    """
    _check_named(folder)
    folder = Path(folder)
    if without is not None:
        check_apart(folder, without)

    def failed(current: Path, error: OSError) -> None:
        failure = _unreadable(current, error)
        if skipping is None:
            raise failure from error
        skipping.note(failure, current)

    found = []
    try:
        for current, names in walk(
            folder,
            enters=lambda name: recursive and not _is_stray(name),
            without=[without] if without else [],
            failed=failed,
        ):
            found += [
                current / name
                for name in names
                if not name.startswith(".")
                and Path(name).suffix.lower() in images.EXTENSIONS
            ]
    except OSError as error:
        raise _unreadable(folder, error) from error
    if not found:
        raise ValueError(
            f"The folder {folder} has no images; an image is a file "
            f"{', '.join(sorted(images.EXTENSIONS))}."
        )
    return sorted(found)


def check_apart(
    folder: PathName, out: PathName, targets: Iterable[PathName] = ()
) -> None:
    """Refuse maps among images that are read.

    Args:
        folder: The folder of the images.
        out: The folder of the maps. Where it is one below `folder`, it is not
            searched for images.
        targets: Folders that maps are written to, beside `out` itself.

    Raises:
        ValueError: If maps would be written to `folder` or, with `out`
            elsewhere, below it.
    """
    real = Path(os.path.realpath(folder))
    where = Path(os.path.realpath(out))
    inside = where != real and where.is_relative_to(real)
    if not inside and any(
        Path(os.path.realpath(target)).is_relative_to(real)
        for target in (out, *targets)
    ):
        raise ValueError(
            f"Maps would be written to {folder}, and would be read as images "
            "the next time; choose another folder, such as "
            f"{Path(folder) / 'saliency'}."
        )


def _is_stray(name: str) -> bool:
    return name.startswith(".") or name.lower() in _STRAY_FOLDERS


def _unreadable(folder: Path, error: OSError) -> ValueError:
    return ValueError(f"The folder {folder} cannot be read ({error.strerror}).")


def check_path(path: PathName) -> None:
    """Refuse what is no file that could be an image or a video.

    Raises:
        ValueError: If there is no such file.
    """
    name = os.fspath(path)
    _check_named(name)
    if _ADDRESS.match(name):
        raise ValueError(
            f"{name} is an address, not a file: download the file first."
        )
    if not os.path.exists(name):
        raise ValueError(f"There is no file {name}.")


def _check_named(path: PathName) -> None:
    """Refuse an empty text, which `Path` takes for the current folder."""
    if not os.fspath(path):
        raise ValueError(
            "The path is empty; the current folder is named by a dot."
        )
