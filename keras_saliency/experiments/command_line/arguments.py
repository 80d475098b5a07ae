"""The arguments that several scripts have."""

import argparse
from pathlib import Path
from typing import Any

from keras_saliency._utils import console
from keras_saliency.experiments.command_line.kinds import (
    PRECISIONS,
    count,
    count_or_none,
    file,
    folder,
    named_folder,
    seed,
    weights_file,
)
from keras_saliency.experiments.recipes import RECIPE

PARTS = ("train", "validation", "test")


class _Parser(console.Parser):
    """A parser that takes what is named twice in a list once."""

    def parse_args(self, *arguments: Any, **options: Any) -> Any:
        parsed = super().parse_args(*arguments, **options)
        for action in self._actions:
            given = getattr(parsed, action.dest, None)
            if action.nargs in ("+", "*") and isinstance(given, list):
                setattr(parsed, action.dest, list(dict.fromkeys(given)))
        return parsed


def parser(text: str | None, **options: Any) -> argparse.ArgumentParser:
    """Return a parser whose help shows a script's docstring as it is.

    Of lists, such as rows and seeds, what is named twice is taken once.

    Args:
        text: The docstring.
        **options: Further arguments of `argparse.ArgumentParser`.
    """
    return _Parser(
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **options,
    )


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say what to train on and where results go."""
    parser.add_argument(
        "--data",
        type=folder,
        help="a data set in compact form (fixations.npz and stimuli/), or a "
        "folder with images/, and maps/ or fixations/ or both; default: a "
        "generated set",
    )
    parser.add_argument(
        "--backbone",
        help='"vgg16" (default with --data), any of keras.applications, or '
        '"tiny" (default without)',
    )
    parser.add_argument(
        "--backbone-weights",
        type=weights_file,
        default="imagenet",
        help="a weights file; default: Keras downloads ImageNet's",
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        help="folder for figures and tables (default: results)",
    )
    parser.add_argument("--seed", type=seed, default=0)


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments about data and those about training."""
    add_data_arguments(parser)
    parser.add_argument(
        "--epochs",
        type=count,
        default=RECIPE.epochs,
        help="passes over the training images (default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        default="float32",
        choices=PRECISIONS,
        help="precision of training; maps are predicted in float32 in any case",
    )


def add_seeds_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument of scripts that train each row with several seeds."""
    parser.add_argument("--seeds", type=seed, nargs="+", default=[0])


def add_sets_argument(
    parser: argparse.ArgumentParser, required: bool = False
) -> None:
    """Add the argument about data sets beside `--data` to measure on."""
    parser.add_argument(
        "--sets",
        type=named_folder,
        nargs="+",
        default=[],
        required=required,
        metavar="NAME=PATH",
        help="other sets that the trained networks are measured on",
    )


def add_extra_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument about the data sets of `load_extra`."""
    parser.add_argument(
        "--extra",
        type=named_folder,
        nargs="*",
        default=[],
        metavar="NAME=PATH",
        help="further data sets to learn from",
    )


def add_scores_arguments(
    parser: argparse.ArgumentParser, several: bool = False
) -> None:
    """Add the arguments of scripts that read what table2.py measured."""
    path = "results/table2.npz"
    what = "files, whose rows are put together," if several else "file"
    parser.add_argument(
        "--scores",
        type=file,
        nargs="+" if several else None,
        default=[path] if several else path,
        metavar="FILE",
        help=f"the {what} that table2.py wrote (default: {path})",
    )
    parser.add_argument(
        "--results",
        type=Path,
        help="folder for what is written (default: that of the scores)",
    )


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the tables that compare networks."""
    parser.add_argument(
        "--resnet-weights",
        type=weights_file,
        default="imagenet",
        help="a weights file of ResNet-50, for networks on it; default: Keras "
        "downloads ImageNet's",
    )
    parser.add_argument("--part", default="test", choices=PARTS)
    parser.add_argument("--test-images", type=count, help="default: all")
    parser.add_argument(
        "--images",
        type=count_or_none,
        default=3,
        help="images in the figure (default: 3)",
    )
