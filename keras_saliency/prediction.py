"""Saliency maps of pictures, folders and videos in one call."""

import functools
import os
from pathlib import Path

import cv2
import keras
import numpy as np

from keras_saliency import images, weights
from keras_saliency.models import base

VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")


def predict(image, model=None):
    """Where people look in a picture, in the pictures of a folder, a video.

    Args:
        image: One of

            - The path of a picture; a rotation stored in EXIF is applied.
            - An array `(height, width, 3)`, RGB in 0..255.
            - A list of these.
            - The path of a folder, whose pictures are taken in the order of
              their names, those of its sub-folders not.
            - The path of a video (`.mp4`, `.avi`, `.mov`, `.mkv`, ...).
        model: One of

            - `None` for the small model that is part of the package.
            - A name of `weights.list()`, or of `models.classic.CLASSIC`. It
              is loaded once per process.
            - The path of a `.keras` file, which is read in each call.
            - A Keras model from pictures `(batch, height, width, 3)`, RGB in
              0..255, to maps `(batch, height, width, 1)`.
            - A model with a method `saliency_map(image)`.

    Returns:
        float32 map `(height, width)` of the picture's size, in [0, 1]: the
        model's map divided by its maximum, so that its largest value is 1
        unless it is zero everywhere. For a list, a list of maps; for a
        folder, an iterator over pairs of a picture's path and its map; for a
        video, an iterator over the maps of its frames.

    Raises:
        ValueError: If there is no such picture, video or model, if one cannot
            be read, or if a map holds NaN; the message names the file.

    Example:
    >>> import numpy as np
    >>> from keras_saliency.models.classic import CenterBias
    >>> predict(np.zeros((30, 40, 3), "uint8"), CenterBias()).shape
    (30, 40)
    """
    mapper = mapper_of(model)
    if isinstance(image, (list, tuple)):
        return [_one(each, mapper) for each in image]
    if not isinstance(image, (str, os.PathLike)):
        return _one(image, mapper)
    path = Path(image)
    if path.is_dir():
        return ((file, _one(file, mapper)) for file in pictures_in(path))
    if path.suffix.lower() in VIDEOS:
        return (mapper(frame) for frame in open_video(path)[0])
    return _one(path, mapper)


def mapper_of(model):
    """A function from one picture, an array, to its map in [0, 1].

    Args:
        model: As for `predict`.

    Raises:
        ValueError: If there is no such model.
    """
    if model is None:
        model = _bundled()
    elif isinstance(model, (str, os.PathLike)):
        model = _named(str(model))
    if hasattr(model, "saliency_map"):
        return lambda picture: _scaled(model.saliency_map(picture))
    if isinstance(model, keras.Model):
        return lambda picture: _scaled(base.saliency_map(model, picture))
    raise ValueError(
        "A model must be a name, the path of a .keras file, a Keras model, or "
        f"have a method saliency_map(image); received {type(model).__name__}."
    )


def pictures_in(folder):
    """Paths of a folder's pictures, sorted by name.

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
            f"The folder {folder} has no pictures; a picture is a file "
            f"{', '.join(sorted(images.EXTENSIONS))}."
        )
    return found


def open_video(path):
    """Frames of a video, one after the other, and how many per second.

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
    image = np.asarray(image)
    if image.dtype.kind == "f" and image.size and 0 < image.max() <= 1:
        raise ValueError(
            "The picture's values end at "
            f"{image.max():.3g}; they must be in 0..255: multiply by 255."
        )
    return mapper(image)


def _scaled(map_):
    map_ = np.maximum(np.asarray(map_, np.float32), 0)
    peak = map_.max()
    if not np.isfinite(peak):
        raise ValueError("The model's map holds NaN or infinity.")
    return map_ / peak if peak > 0 else map_


def _bundled():
    known = [entry.name for entry in weights.list()]
    if weights.BUNDLED not in known:
        raise weights.WeightsError(
            "This version of the package holds no model of its own. Name one "
            "by model=: of weights.list(), a .keras file, or a classic model."
        )
    return _named(weights.BUNDLED)


def _named(name):
    if name.lower().endswith(".keras"):
        if not Path(name).is_file():
            raise ValueError(f"There is no model {name}.")
        return keras.models.load_model(name, compile=False)
    return _loaded(name)


@functools.cache
def _loaded(name):
    # Only needed where one is named.
    from keras_saliency.models.classic import CLASSIC

    if name in CLASSIC:
        return CLASSIC[name]()
    try:
        return weights.load(name)
    except weights.WeightsError as error:
        if name in [entry.name for entry in weights.list()]:
            raise
        raise weights.WeightsError(
            f"{error} Classic models are {', '.join(CLASSIC)}; a file ends in "
            ".keras."
        ) from error
