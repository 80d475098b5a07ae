"""Checks of the arguments of losses."""

import math
from typing import Any

from keras_saliency._utils.checks import as_number


def checked(
    loss: object,
    name: str,
    value: Any,
    minimum: float,
    inclusive: bool = True,
    maximum: float = math.inf,
) -> float:
    """Return a number within bounds as a float.

    Raises:
        ValueError: If it is none, with the loss, the name and the bounds.
    """
    number = as_number(value)
    if number is None:
        number = math.nan
    good = number >= minimum if inclusive else number > minimum
    if not (good and number <= maximum and math.isfinite(number)):
        bound = f"{'at least' if inclusive else 'above'} {minimum}"
        if maximum < math.inf:
            bound += f" and at most {maximum}"
        raise ValueError(
            f"{type(loss).__name__}: {name} must be a number {bound}, received "
            f"{value!r}."
        )
    return number


def listed(loss: object, name: str, values: Any) -> list[Any]:
    """Return several values as a list.

    Raises:
        TypeError: If it is one value, a text or a dictionary.
    """
    several = hasattr(values, "__iter__") and not isinstance(
        values, (str, dict)
    )
    if not several:
        raise TypeError(
            f"{type(loss).__name__}: {name} must be a list, received "
            f"{values!r}."
        )
    return list(values)


def check_term_name(name: str) -> None:
    """Refuse a term whose name in the logs is that of the whole.

    Raises:
        ValueError: If it is "loss".
    """
    if name == "loss":
        raise ValueError(
            'CombinedLoss: a term must not be named "loss", which is the name '
            "of the whole in the logs. Give it another name=."
        )
