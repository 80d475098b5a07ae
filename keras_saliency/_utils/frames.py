"""Data frames of the library that a user has; neither is needed."""

from collections.abc import Mapping
from typing import Any, Literal

from keras_saliency._utils import optional

Library = Literal["pandas", "polars"]
_LIBRARIES = ("pandas", "polars")


def new(columns: Mapping[str, Any], library: Library) -> Any:
    """Return a `DataFrame`.

    Args:
        columns: Name -> array or list of the values of each column.
        library: "pandas" or "polars".

    Raises:
        NotInstalledError: If the library is not installed.
        ValueError: If there is no such library.
    """
    if library not in _LIBRARIES:
        raise ValueError(
            f"library must be one of {', '.join(map(repr, _LIBRARIES))}; "
            f"received {library!r}."
        )
    module = optional.load(library, f"to_frame({library!r})")
    return module.DataFrame(dict(columns))
