"""The command `keras-saliency predict`."""

import argparse
import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from keras_saliency import images, models, plot, prediction, videos
from keras_saliency._utils import console
from keras_saliency._utils.atomic import explained, replacing
from keras_saliency._utils.skipping import Skipping
from keras_saliency._utils.types import Array
from keras_saliency.cli.jobs import Job, plan

_TEXT = """Writes OUT/NAME.png for each image, 255 where its map is largest,
and OUT/NAME.mp4 for each video. An image or video that cannot be read is
skipped, and the exit status is then 1."""


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to those of the parser."""
    command = commands.add_parser(
        "predict", help="maps of images, folders and videos", description=_TEXT
    )
    command.add_argument(
        "input", nargs="+", type=path, help="images, folders, videos"
    )
    command.add_argument(
        "-o",
        "--out",
        type=path,
        required=True,
        help="folder to write to; for one image or video also the name of the "
        "file, such as map.png or map.mp4",
    )
    command.add_argument(
        "--model",
        help="a name of 'weights list', a .keras file, or the name of a "
        "classic model; default: the small model of the package",
    )
    command.add_argument(
        "--backbone-weights",
        metavar="FILE",
        help="weights of a published model's backbone; by default Keras "
        "downloads ImageNet's",
    )
    command.add_argument(
        "--overlay", action="store_true", help="color over the image"
    )
    command.add_argument(
        "-r",
        "--recursive",
        action="store_true",
        help="images of sub-folders too, written to sub-folders of the same "
        "names; folders that are links are followed",
    )
    command.add_argument(
        "--skip-existing",
        action="store_true",
        help="keep what is there and do the rest, as after a break",
    )
    command.set_defaults(run=run)


def path(text: str) -> Path:
    """Return the path that an argument names.

    Raises:
        argparse.ArgumentTypeError: If it is an address or stands for standard
            input.
    """
    if text == "-":
        raise argparse.ArgumentTypeError(
            "- is no file: standard input and output are not used (a file of "
            "that name is ./-)"
        )
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", text):
        raise argparse.ArgumentTypeError(
            f"{text} is an address, not a file: download the file first"
        )
    if not text:
        raise argparse.ArgumentTypeError("a path is empty")
    return Path(text)


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
        return prediction.mapper_of(
            models.get(model, backbone_weights=backbone_weights)
        )
    except ValueError:
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
