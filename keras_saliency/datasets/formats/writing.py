"""Folders that appear whole or not at all, and the files in them."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PureWindowsPath

import cv2
import numpy as np

from keras_saliency._utils.atomic import beside, remove
from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array, PathName


@contextlib.contextmanager
def new_folder(path: PathName, names: Iterable[str] = ()) -> Iterator[Path]:
    """Give a temporary folder, which gets its name when all is written.

    Args:
        path: The folder to make; it must not exist, or be empty.
        names: Names of what is written, relative to the folder.

    Yields:
        The temporary folder, beside `path`.

    Raises:
        DatasetError: If `path` is not empty or cannot be written, or a name
            leads out of it.
    """
    path = Path(path)
    for name in names:
        _check_inside(name)
    with _explained(path):
        if path.exists() and any(path.iterdir()):
            raise DatasetError(
                f"The folder {path} is not empty; give another, or remove it."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = beside(path)
        temporary.mkdir()
    try:
        # What is read meanwhile raises errors of its own.
        with _explained(path):
            yield temporary
            if path.exists():
                path.rmdir()
            os.replace(temporary, path)
    except DatasetError as error:
        text = str(error)
        if str(temporary) not in text:
            raise
        final = text.replace(str(temporary), str(path))
        raise DatasetError(final) from error
    finally:
        remove(temporary)


def write_image(
    path: Path, image: Array, parameters: Sequence[int] = ()
) -> None:
    """Write an image, in the format of its path's extension.

    Args:
        path: The file; its folder is made.
        image: uint8 array `(height, width, 3)`, RGB, or `(height, width)`.
        parameters: As for `cv2.imencode`.

    Raises:
        DatasetError: If it cannot be written.
    """
    if image.ndim == 3:
        image = image[..., ::-1]
    good, data = cv2.imencode(
        path.suffix, np.ascontiguousarray(image), list(parameters)
    )
    try:
        if not good:
            raise OSError("the image could not be encoded")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise DatasetError(f"{path} cannot be written: {error}.") from error


def write_density(path: Path, density: Array) -> None:
    """Write a density map in [0, 1] as a PNG of 16 bits."""
    write_image(path, np.rint(density * 65535).astype("uint16"))


def report(path: PathName, done: int, count: int) -> None:
    """Print how many images are written, now and then."""
    if done == count or done % 500 == 0:
        print(f"{path}: {done} of {count} images", flush=True)


def _check_inside(name: str) -> None:
    """Raise if a name, joined to a folder, may lead out of it."""
    # Windows parts a path at both slashes, and knows drives besides.
    as_path = PureWindowsPath(name)
    if as_path.anchor or ".." in as_path.parts:
        raise DatasetError(
            f"The image {name!r} cannot be written: its name leads out of the "
            "folder, on Windows at least. Give the data set names= that are "
            'relative to one folder, without "..".'
        )


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except DatasetError:
        raise
    except OSError as error:
        raise DatasetError(
            f"The folder {path} cannot be written: {error}."
        ) from error
