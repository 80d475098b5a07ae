"""Saliency maps of images, folders and videos in one call."""

import functools
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency import images, weights
from keras_saliency._utils.skipping import Skipping
from keras_saliency._utils.types import Array, ArrayLike, PathName
from keras_saliency.videos import is_video, open_video

# A scheme of one letter is a drive of Windows.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
# Folders of small copies that systems make.
_STRAY_FOLDERS = {"__macosx", "@eadir"}


def predict(
    image: ArrayLike | PathName | Sequence[ArrayLike | PathName],
    model: Any = None,
    *,
    errors: str = "skip",
    recursive: bool = False,
) -> Any:
    """Return where people look in an image, or in each of several.

    Args:
        image: One of

            - The path of an image; a rotation stored in EXIF is applied.
            - An array `(height, width, 3)`, RGB in 0..255. Gray, 16 bits,
              floats in 0..1 and bool are taken too: the type says the range
              (`images.check_image`).
            - A list of these.
            - The path of a folder, whose images are taken in the order of
              their names. Hidden files, such as the `._NAME.jpg` of macOS,
              are none.
            - The path of a video (`.mp4`, `.avi`, `.mov`, `.mkv`, ...).
        model: Anything that `models.get` takes: the name of a published or
            classic model, the path of a `.keras` file, a Keras model, or an
            object with a method `saliency_map(image)`. A name is loaded once
            per process, a file in each call. Defaults to the small model that
            is part of the package.
        errors: What happens to an image of a list or folder that cannot be
            read or has no map. `"skip"` goes on with the others: a warning
            says which one was skipped and why, one at the end how many were,
            and the list has `None` in its place. `"raise"` raises its error.
        recursive: Whether a folder's sub-folders are searched too, also those
            that are links. Each folder is searched once.

    Returns:
        float32 map `(height, width)` of the image's size, in [0, 1]: the
        model's `saliency_map` divided by its largest value, which is then 1,
        unless the map is zero everywhere. For a list, a list of maps; for a
        folder, an iterator over pairs of an image's path and its map; for a
        video, an iterator over the maps of its frames.

    Raises:
        ValueError: If there is no such image, video or model, if one cannot
            be read, or if a map holds NaN; the message names the file. Of a
            list or folder, if that is so of all its images.

    Example:
    >>> import numpy as np
    >>> predict(np.zeros((30, 40, 3), "uint8"), "center_bias").shape
    (30, 40)
    """
    skipping = Skipping(errors)
    mapper = mapper_of(model)
    if isinstance(image, (list, tuple)):
        return _several(image, mapper, skipping)
    if not isinstance(image, (str, os.PathLike)):
        return _one(image, mapper)
    if Path(image).is_dir():
        found = images_in(image, recursive=recursive, skipping=skipping)
        return _pairs(found, mapper, skipping)
    if is_video(image):
        check_path(image)
        return (mapper(frame) for frame in open_video(image)[0])
    return _one(image, mapper)


def mapper_of(model: Any) -> Callable[[Array], Array]:
    """Return a function from one image, an array, to its map in [0, 1].

    Args:
        model: As for `predict`.

    Raises:
        ValueError: If there is no such model.
    """
    if model is None:
        model = _bundled()
    elif isinstance(model, (str, os.PathLike)):
        name = os.fspath(model)
        is_file = name.lower().endswith(".keras")
        model = _get(name) if is_file else _loaded(name)
    else:
        from keras_saliency import inference, models

        model = models.get(inference.bare(model))
    make = getattr(model, "saliency_map", None)
    if make is None:
        from keras_saliency import inference

        make = functools.partial(inference.saliency_map, model)
    return lambda image: _scaled(make(image))


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


def _several(many, mapper, skipping):
    maps = []
    for i, image in enumerate(many):
        is_path = isinstance(image, (str, os.PathLike))
        map_ = None
        with skipping.item(image if is_path else f"image number {i}"):
            map_ = _one(image, mapper)
        maps.append(map_)
    skipping.finish()
    return maps


def _pairs(paths, mapper, skipping):
    for path in paths:
        map_ = None
        with skipping.item(path):
            map_ = _one(path, mapper)
        if map_ is not None:
            yield path, map_
    skipping.finish()


def _one(image, mapper):
    if isinstance(image, (str, os.PathLike)):
        check_path(image)
        if Path(image).is_dir():
            raise ValueError(f"{image} is a folder: pass it by itself.")
        if is_video(image):
            raise ValueError(f"{image} is a video: pass it by itself.")
        try:
            return mapper(images.read_image(image))
        except ValueError as error:
            if str(image) in str(error):
                raise
            raise ValueError(f"{image}: {error}") from error
    return mapper(images.check_image(image))


def _scaled(map_):
    map_ = np.maximum(np.asarray(map_, np.float32), 0)
    if not np.isfinite(map_.max()):
        raise ValueError("The model's map holds NaN or infinity.")
    return images.divide_by_peak(map_)


def _bundled():
    if weights.BUNDLED not in [entry.name for entry in weights.entries()]:
        raise weights.WeightsError(
            "This version of the package holds no model of its own. Name one "
            "by model=: of weights.entries(), a .keras file, or a classic "
            "model."
        )
    return _loaded(weights.BUNDLED)


def _get(name):
    from keras_saliency import models  # and with them Keras

    return models.get(name)


_loaded = functools.cache(_get)
