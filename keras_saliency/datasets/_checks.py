"""Argument checks that several modules here share."""

import numbers


def as_size(size, name="size"):
    """Return `(height, width)` as two positive ints, or raise."""
    try:
        height, width = size
    except (TypeError, ValueError):
        height = width = None
    for value in (height, width):
        if (
            not isinstance(value, numbers.Integral)
            or isinstance(value, bool)
            or value < 1
        ):
            raise ValueError(
                f"{name} must be (height, width), two positive integers; "
                f"received {size!r}."
            )
    return int(height), int(width)
