"""Checks of arguments that many classes take."""


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
    if value != int(value) or value < 1 or (odd and value % 2 == 0):
        kind = "odd" if odd else "a whole number"
        raise ValueError(
            f"{owner}: {name} must be {kind}, at least 1, received {value!r}."
        )
    return int(value)
