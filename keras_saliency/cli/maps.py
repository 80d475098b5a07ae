"""What the command `keras-saliency predict` does."""

import argparse
import errno
import os
from collections.abc import Callable

import cv2
import numpy as np

from keras_saliency import images, plot, prediction, videos
from keras_saliency._utils import console
from keras_saliency._utils.atomic import explained, replacing
from keras_saliency._utils.errors import NotInstalledError
from keras_saliency._utils.skipping import Skipping
from keras_saliency._utils.types import Array
from keras_saliency.cli.jobs import Job, plan


def run(parsed: argparse.Namespace) -> int:
    """Write the maps; return 1 if something was skipped."""
    skipping = Skipping(what="inputs", say=console.say)
    jobs = plan(
        parsed.input,
        parsed.out,
        recursive=parsed.recursive,
        skipping=skipping,
    )
    mapper = _mapper(parsed.model, parsed.backbone_weights)
    # Before the first map, which may take long.
    folder = jobs[0].target.parent
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    kept = 0
    for job in jobs:
        if parsed.skip_existing and job.is_done():
            kept += 1
            continue
        written = False
        with skipping.item(job.source):
            _do(job, mapper, parsed.overlay)
            written = True
        if written:
            console.tell(job.target)
    if kept or len(skipping.skipped) + skipping.done > 1 and skipping.skipped:
        console.say(
            f"{skipping.done} written, {kept} kept, {len(skipping.skipped)} "
            "skipped."
        )
    return console.UNFINISHED if skipping.skipped else 0


def _mapper(
    model: str | None, backbone_weights: str | None
) -> Callable[[Array], Array]:
    if backbone_weights is not None and model is None:
        raise ValueError("--backbone-weights needs --model.")
    try:
        if backbone_weights is None:
            return prediction.mapper_of(model)
        from keras_saliency import models

        return prediction.mapper_of(
            models.get(model, backbone_weights=backbone_weights)
        )
    except (ValueError, NotInstalledError):
        raise
    except Exception as error:  # a damaged file raises nearly anything
        raise ValueError(
            f"The model {model} cannot be used ({console.message_of(error)})."
        ) from error


def _do(job: Job, mapper: Callable[[Array], Array], overlay: bool) -> None:
    if videos.is_video(job.source):
        frames, rate = videos.open_video(job.source)
        drawn = (_drawn(frame, mapper(frame), overlay) for frame in frames)
        videos.write_video(job.target, drawn, rate)
        return
    prediction.check_path(job.source)
    image = images.read_image(job.source)
    shown = _drawn(image, mapper(image), overlay)
    if overlay:
        shown = shown[..., ::-1]
    good, data = cv2.imencode(job.target.suffix, np.ascontiguousarray(shown))
    if not good:
        raise ValueError(f"The file {job.target} cannot be encoded.")
    with replacing(job.target, flush=False) as new:
        new.write_bytes(data.tobytes())


def _drawn(image: Array, map_: Array, overlay: bool) -> Array:
    """Return what is written: uint8, gray or RGB."""
    if overlay:
        return plot.overlay(image, map_)
    return np.round(255 * map_).astype(np.uint8)
