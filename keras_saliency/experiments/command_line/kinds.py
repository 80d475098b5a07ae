"""What reads the text of an argument: each raises an error argparse shows."""

import argparse
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import h5py

from keras_saliency import losses
from keras_saliency.experiments.networks import AUTHORS

Number = TypeVar("Number", int, float)

PRECISIONS = ("float32", "mixed_bfloat16")


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


def seed(text: str) -> int:
    """Return a seed that Keras takes, a whole number below 2**32."""
    number = count_or_none(text)
    if number >= 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not below 2**32")
    return number


def rate(text: str) -> float:
    """Return a learning rate, a finite number above 0."""
    number = _number(text, float)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and finite")
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
