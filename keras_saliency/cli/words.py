"""Words of the command line that several commands take."""

import argparse
import math
import re
from typing import Any

# Of the option --shard.
SHARD: dict[str, Any] = {
    "metavar": "I/N",
    "help": "do the I-th of N equal parts alone, I from 1 to N, as the jobs "
    "of an array do",
}


def count(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def positive(text: str) -> float:
    """Return a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def dataset(text: str) -> str:
    """Return the name of a published data set as `datasets.SOURCES` has it."""
    from keras_saliency import datasets

    name = text.lower().replace("-", "_")
    if name not in datasets.SOURCES:
        raise argparse.ArgumentTypeError(
            f"there is no data set {text!r}; known are "
            f"{', '.join(datasets.SOURCES)}"
        )
    return name


def shard(text: str) -> tuple[int, int]:
    """Return the two numbers of `3/8`, the third of eight parts."""
    found = re.fullmatch(r"0*([1-9]\d*)/0*([1-9]\d*)", text, re.ASCII)
    if found is None or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no part: 3/8 is the third of eight, the first is 1/8"
        )
    return int(found[1]), int(found[2])
