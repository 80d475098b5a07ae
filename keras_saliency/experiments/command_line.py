"""What the command lines of the experiments share.

Whatever is wrong with an argument is said before anything long starts.
"""

import argparse
import sys
import zipfile
from collections.abc import Callable, Container, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import h5py

from keras_saliency import datasets, losses
from keras_saliency._utils import console
from keras_saliency._utils.types import PathName
from keras_saliency.datasets.formats.known import is_mit1003
from keras_saliency.experiments.heads import HeadTrainer
from keras_saliency.experiments.networks import AUTHORS
from keras_saliency.experiments.recipes import RECIPE

Number = TypeVar("Number", int, float)

PARTS = ("train", "validation", "test")
PRECISIONS = ("float32", "mixed_bfloat16")
# Of the density maps, in pixels of the original, where it is not the data
# set's own: 19 gives SALICON's published maps.
SIGMAS = {"SALICON": 19.0}


def run(main: Callable[[], object]) -> None:
    """Run a script's `main`, and end as the command `keras-saliency` does.

    An error of ours is one line on standard error, `keras-saliency: MESSAGE`;
    the exit status is then 2, or 1 if a file could not be written.
    """
    sys.exit(console.run(main))


def parser(text: str | None, **options: Any) -> argparse.ArgumentParser:
    """Return a parser whose help shows a script's docstring as it is.

    Args:
        text: The docstring.
        **options: Further arguments of `argparse.ArgumentParser`.
    """
    return console.Parser(
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


def add_scores_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of scripts that read what table2.py measured."""
    parser.add_argument(
        "--scores",
        type=file,
        default="results/table2.npz",
        help="the file that table2.py wrote (default: %(default)s)",
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


class ByRow(dict[str, Any]):
    """The value of an option for each row of a table.

    Args:
        default: The value of rows that have none of their own.
        own: Those of rows that have: name -> value.
    """

    def __init__(self, default: Any, own: Mapping[str, Any]) -> None:
        super().__init__(own)
        self.default = default

    def __missing__(self, row: str) -> Any:
        return self.default


def add_option_by_row(
    parser: argparse.ArgumentParser,
    flag: str,
    rows: Container[str],
    kind: Callable[[str], Any],
    default: Any,
    text: str,
) -> None:
    """Add an option that can differ by row: `FLAG VALUE ROW=VALUE`.

    What is parsed is a `ByRow`.

    Args:
        parser: The parser.
        flag: The option, such as `"--epochs"`.
        rows: Names of the rows.
        kind: What reads a value.
        default: The value that holds where none is given.
        text: What the help says of it.
    """

    def read(value: str) -> tuple[str, Any]:
        row, _, value = value.rpartition("=")
        if row and row not in rows:
            raise argparse.ArgumentTypeError(f"there is no row {row!r}")
        return row, kind(value)

    class Store(argparse.Action):
        def __call__(self, parser, namespace, values, option_string=None):  # type: ignore[no-untyped-def]
            own = dict(values)
            setattr(namespace, self.dest, ByRow(own.pop("", default), own))

    parser.add_argument(
        flag,
        nargs="+",
        type=read,
        action=Store,
        default=ByRow(default, {}),
        metavar="[ROW=]VALUE",
        help=f"{text}; default {default}; ROW=VALUE for one row",
    )


def head_trainer(
    arguments: argparse.Namespace, precision: str = "float32"
) -> HeadTrainer:
    """Return the `HeadTrainer` that the arguments about data ask for.

    Generated images are small, and get a small baseline.

    Args:
        arguments: The parsed arguments.
        precision: Precision of training.
    """
    small = arguments.data is None
    return HeadTrainer(
        arguments.results,
        backbone=_backbone(arguments),
        backbone_weights=arguments.backbone_weights,
        input_shape=(120, 160, 3) if small else (300, 400, 3),
        precision=precision,
    )


def network_weights(
    arguments: argparse.Namespace, name: str
) -> str | tuple[str, str] | None:
    """Return the weights of the backbone of a network of `models.MODELS`.

    With the backbone "tiny" the networks start from random weights. EML-NET
    has two backbones, and gets those of both.
    """
    if _backbone(arguments) == "tiny":
        return None
    if name in ("sam_resnet", "dsclrcn"):
        return arguments.resnet_weights
    if name == "eml_net":
        return arguments.resnet_weights, arguments.backbone_weights
    return arguments.backbone_weights


def load_parts(
    path: PathName | None, name: str | None = None
) -> dict[str, datasets.SaliencyDataset]:
    """Return a data set's parts train, validation and test; see `parts_of`.

    Args:
        path: The folder; `None` generates 240 images.
        name: Name of the data set, where the folder may be in its publisher's
            layout.

    Raises:
        DatasetError: If there is no data set or it is damaged.
    """
    dataset: datasets.SaliencyDataset
    if path is None:
        dataset = datasets.generate(count=240)
    else:
        dataset = datasets.load_path(path, name=name)
    return parts_of(dataset)


def parts_of(
    dataset: datasets.SaliencyDataset,
) -> dict[str, datasets.SaliencyDataset]:
    """Return the parts train, validation and test of a data set.

    MIT1003 has the paper's split; of any other data set a fifth, drawn by
    chance, is for validation and a fifth for the test.

    Args:
        dataset: All images.

    Raises:
        DatasetError: If there are fewer than 5.
    """
    # By what it holds, not by the name of a folder.
    if dataset.name == "MIT1003" or is_mit1003(dataset.names):
        split = datasets.paper_split()
    else:
        held_out = len(dataset) // 5
        if not held_out:
            raise datasets.DatasetError(
                f"The data set {dataset.name} has {len(dataset)} images; at "
                "least 5 are needed for the parts train, validation and test."
            )
        split = dataset.split(
            {
                "train": len(dataset) - 2 * held_out,
                "validation": held_out,
                "test": held_out,
            }
        )
    return {part: dataset.subset(names) for part, names in split.items()}


# What reads the text of an argument: each raises an error that argparse shows.


def load_extra(
    sets: Iterable[tuple[str, Path]],
) -> list[datasets.SaliencyDataset]:
    """Return further data sets to learn from, their images with fixations.

    Args:
        sets: Names and folders, as `named_folder` reads them.
    """
    loaded = []
    for name, path in sets:
        sigma: dict[str, Any] = {}
        if name in SIGMAS:
            sigma["default_sigma"] = SIGMAS[name]
        dataset = datasets.load_path(path, name=name, **sigma)
        loaded.append(dataset.with_fixations())
    return loaded


def folder(text: str) -> Path:
    """Return the path of a folder that is there."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return path


def named_folder(text: str) -> tuple[str, Path]:
    """Return the name and the folder of `NAME=PATH`."""
    name, _, path = text.partition("=")
    if not (name and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH")
    return name, folder(path)


def file(text: str) -> str:
    """Return the path of a file that is there."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return text


def weights_file(text: str) -> str:
    """Return the path of a weights file that is there, or `"imagenet"`."""
    if text == "imagenet":
        return text
    if text.lower().endswith(".pth"):
        # PyTorch's, of EfficientNet-Lite; it is checked where it is read.
        return file(text)
    if not h5py.is_hdf5(file(text)) and not zipfile.is_zipfile(text):
        raise argparse.ArgumentTypeError(
            f"{text} is no weights file (HDF5), or is damaged"
        )
    return text


def precision(text: str) -> str:
    """Return the name of a precision of training."""
    if text not in PRECISIONS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not one of {', '.join(PRECISIONS)}"
        )
    return text


def count(text: str) -> int:
    """Return a whole number above 0."""
    number = _number(text, int)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def count_or_none(text: str) -> int:
    """Return a whole number, 0 or above."""
    number = _number(text, int)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


seed = count_or_none


def rate(text: str) -> float:
    """Return a learning rate, a number above 0."""
    number = _number(text, float)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def network_rate(text: str) -> float | str:
    """Return a learning rate of Adam, or the word `AUTHORS`."""
    return text if text == AUTHORS else rate(text)


def input_size(text: str) -> tuple[int, int]:
    """Return `(height, width)` of HEIGHTxWIDTH."""
    height, _, width = text.partition("x")
    if not (height.isdigit() and width.isdigit() and int(height) * int(width)):
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 240x320")
    return int(height), int(width)


def loss_name(text: str) -> str:
    """Return the name of a loss that `losses.get` knows."""
    try:
        losses.get(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _number(text: str, kind: Callable[[str], Number]) -> Number:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None


def _backbone(arguments: argparse.Namespace) -> str:
    """Return the backbone that is named, or the one that suits the data."""
    return arguments.backbone or ("tiny" if arguments.data is None else "vgg16")
