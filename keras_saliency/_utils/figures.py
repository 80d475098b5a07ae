"""Making and saving figures, with matplotlib imported when one is made."""


def new(width, height):
    """An empty `matplotlib.figure.Figure` of a size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def saved(figure, path):
    """The figure, written to `path` unless that is `None`."""
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure
