"""The words of the command `keras-saliency predict`."""

import argparse
import re
from pathlib import Path

from keras_saliency.cli import words

_TEXT = """Writes OUT/NAME.png for each image, 255 where its map is largest,
and OUT/NAME.mp4 for each video, camera and stream. Ctrl-C ends a camera or
stream, and its file is whole. An image or video that cannot be read is
skipped, and the exit status is then 1."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to those of the parser."""
    command = commands.add_parser(
        "predict", help="maps of images, folders and videos", description=_TEXT
    )
    command.add_argument(
        "input",
        nargs="+",
        type=source,
        help="images, folders, videos; the number of a camera (0); the "
        "address of a stream (rtsp://..., http://...)",
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
        help="a name of 'weights list', a .keras file, an exported file "
        "(.onnx, .tflite, ...), or the name of a classic model; default: the "
        "small model of the package",
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
    command.add_argument(
        "--smooth",
        type=words.positive,
        metavar="SECONDS",
        default=0.0,
        help="smooth the maps of a video over this time",
    )
    command.add_argument(
        "--every",
        type=words.count,
        metavar="N",
        default=1,
        help="ask the network about each N-th frame of a video only, and mix "
        "the maps between: quicker, with up to 4 N frames in memory",
    )
    command.add_argument(
        "--duration",
        type=words.positive,
        metavar="SECONDS",
        help="of each video the beginning of this length",
    )
    command.add_argument(
        "--frames",
        type=words.count,
        metavar="N",
        help="of each video the first N frames",
    )
    command.add_argument("--shard", type=words.shard, **words.SHARD)
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
    if _ADDRESS.match(text):
        raise argparse.ArgumentTypeError(
            f"{text} is an address, not a file: download the file first"
        )
    if not text:
        raise argparse.ArgumentTypeError("a path is empty")
    return Path(text)


def source(text: str) -> Path | str | int:
    """Return the path, the address or the camera that an argument names.

    A number is a camera, unless a file or folder has that name.

    Raises:
        argparse.ArgumentTypeError: As `path`; for addresses that are not of
            streams.
    """
    from keras_saliency import videos

    if text.isascii() and text.isdecimal() and not Path(text).exists():
        return int(text)
    return text if videos.is_stream(text) else path(text)


def run(parsed: argparse.Namespace) -> int:
    """Write the maps; return 1 if something was skipped."""
    from keras_saliency.cli import maps

    return maps.run(parsed)
