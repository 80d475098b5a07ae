"""Figures of images, maps and training, with matplotlib's object API.

No function touches pyplot's global state or needs a screen; matplotlib is
imported when a figure is made.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from keras_saliency import images
from keras_saliency._utils import figures
from keras_saliency._utils.types import Array, ArrayLike, PathName

# Color maps that are the same in OpenCV, which is imported anyway.
_SAME = ("cividis", "inferno", "magma", "plasma", "turbo", "viridis")
# Of an overlay: how bright the image is, and how opaque the map's peak.
_DIMMED = 0.6
_OPAQUE = 0.75


def maps(
    rows: Sequence[Sequence[ArrayLike | None]],
    titles: Sequence[str] | None = None,
    path: PathName | None = None,
    *,
    labels: Sequence[str] | None = None,
    overlay: bool = False,
    cmap: str | None = None,
    height: float = 2.0,
) -> Any:
    """Draw a grid of images, ground truths and predictions.

    Args:
        rows: One list per row. A panel is an image `(height, width, 3)`,
            uint8 or in [0, 1], a map `(height, width)` or
            `(height, width, 1)`, or `None` for an empty place. Each map is
            divided by its largest value; NaN is an error.
        titles: One title per column.
        path: File to write the figure to, its format by its name.
        labels: One label per row, such as the names of the images.
        overlay: Whether maps are laid in color over the row's first image,
            more opaque where they are larger.
        cmap: Name of a matplotlib color map. Defaults to `"gray"`, with
            `overlay` to `"inferno"`.
        height: Height of a row in inches.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: On rows of different length, or panels of other shapes.
    """
    from matplotlib import colormaps

    panels = [[_panel(panel) for panel in row] for row in rows]
    columns = len(panels[0]) if panels else 0
    if not columns or any(len(row) != columns for row in panels):
        raise ValueError(
            "rows must be lists of the same length, not empty; received the "
            f"lengths {[len(row) for row in panels]}."
        )
    for name, given, count in (
        ("titles", titles, columns),
        ("labels", labels, len(panels)),
    ):
        if given is not None and len(given) != count:
            raise ValueError(f"{name} must be {count}; received {len(given)}.")
    cmap = cmap or ("inferno" if overlay else "gray")
    shapes = [p.shape for row in panels for p in row if p is not None]
    aspect = max((shape[1] / shape[0] for shape in shapes), default=1.0)
    figure = figures.new(
        columns * height * aspect + 0.3 * (labels is not None),
        len(panels) * height + 0.3 * (titles is not None),
    )
    axes = figure.subplots(len(panels), columns, squeeze=False)
    for i, row in enumerate(panels):
        image = next((p for p in row if p is not None and p.ndim == 3), None)
        for j, panel in enumerate(row):
            axis = axes[i, j]
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_frame_on(False)
            if i == 0 and titles is not None:
                axis.set_title(titles[j])
            if j == 0 and labels is not None:
                axis.set_ylabel(labels[i])
            if panel is None:
                continue
            if panel.ndim == 3:
                axis.imshow(panel)
            elif overlay and image is not None:
                axis.imshow(_laid_over(panel, _as_uint8(image), cmap))
            else:
                axis.imshow(
                    panel,
                    cmap=colormaps[cmap],
                    vmin=0,
                    vmax=1,
                    interpolation="bilinear",
                )
    return figures.saved(figure, path)


def overlay(image: ArrayLike, map_: ArrayLike, cmap: str = "inferno") -> Array:
    """Lay a map in color over an image, at the image's size.

    Args:
        image: Array `(height, width, 3)`, uint8 or in [0, 1].
        map_: Map `(height, width)` of any size; it is divided by its largest
            value.
        cmap: Name of a matplotlib color map.

    Returns:
        uint8 array `(height, width, 3)`: the image, gray (luma of Rec. 601)
        and at 0.6 of its brightness, mixed with the map's color by an opacity
        of 0.75 times the map's square root. Opacity and color have 256 steps.

    Raises:
        ValueError: On other shapes, and on NaN.
    """
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8 or pixels.shape[2:] != (3,):
        pixels = _as_uint8(_panel(image))
    panel = _panel(map_)
    for values, expected, what in ((panel, 2, "map"), (pixels, 3, "image")):
        if values is None or values.ndim != expected:
            raise ValueError(
                "An overlay is of an image (height, width, 3) and a map "
                f"(height, width); received another {what}."
            )
    return _laid_over(np.asarray(panel), pixels, cmap)


def history(
    histories: Mapping[str, Any],
    keys: str | Sequence[str],
    path: PathName | None = None,
    *,
    height: float = 2.5,
) -> Any:
    """Draw curves of training, one panel per key.

    Args:
        histories: Dictionary of a name per run and its logs: what `fit`
            returned, or a dictionary of key and values per epoch.
        keys: Keys of the logs, such as `["loss", "val_cc"]`. Epochs with NaN
            are left out.
        path: File to write the figure to, its format by its name.
        height: Height in inches.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If no run has a key.
    """
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    keys = [keys] if isinstance(keys, str) else list(keys)
    colors = colormaps["tab10" if len(histories) <= 10 else "tab20"]
    figure = figures.new(len(keys) * height * 1.4, height)
    axes = figure.subplots(1, len(keys), squeeze=False)[0]
    for axis, key in zip(axes, keys, strict=True):
        for number, (name, run) in enumerate(histories.items()):
            values = getattr(run, "history", run).get(key)
            if values is None:
                continue
            values = np.asarray(values, float)
            epochs = np.arange(1, len(values) + 1)
            known = ~np.isnan(values)
            axis.plot(
                epochs[known],
                values[known],
                ".-",
                label=name,
                color=colors(number % colors.N),
            )
        if not axis.lines:
            raise ValueError(f"No run has logs of {key!r}.")
        axis.set_title(key)
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(histories) > 1:
        lines = {line.get_label(): line for axis in axes for line in axis.lines}
        named = [lines[str(n)] for n in histories if str(n) in lines]
        axes[-1].legend(
            handles=named, loc="center left", bbox_to_anchor=(1.02, 0.5)
        )
    return figures.saved(figure, path)


def _panel(panel: ArrayLike | None) -> Array | None:
    """Return a panel as an image in [0, 1] or as a map with peak 1."""
    if panel is None:
        return None
    values = np.asarray(panel)
    if values.ndim == 3 and values.shape[-1] == 1:
        values = values[..., 0]
    is_image = values.ndim == 3 and values.shape[-1] == 3
    if not (is_image or values.ndim == 2) or 0 in values.shape:
        raise ValueError(
            "A panel must be an image (height, width, 3) or a map (height, "
            f"width); received the shape {np.shape(panel)}."
        )
    if values.dtype == np.uint8:
        values = values / np.float32(255)
    values = values.astype(np.float32, copy=False)
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("A panel holds NaN or infinity.")
    if low < 0:
        values = np.maximum(values, 0)
    if is_image:
        if high > 1:
            raise ValueError(
                "An image must be uint8 or lie in [0, 1]; received values up "
                f"to {high}."
            )
        return values
    return values if high == 1 else images.divide_by_peak(values)


def _as_uint8(panel: Array | None) -> Array:
    """Return an image of `_panel` in 0..255."""
    return np.round(255 * np.asarray(panel)).astype(np.uint8)


def _laid_over(map_: Array, image: Array, cmap: str) -> Array:
    """Return a map in [0, 1] in color over a uint8 image dimmed to gray."""
    map_ = np.ascontiguousarray(images.resize(map_, image.shape[:2]))
    # Equal steps of the root are equal steps of the opacity.
    steps = cv2.convertScaleAbs(cv2.sqrt(map_), alpha=255)
    gray = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    light = cv2.convertScaleAbs(steps, alpha=-_OPAQUE, beta=255)
    dimmed = cv2.multiply(gray, light, scale=_DIMMED / 255)
    laid = cv2.applyColorMap(steps, _colors(cmap))
    return cv2.add(laid, cv2.cvtColor(dimmed, cv2.COLOR_GRAY2RGB), dst=laid)


@functools.cache
def _colors(cmap: str) -> Array:
    """Return the color that is added for a map's root of 0, 1/255, ..., 1.

    Returns:
        uint8 array `(256, 1, 3)`.
    """
    roots = np.arange(256) / 255
    places = np.minimum((256 * roots**2).astype(int), 255)
    if cmap in _SAME:
        table = cv2.applyColorMap(
            np.arange(256, dtype=np.uint8)[:, np.newaxis],
            getattr(cv2, f"COLORMAP_{cmap.upper()}"),
        )
        colors = table[:, 0, ::-1] / 255
    else:
        from matplotlib import colormaps

        colors = colormaps[cmap](np.arange(256))[:, :3]
    color = _OPAQUE * roots[:, np.newaxis] * colors[places]
    return np.round(255 * color)[:, np.newaxis].astype(np.uint8)
