"""What can be predicted: files, and the images of folders."""

import os
import re
from pathlib import Path

from keras_saliency import images
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
        without: A folder that is not searched.
        skipping: Where a sub-folder that cannot be read is noted; without it
            that is an error.

    Raises:
        ValueError: If it has no images or cannot be read.
    """
    folder = Path(folder)
    # Folders proper before links, so that links to them add nothing.
    waiting: list[Path] = [folder]
    links: list[Path] = []
    searched = {os.path.realpath(without)} if without else set()
    found = []
    while waiting or links:
        current = waiting.pop() if waiting else links.pop(0)
        real = os.path.realpath(current)
        if real in searched:
            continue
        searched.add(real)
        try:
            entries = sorted(current.iterdir())
        except OSError as error:
            failure = ValueError(
                f"The folder {current} cannot be read ({error.strerror})."
            )
            if skipping is None or current == folder:
                raise failure from error
            skipping.note(failure, current)
            continue
        for path in entries:
            if path.name.startswith("."):
                continue
            if path.is_dir():
                if recursive and path.name.lower() not in _STRAY_FOLDERS:
                    (links if path.is_symlink() else waiting).append(path)
            elif path.suffix.lower() in images.EXTENSIONS:
                found.append(path)
    if not found:
        raise ValueError(
            f"The folder {folder} has no images; an image is a file "
            f"{', '.join(sorted(images.EXTENSIONS))}."
        )
    return sorted(found)


def check_path(path: PathName) -> None:
    """Refuse what is no file that could be an image or a video.

    Raises:
        ValueError: If there is no such file.
    """
    name = os.fspath(path)
    if _ADDRESS.match(name):
        raise ValueError(
            f"{name} is an address, not a file: download the file first."
        )
    if not os.path.exists(name):
        raise ValueError(f"There is no file {name}.")
