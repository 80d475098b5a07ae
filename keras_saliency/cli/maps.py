"""What the command `keras-saliency predict` does."""

import argparse
import collections
import contextlib
import errno
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from types import FrameType

import cv2
import numpy as np

from keras_saliency import prediction, videos
from keras_saliency._utils import console
from keras_saliency._utils.atomic import explained, replacing
from keras_saliency._utils.errors import NotInstalledError
from keras_saliency._utils.skipping import Skipping
from keras_saliency._utils.types import Array
from keras_saliency.cli.jobs import Job, plan

# Most pixels a side, by the encoders that OpenCV has of the formats.
_SIDES = {".webp": 16_383, ".jpg": 65_500, ".jpeg": 65_500, ".png": 1_000_000}


def run(parsed: argparse.Namespace) -> int:
    """Write the maps; return 1 if something was skipped."""
    skipping = Skipping(what="inputs", say=console.say)
    jobs = plan(
        parsed.input,
        parsed.out,
        recursive=parsed.recursive,
        skipping=skipping,
    )
    if parsed.shard is not None:
        # Each n-th: what takes long, such as videos, is spread.
        number, count = parsed.shard
        jobs = jobs[number - 1 :: count]
        if not jobs:
            console.say(f"Part {number} of {count} has no inputs.")
            return 0
    predictor = _predictor(parsed.model, parsed.backbone_weights)
    # Before the first map, which may take long.
    folder = jobs[0].target.parent
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    todo = [job for job in jobs if not (parsed.skip_existing and job.is_done())]
    kept = len(jobs) - len(todo)
    for job, write in _writers(todo, predictor, parsed):
        written = False
        with skipping.item(videos.shown(job.source)):
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
    jobs: Sequence[Job],
    predictor: prediction.Predictor,
    parsed: argparse.Namespace,
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
                yield job, partial(_write_video, job, predictor, parsed)
        else:
            outcomes = predictor.outcomes([job.source for job in group])
            for job, outcome in zip(group, outcomes, strict=True):
                yield job, partial(_write_image, job, outcome, parsed.overlay)


def _write_video(
    job: Job, predictor: prediction.Predictor, parsed: argparse.Namespace
) -> None:
    video = videos.open_video(job.source)
    # No video has more frames than a machine can count.
    limits = [] if parsed.frames is None else [min(parsed.frames, sys.maxsize)]
    if parsed.duration is not None:
        count = min(parsed.duration * video.rate, sys.maxsize)
        limits.append(max(1, round(count)))
    limit = min(limits, default=None)
    # What a file claims is no limit: it may be an estimate.
    claimed = [video.count] if video.count is not None else []
    bar = console.Bar(
        videos.shown(job.source), min(limits + claimed, default=None)
    )
    stopping = _stopped_by_ctrl_c() if video.live else contextlib.nullcontext()
    frames: Iterator[Array] = video.frames
    with stopping as stopped, contextlib.closing(video.frames):
        if stopped is not None:
            frames = itertools.takewhile(lambda _: not stopped.is_set(), frames)
        if not video.live:
            frames = itertools.islice(frames, limit)
        times: collections.deque[float] = collections.deque()
        if video.live:
            frames = videos.noting(frames, times)
        outcomes = prediction.outcomes_of_frames(
            predictor, frames, parsed.every, live=video.live
        )
        shown = _shown(outcomes, video, parsed)
        if video.live:
            shown = videos.in_time(shown, times, video.rate)
            shown = itertools.islice(shown, limit)
        videos.write_video(job.target, bar.over(shown), video.rate)


def _shown(
    outcomes: Iterable[prediction.Outcome],
    video: videos.Video,
    parsed: argparse.Namespace,
) -> Iterator[Array]:
    """Yield the frames that are written."""
    smooth = None
    if parsed.smooth:
        smooth = prediction.Smoothing(parsed.smooth, video.rate)
    for outcome in outcomes:
        if smooth is not None:
            outcome = outcome._replace(map=smooth(outcome.get()))
        yield _drawn(outcome, parsed.overlay)


@contextlib.contextmanager
def _stopped_by_ctrl_c() -> Iterator[threading.Event | None]:
    """Give an event that the first Ctrl-C sets; the next ends the program."""
    if threading.current_thread() is not threading.main_thread():
        yield None  # where signals do not arrive
        return
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)


def _write_image(job: Job, outcome: prediction.Outcome, overlay: bool) -> None:
    shown = _drawn(outcome, overlay)
    if overlay:
        shown = shown[..., ::-1]
    height, width = shown.shape[:2]
    most = _SIDES.get(job.target.suffix.lower(), max(height, width))
    if max(height, width) > most:
        raise ValueError(
            f"The file {job.target} cannot be encoded: a map of {height}x"
            f"{width} is more than the {most} pixels a side that "
            f"{job.target.suffix} holds. Write .tif instead."
        )
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
    return cv2.convertScaleAbs(map_, alpha=255)  # rounds
