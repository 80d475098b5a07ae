"""Saliency maps of images, folders and videos in one call."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency._utils.checks import as_number
from keras_saliency._utils.skipping import Skipping
from keras_saliency._utils.types import Array, ArrayLike, PathName
from keras_saliency.prediction.between import outcomes_of_frames
from keras_saliency.prediction.inputs import check_path, images_in
from keras_saliency.prediction.outcome import Outcome
from keras_saliency.prediction.predictor import Predictor
from keras_saliency.prediction.smoothing import Smoothing
from keras_saliency.videos import Video, is_stream, is_video, open_video


def predict(
    image: ArrayLike
    | PathName
    | bytes
    | Sequence[ArrayLike | PathName | bytes],
    model: Any = None,
    *,
    errors: str = "skip",
    recursive: bool = False,
    smooth: float = 0.0,
    every: int = 1,
) -> Any:
    """Return where people look in an image, or in each of several.

    Args:
        image: One of

            - The path of an image; a rotation stored in EXIF is applied.
            - An array `(height, width, 3)`, RGB in 0..255. Gray, 16 bits,
              floats in 0..1 and bool are taken too: the type says the range
              (`images.check_image`).
            - The bytes of an image's file.
            - A list of these.
            - The path of a folder, whose images are taken in the order of
              their names. Hidden files, such as the `._NAME.jpg` of macOS,
              are none.
            - The path of a video (`.mp4`, `.avi`, `.mov`, `.mkv`, ...).
            - The number of a camera, from 0, or the address of a stream
              (`"rtsp://..."`, `"http://..."`).
        model: A `Predictor`, or what it takes: the name of a published or
            classic model, the path of a `.keras` file or of an exported one
            (`.onnx`, `.tflite`, ...), a Keras model, or an object with a
            method `saliency_map(image)`. A name is loaded once per process, a
            file in each call. Defaults to the small model that is part of the
            package.
        errors: What happens to an image of a list or folder that cannot be
            read or has no map. `"skip"` goes on with the others: a warning
            says which one was skipped and why, one at the end how many were,
            and the list has `None` in its place. `"raise"` raises its error.
        recursive: Whether a folder's sub-folders are searched too, also those
            that are links. Each folder is searched once.
        smooth: Seconds over which the maps of a video are smoothed, by
            `prediction.Smoothing`; 0 leaves each as it is.
        every: Of a video the network sees each `every`-th frame only. Those
            between get the mean of the maps on both sides, weighted by how
            near they are (`prediction.outcomes_of_frames`): nearly as many
            times as quick where the network takes most of the time. Up to
            4 `every` frames are held in memory.

    Returns:
        float32 map `(height, width)` of the image's size, in [0, 1]: the
        model's `saliency_map` divided by its largest value, which is then 1,
        unless the map is zero everywhere. For a list, a list of maps; for a
        folder, an iterator over pairs of an image's path and its map; for a
        video, an iterator over the maps of its frames.

    Raises:
        ValueError: If there is no such image, video or model, if one cannot
            be read, or if a map holds NaN; the message names the file. Of a
            list or folder, if that is so of all its images. If `smooth` or
            `every` is given and it is no video, or is no such number.

    Example:
    >>> import numpy as np
    >>> predict(np.zeros((30, 40, 3), "uint8"), "center_bias").shape
    (30, 40)
    """
    if isinstance(image, np.integer):
        image = int(image)
    if isinstance(image, int) and not is_stream(image):
        raise ValueError(
            f"A number is a camera, from 0 on; received {image!r}."
        )
    skipping = Skipping(errors)
    predictor = model if isinstance(model, Predictor) else Predictor(model)
    if isinstance(image, (int, str, os.PathLike)) and is_video(image):
        return _frames(image, predictor, smooth, every)
    for name, value, usual in (("smooth", smooth, 0), ("every", every, 1)):
        if as_number(value) != usual:
            raise ValueError(f"{name} is for videos; received something else.")
    if isinstance(image, (list, tuple)):
        return _several(image, predictor, skipping)
    if isinstance(image, (str, os.PathLike)):
        # An empty path is refused below, not taken for the current folder.
        if os.path.isdir(image):
            found = images_in(image, recursive=recursive, skipping=skipping)
            return _pairs(found, predictor, skipping)
    return predictor(image)  # type: ignore[arg-type]


def _frames(
    source: PathName | int, predictor: Predictor, smooth: float, every: int
) -> Iterator[Array]:
    if not is_stream(source):
        check_path(source)  # type: ignore[arg-type]
    video = open_video(source)
    outcomes = outcomes_of_frames(
        predictor, video.frames, every, live=video.live
    )
    smoothing = None
    if as_number(smooth) != 0:
        smoothing = Smoothing(smooth, video.rate)
    return _maps(video, outcomes, smoothing)


def _maps(
    video: Video, outcomes: Iterator[Outcome], smoothing: Smoothing | None
) -> Iterator[Array]:
    with contextlib.closing(video.frames):
        for outcome in outcomes:
            map_ = outcome.get()
            yield map_ if smoothing is None else smoothing(map_)


def _several(
    many: Sequence[Any], predictor: Predictor, skipping: Skipping
) -> list[Array | None]:
    maps: list[Array | None] = []
    for i, outcome in enumerate(predictor.outcomes(many)):
        is_path = isinstance(many[i], (str, os.PathLike))
        map_ = None
        with skipping.item(many[i] if is_path else f"image number {i}"):
            map_ = outcome.get()
        maps.append(map_)
    skipping.finish()
    return maps


def _pairs(
    paths: Sequence[Path], predictor: Predictor, skipping: Skipping
) -> Iterator[tuple[Path, Array]]:
    outcomes = predictor.outcomes(paths)
    for path, outcome in zip(paths, outcomes, strict=True):
        map_ = None
        with skipping.item(path):
            map_ = outcome.get()
        if map_ is not None:
            yield path, map_
    skipping.finish()
