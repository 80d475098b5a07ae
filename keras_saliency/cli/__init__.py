"""The command `keras-saliency`, also `python -m keras_saliency`."""

import argparse
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_saliency import __version__
from keras_saliency._utils import console
from keras_saliency._utils.atomic import replacing
from keras_saliency._utils.skipping import Skipping
from keras_saliency.cli import benchmark, evaluate, export, predict, words

# Imported where they are used: the parser is quick.
if TYPE_CHECKING:
    from keras_saliency import datasets


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Words after the command's name. Defaults to those of the
            command line.

    Returns:
        Exit status: 0; 1 if something was skipped or could not be written; 2
        if what was given is wrong. Errors are said on standard error, in a
        line each.

    Raises:
        SystemExit: With status 2, if the words are no command.
    """
    parsed = _parser().parse_args(arguments)
    return console.run(lambda: parsed.run(parsed))


def _parser() -> argparse.ArgumentParser:
    parser = console.Parser(
        prog=console.PROGRAM,
        description="Where people look in images.",
        epilog=f"{console.VARIABLE}=1 shows where an error was raised.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    predict.add_to(commands)
    evaluate.add_to(commands)
    benchmark.add_to(commands)
    export.add_to(commands)

    group = _group(commands, "weights", "published models")
    command = group.add_parser("list", help="their names, metrics, sizes")
    command.set_defaults(run=_list_weights)
    command = group.add_parser("get", help="the verified file of a model")
    command.add_argument("name")
    command.add_argument(
        "-o", "--out", type=predict.path, help="folder to put it into"
    )
    command.add_argument("--url", help="address of a folder with the files")
    command.set_defaults(run=_get)

    group = _group(commands, "datasets", "data sets")
    command = group.add_parser("list", help="those that have names")
    command.set_defaults(run=_list_datasets)
    command = group.add_parser("info", help="what a folder holds")
    _add_dataset(command)
    command.set_defaults(
        run=lambda parsed: console.tell(_dataset(parsed).info())
    )
    command = group.add_parser(
        "convert",
        help="a copy in the compact form",
        description="Writes JPEGs of at most 512 pixels and one file of "
        "fixations, which every example reads and which needs no MATLAB file.",
    )
    _add_dataset(command)
    command.add_argument("-o", "--out", type=predict.path, required=True)
    command.set_defaults(run=_convert)
    return parser


def _group(commands, name, text):
    group = commands.add_parser(name, help=text)
    return group.add_subparsers(required=True, metavar="COMMAND")


def _add_dataset(command: argparse.ArgumentParser) -> None:
    command.add_argument("path", type=predict.path)
    command.add_argument(
        "--name",
        type=words.dataset,
        help="which published data set it is, a name of 'datasets list'; "
        "default: what is found there",
    )
    command.add_argument(
        "--partial",
        action="store_true",
        help="use a publisher's copy that lacks some of the images",
    )


def _dataset(parsed: argparse.Namespace) -> "datasets.SaliencyDataset":
    from keras_saliency import datasets

    return datasets.load_path(
        parsed.path, name=parsed.name, partial=parsed.partial
    )


def _list_weights(parsed: argparse.Namespace) -> None:
    from keras_saliency import weights

    console.tell(weights.entries())


def _get(parsed: argparse.Namespace) -> None:
    from keras_saliency import weights

    path = weights.find(parsed.name, directory=parsed.out, base_url=parsed.url)
    if parsed.out is not None and path.parent != parsed.out:
        found, path = path, parsed.out / path.name
        with replacing(path) as new:
            shutil.copyfile(found, new)
    console.tell(path)


def _convert(parsed: argparse.Namespace) -> int:
    from keras_saliency import datasets

    skipping = Skipping(say=console.say)
    path = datasets.to_compact(_dataset(parsed), parsed.out, errors=skipping)
    console.tell(path)
    return console.UNFINISHED if skipping.skipped else 0


def _list_datasets(parsed: argparse.Namespace) -> None:
    from keras_saliency import datasets

    for name, source in datasets.SOURCES.items():
        files = ", ".join(archive.name for archive in source.archives)
        console.tell(f"{name:9} {source.images:6} images, from {files}")
