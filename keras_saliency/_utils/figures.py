"""Making and saving figures, with matplotlib imported when one is made."""

from pathlib import Path
from typing import Any

from keras_saliency._utils.atomic import replacing
from keras_saliency._utils.types import PathName


def new(width: float, height: float) -> Any:
    """Return an empty `matplotlib.figure.Figure` of a size in inches.

    In a notebook it displays itself.
    """
    from keras_saliency._utils.shown_figure import ShownFigure

    return ShownFigure(figsize=(width, height), layout="constrained")


def saved(figure: Any, path: PathName | None) -> Any:
    """Return the figure, once it is written to `path` if that is given."""
    if path is None:
        return figure
    # Matplotlib, too, writes PNG where there is no extension.
    path = Path(path)
    with replacing(path if path.suffix else path.with_suffix(".png")) as new:
        figure.savefig(new, dpi=150)
    return figure
