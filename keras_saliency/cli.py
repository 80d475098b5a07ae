"""The command `keras-saliency`, also `python -m keras_saliency`."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
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
from keras_saliency._utils.types import Array


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Words after the command's name. Defaults to those of the
            command line.

    Returns:
        Exit status: 0, or 1 after an error, whose message is printed to
        standard error.

    Raises:
        SystemExit: With status 2, if the arguments are wrong.
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keras-saliency", description="Where people look in images."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser(
        "predict",
        help="maps of images, folders and videos",
        description="Writes OUT/NAME.png for each image, 255 where its map "
        "is largest, and OUT/NAME.mp4 for each video.",
    )
    command.add_argument("input", nargs="+", type=Path)
    command.add_argument("-o", "--out", type=Path, required=True)
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
    command.set_defaults(run=_predict)

    group = _group(commands, "weights", "published models")
    command = group.add_parser("list", help="their names, metrics, sizes")
    command.set_defaults(run=lambda parsed: print(weights.entries()))
    command = group.add_parser("get", help="the verified file of a model")
    command.add_argument("name")
    command.add_argument("-o", "--out", type=Path, help="folder to put it into")
    command.add_argument("--url", help="address of a folder with the files")
    command.set_defaults(run=_get)

    group = _group(commands, "datasets", "data sets")
    command = group.add_parser("list", help="those that have names")
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


def _group(commands, name, text):
    group = commands.add_parser(name, help=text)
    return group.add_subparsers(required=True, metavar="COMMAND")


def _add_dataset(command: argparse.ArgumentParser) -> None:
    command.add_argument("path", type=Path)
    command.add_argument("--name", help="name of the data set")
    command.add_argument(
        "--partial",
        action="store_true",
        help="use a publisher's copy that lacks some of the images",
    )


def _dataset(parsed: argparse.Namespace) -> datasets.SaliencyDataset:
    return datasets.load_path(
        parsed.path, name=parsed.name, partial=parsed.partial
    )


def _predict(parsed: argparse.Namespace) -> None:
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
                image = images.read_image(source)
                drawn = _drawn(image, mapper(image), parsed.overlay)
                temporary.write_bytes(cv2.imencode(".png", drawn)[1].tobytes())
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        print(target, flush=True)


def _jobs(inputs: list[Path], out: Path) -> list[tuple[Path, Path]]:
    """Return pairs of an image or video and the file to write."""
    sources: list[Path] = []
    for path in inputs:
        if path.is_dir():
            sources += prediction.images_in(path)
        elif path.is_file():
            sources.append(path)
        else:
            raise ValueError(f"There is no file or folder {path}.")
    jobs: dict[Path, Path] = {}
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


def _write_video(
    source: Path, target: Path, mapper: Callable[[Array], Array], overlay: bool
) -> None:
    frames, rate = prediction.open_video(source)
    writer = None
    try:
        for frame in frames:
            if writer is None:
                writer = cv2.VideoWriter(
                    str(target),
                    cv2.VideoWriter.fourcc(*"mp4v"),
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


def _drawn(image: Array, map_: Array, overlay: bool) -> Array:
    """Return what is written: uint8 gray, or BGR."""
    if overlay:
        return plot.overlay(image, map_)[..., ::-1]
    return np.round(255 * map_).astype(np.uint8)


def _get(parsed: argparse.Namespace) -> None:
    path = weights.find(parsed.name, directory=parsed.out, base_url=parsed.url)
    if parsed.out is not None and path.parent != parsed.out:
        parsed.out.mkdir(parents=True, exist_ok=True)
        found, path = path, parsed.out / path.name
        temporary = path.with_name(f".part-{path.name}")
        shutil.copyfile(found, temporary)
        os.replace(temporary, path)
    print(path)


def _list_datasets(parsed: argparse.Namespace) -> None:
    for name, source in datasets.SOURCES.items():
        files = ", ".join(archive.name for archive in source.archives)
        print(f"{name:9} {source.images:6} images, from {files}")
