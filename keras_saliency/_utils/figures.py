"""Making and saving figures, with matplotlib imported when one is made."""

from typing import Any

from keras_saliency._utils.types import PathName


def new(width: float, height: float) -> Any:
    """Return an empty `matplotlib.figure.Figure` of a size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def saved(figure: Any, path: PathName | None) -> Any:
    """Return the figure, once it is written to `path` if that is given."""
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure
