"""Saliency maps of images, folders and videos in one call."""

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_saliency import images, inference, models, weights
from keras_saliency._utils.types import Array, ArrayLike, PathName

VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")


def predict(
    image: ArrayLike | PathName | Sequence[ArrayLike | PathName],
    model: Any = None,
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
              their names, without those of its sub-folders.
            - The path of a video (`.mp4`, `.avi`, `.mov`, `.mkv`, ...).
        model: Anything that `models.get` takes: the name of a published or
            classic model, the path of a `.keras` file, a Keras model, or an
            object with a method `saliency_map(image)`. A name is loaded once
            per process, a file in each call. Defaults to the small model that
            is part of the package.

    Returns:
        float32 map `(height, width)` of the image's size, in [0, 1]: the
        model's `saliency_map` divided by its largest value, which is then 1,
        unless the map is zero everywhere. For a list, a list of maps; for a
        folder, an iterator over pairs of an image's path and its map; for a
        video, an iterator over the maps of its frames.

    Raises:
        ValueError: If there is no such image, video or model, if one cannot
            be read, or if a map holds NaN; the message names the file.

    Example:
    >>> import numpy as np
    >>> predict(np.zeros((30, 40, 3), "uint8"), "center_bias").shape
    (30, 40)
    """
    mapper = mapper_of(model)
    if isinstance(image, (list, tuple)):
        return [_one(each, mapper) for each in image]
    if not isinstance(image, (str, os.PathLike)):
        return _one(image, mapper)
    path = Path(image)
    if path.is_dir():
        return ((file, _one(file, mapper)) for file in images_in(path))
    if is_video(path):
        return (mapper(frame) for frame in open_video(path)[0])
    return _one(path, mapper)


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
        model = models.get(name) if is_file else _loaded(name)
    else:
        model = models.get(model)
    make = getattr(model, "saliency_map", None)
    if make is None:
        make = functools.partial(inference.saliency_map, model)
    return lambda image: _scaled(make(image))


def images_in(folder: PathName) -> list[Path]:
    """Return the paths of a folder's images, sorted by name.

    Raises:
        ValueError: If it has none.
    """
    found = sorted(
        path
        for path in Path(folder).iterdir()
        if path.suffix.lower() in images.EXTENSIONS
    )
    if not found:
        raise ValueError(
            f"The folder {folder} has no images; an image is a file "
            f"{', '.join(sorted(images.EXTENSIONS))}."
        )
    return found


def is_video(path: PathName) -> bool:
    """Return whether a file's name is that of a video."""
    return Path(path).suffix.lower() in VIDEOS


def open_video(path: PathName) -> tuple[Iterator[Array], float]:
    """Open a video to read its frames one after the other.

    Args:
        path: A file that OpenCV can read.

    Returns:
        An iterator over uint8 arrays `(height, width, 3)`, RGB; and the
        number of frames per second.

    Raises:
        ValueError: If there is no such file, or if it is no video.
    """
    if not Path(path).is_file():
        raise ValueError(f"There is no file {path}.")
    capture = cv2.VideoCapture(str(path))
    whole, frame = capture.read()
    if not whole:
        capture.release()
        raise ValueError(
            f"The file {path} cannot be read as a video: it is damaged, or of "
            "a format that OpenCV does not know."
        )
    rate = capture.get(cv2.CAP_PROP_FPS)
    return _frames(capture, frame), rate if rate > 0 else 25.0


def _frames(capture, frame):
    try:
        whole = True
        while whole:
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            whole, frame = capture.read()
    finally:
        capture.release()


def _one(image, mapper):
    if isinstance(image, (str, os.PathLike)):
        path = Path(image)
        if not path.is_file():
            raise ValueError(f"There is no file {path}.")
        try:
            return mapper(images.read_image(path))
        except ValueError as error:
            if str(path) in str(error):
                raise
            raise ValueError(f"{path}: {error}") from error
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


@functools.cache
def _loaded(name):
    return models.get(name)
