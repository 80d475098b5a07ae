"""What the command `keras-saliency predict` does."""

import argparse
import errno
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import cv2
import numpy as np

from keras_saliency import prediction, videos
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
    predictor = _predictor(parsed.model, parsed.backbone_weights)
    # Before the first map, which may take long.
    folder = jobs[0].target.parent
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    todo = [job for job in jobs if not (parsed.skip_existing and job.is_done())]
    kept = len(jobs) - len(todo)
    for job, write in _writers(todo, predictor, parsed.overlay):
        written = False
        with skipping.item(job.source):
            write()
            written = True
        if written:
            console.tell(job.target)
    if kept or len(skipping.skipped) + skipping.done > 1 and skipping.skipped:
        console.say(
            f"{skipping.done} written, {kept} kept, {len(skipping.skipped)} "
            "skipped."
        )
    return console.UNFINISHED if skipping.skipped else 0


def _predictor(
    model: str | None, backbone_weights: str | None
) -> prediction.Predictor:
    if backbone_weights is not None and model is None:
        raise ValueError("--backbone-weights needs --model.")
    try:
        if backbone_weights is None:
            return prediction.Predictor(model)
        from keras_saliency import models

        return prediction.Predictor(
            models.get(model, backbone_weights=backbone_weights)
        )
    except (ValueError, NotInstalledError):
        raise
    except Exception as error:  # a damaged file raises nearly anything
        raise ValueError(
            f"The model {model} cannot be used ({console.message_of(error)})."
        ) from error


def _writers(
    jobs: Sequence[Job], predictor: prediction.Predictor, overlay: bool
) -> Iterator[tuple[Job, Callable[[], None]]]:
    """Yield each job and the function that writes its file.

    Images that follow each other go through the network in batches.
    """
    for is_video, part in itertools.groupby(
        jobs, lambda job: videos.is_video(job.source)
    ):
        group = list(part)
        if is_video:
            for job in group:
                yield job, partial(_write_video, job, predictor, overlay)
        else:
            outcomes = predictor.outcomes([job.source for job in group])
            for job, outcome in zip(group, outcomes, strict=True):
                yield job, partial(_write_image, job, outcome, overlay)


def _write_video(
    job: Job, predictor: prediction.Predictor, overlay: bool
) -> None:
    frames, rate = videos.open_video(job.source)
    drawn = (_drawn(each, overlay) for each in predictor.outcomes(frames))
    videos.write_video(job.target, drawn, rate)


def _write_image(job: Job, outcome: prediction.Outcome, overlay: bool) -> None:
    shown = _drawn(outcome, overlay)
    if overlay:
        shown = shown[..., ::-1]
    good, data = cv2.imencode(job.target.suffix, np.ascontiguousarray(shown))
    if not good:
        raise ValueError(f"The file {job.target} cannot be encoded.")
    with replacing(job.target, flush=False) as new:
        new.write_bytes(data.tobytes())


def _drawn(outcome: prediction.Outcome, overlay: bool) -> Array:
    """Return what is written: uint8, gray or RGB."""
    map_ = outcome.get()
    if overlay and outcome.image is not None:
        from keras_saliency import plot

        return plot.overlay(outcome.image, map_)
    return np.round(255 * map_).astype(np.uint8)
