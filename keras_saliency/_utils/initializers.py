"""Initializers of weights that a layer draws several times."""

from typing import Any


def fresh(initializer: Any) -> Any:
    """Return an initializer that draws other numbers than those before.

    One of Keras draws the same each time. A function, which Keras takes as
    well, decides for itself.
    """
    clone = getattr(initializer, "clone", None)
    return initializer if clone is None else clone()
