"""The command `keras-saliency`, also `python -m keras_saliency`."""

import argparse
import os
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np

from keras_saliency import (
    __version__,
    datasets,
    images,
    models,
    plot,
    prediction,
    weights,
)


def main(arguments=None):
    """Run the command.

    Args:
        arguments: List of words. Defaults to the command line's.

    Returns:
        Exit status: 0; or 1 after an error, which is said on standard error.
        (Words that are no command end in `SystemExit` with 2.)
    """
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except (ValueError, OSError) as error:
        print(f"keras-saliency: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="keras-saliency", description="Where people look in pictures."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser(
        "predict",
        help="maps of pictures, folders and videos",
        description="Writes OUT/NAME.png for each picture, 255 where its map "
        "is largest, and OUT/NAME.mp4 for each video.",
    )
    command.add_argument("input", nargs="+", type=Path)
    command.add_argument("-o", "--out", type=Path, required=True)
    command.add_argument(
        "--model",
        help="a name of 'weights list', a .keras file, or a classic model; "
        "default: the small one of the package",
    )
    command.add_argument(
        "--backbone-weights",
        metavar="FILE",
        help="of a published model with a backbone; by default Keras "
        "downloads ImageNet's",
    )
    command.add_argument(
        "--overlay", action="store_true", help="color over the picture"
    )
    command.set_defaults(run=_predict)

    group = commands.add_parser("weights", help="published models")
    group = group.add_subparsers(required=True, metavar="COMMAND")
    command = group.add_parser("list", help="which there are")
    command.set_defaults(run=lambda parsed: print(weights.entries()))
    command = group.add_parser("get", help="the verified file of one")
    command.add_argument("name")
    command.add_argument("-o", "--out", type=Path, help="folder to put it into")
    command.add_argument("--url", help="address of a folder with the files")
    command.set_defaults(run=_get)

    group = commands.add_parser("datasets", help="data sets")
    group = group.add_subparsers(required=True, metavar="COMMAND")
    command = group.add_parser("list", help="which can be named")
    command.set_defaults(run=_list_datasets)
    command = group.add_parser("info", help="what a folder holds")
    _add_dataset(command)
    command.set_defaults(run=lambda parsed: print(_dataset(parsed).info()))
    command = group.add_parser(
        "convert",
        help="a copy in the compact form",
        description="Writes JPEGs of at most 512 pixels and one file of "
        "fixations, which every example reads and which needs no MATLAB file.",
    )
    _add_dataset(command)
    command.add_argument("-o", "--out", type=Path, required=True)
    command.set_defaults(
        run=lambda parsed: print(
            datasets.to_compact(_dataset(parsed), parsed.out)
        )
    )
    return parser


def _add_dataset(command):
    command.add_argument("path", type=Path)
    command.add_argument("--name", help="which data set it is")
    command.add_argument(
        "--partial",
        action="store_true",
        help="use a publisher's copy that lacks some of the pictures",
    )


def _dataset(parsed):
    return datasets.load_path(
        parsed.path, name=parsed.name, partial=parsed.partial
    )


def _predict(parsed):
    jobs = _jobs(parsed.input, parsed.out)
    model = parsed.model
    if parsed.backbone_weights is not None:
        if model is None:
            raise ValueError("--backbone-weights needs --model.")
        model = models.get(model, backbone_weights=parsed.backbone_weights)
    mapper = prediction.mapper_of(model)
    parsed.out.mkdir(parents=True, exist_ok=True)
    for source, target in jobs:
        # The suffix says the format; the file has its name when it is whole.
        temporary = target.with_name(f".part-{target.name}")
        try:
            if prediction.is_video(source):
                _write_video(source, temporary, mapper, parsed.overlay)
            else:
                picture = images.read_image(source)
                drawn = _drawn(picture, mapper(picture), parsed.overlay)
                temporary.write_bytes(cv2.imencode(".png", drawn)[1])
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        print(target, flush=True)


def _jobs(inputs, out):
    """Pairs of a picture or video and the file to write."""
    sources = []
    for path in inputs:
        if path.is_dir():
            sources += prediction.images_in(path)
        elif path.is_file():
            sources.append(path)
        else:
            raise ValueError(f"There is no file or folder {path}.")
    jobs = {}
    for source in sources:
        suffix = ".mp4" if prediction.is_video(source) else ".png"
        target = out / (source.stem + suffix)
        if target in jobs:
            raise ValueError(
                f"{jobs[target]} and {source} would both be written to "
                f"{target}; give them in two calls with two folders."
            )
        if target.exists() and target.samefile(source):
            raise ValueError(
                f"The map of {source} would replace it; choose another folder."
            )
        jobs[target] = source
    return [(source, target) for target, source in jobs.items()]


def _write_video(source, target, mapper, overlay):
    frames, rate = prediction.open_video(source)
    writer = None
    try:
        for frame in frames:
            if writer is None:
                writer = cv2.VideoWriter(
                    str(target),
                    cv2.VideoWriter_fourcc(*"mp4v"),
                    rate,
                    frame.shape[1::-1],
                )
                if not writer.isOpened():
                    raise OSError(f"The video {target} cannot be written.")
            drawn = _drawn(frame, mapper(frame), overlay)
            if not overlay:
                drawn = cv2.cvtColor(drawn, cv2.COLOR_GRAY2BGR)
            writer.write(drawn)
    finally:
        if writer is not None:
            writer.release()


def _drawn(picture, map_, overlay):
    """What is written: uint8 gray, or BGR."""
    if overlay:
        return plot.overlay(picture, map_)[..., ::-1]
    return np.round(255 * map_).astype(np.uint8)


def _get(parsed):
    path = weights.find(parsed.name, parsed.out, parsed.url)
    if parsed.out is not None and path.parent != parsed.out:
        parsed.out.mkdir(parents=True, exist_ok=True)
        found, path = path, parsed.out / path.name
        temporary = path.with_name(f".part-{path.name}")
        shutil.copyfile(found, temporary)
        os.replace(temporary, path)
    print(path)


def _list_datasets(parsed):
    for name, source in datasets.SOURCES.items():
        files = ", ".join(archive.name for archive in source.archives)
        print(f"{name:9} {source.images:6} pictures, from {files}")
