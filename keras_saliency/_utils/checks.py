"""Checks of arguments that many classes and functions take."""

import math
import numbers
import os
import stat
from typing import Any

from keras_saliency._utils.paths import PathName


def whole_number(
    owner: str, name: str, value: float, *, odd: bool = False
) -> int:
    """Return a number as an integer.

    Args:
        owner: Class that takes the argument, for errors.
        name: Name of the argument, for errors.
        value: The number.
        odd: Whether it must be odd.

    Raises:
        ValueError: If it is not a whole number (an odd one), at least 1.
    """
    number = as_number(value)
    whole = number is not None and number >= 1 and number % 1 == 0
    if number is None or not whole or (odd and number % 2 == 0):
        kind = "odd" if odd else "a whole number"
        raise ValueError(
            f"{owner}: {name} must be {kind}, at least 1, received {value!r}."
        )
    return int(number)


def as_number(value: Any) -> float | None:
    """Return a number of Python's or NumPy's as Python's, else `None`.

    What is too large for a float is infinite.
    """
    import numpy as np

    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]


def is_count(value: Any) -> bool:
    """Return whether a value is an integer of at least 1, and no boolean."""
    return (
        isinstance(value, numbers.Integral)
        and not isinstance(value, bool)
        and int(value) >= 1
    )


def as_count(value: Any, name: str) -> int:
    """Return a value as an integer of at least 1, or raise naming it."""
    if not is_count(value):
        raise ValueError(
            f"{name} must be a positive integer, received {value!r}."
        )
    return int(value)


def check_regular(path: PathName) -> None:
    """Raise unless a path is that of a file; a pipe would be waited for.

    Raises:
        FileNotFoundError: If there is nothing.
        OSError: If it is a folder, a pipe or a device.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(f"{path} is no file but a folder, a pipe or a device")
