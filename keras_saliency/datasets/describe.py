"""What a data set holds, as a table and as figures."""

import contextlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from keras_saliency._utils import figures, frames, html
from keras_saliency._utils.frames import Library
from keras_saliency._utils.types import PathName, Size

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# What a notebook shows of a data set, each so many pixels high.
_THUMBNAILS = 3
_HEIGHT = 120


class Info(dict[str, Any]):
    """A dictionary whose text is a table."""

    def __repr__(self) -> str:
        width = max(len(key) for key in self)
        return "\n".join(
            f"{key:{width}}  {_text(v)}" for key, v in self.items()
        )

    def _repr_html_(self) -> str:
        rows = [[key, _text(value)] for key, value in self.items()]
        return html.table_of_text(rows, caption="data set")


class Described:
    """The methods of `SaliencyDataset` that say and show what it holds.

    In a notebook a data set shows its table and a few of its images.
    """

    def _repr_html_(self) -> str:
        return self.info()._repr_html_() + _thumbnails(self)

    def info(self) -> Info:
        """Return what is known about the data set, to print or to look up.

        Returns:
            A dictionary whose text is a table: name, images, categories,
            sizes, observers, fixations (`used` in maps), fixations per
            image, sigma and where densities come from.
        """
        return _described(self)

    def show(
        self,
        i: int | str,
        path: PathName | None = None,
        *,
        size: Size | None = None,
        sigma: float | None = None,
    ) -> "Figure":
        """Draw an image with its fixations beside its density map.

        Args:
            i: Number or name of the image.
            path: File to write the figure to, its format by its name.
            size: `(height, width)` of both panels. Defaults to the image's
                as stored.
            sigma: As for `density`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        return _shown(self, i, path, size, sigma)

    def show_mean_density(
        self,
        size: Size = (64, 64),
        path: PathName | None = None,
        *,
        sigma: float | None = None,
    ) -> "Figure":
        """Draw the mean density with its marginals, the center bias.

        Args:
            size: `(height, width)` of the map.
            path: File to write the figure to, its format by its name.
            sigma: As for `mean_density`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        return _mean_shown(self, size, path, sigma)

    def to_frame(self, library: Library = "pandas") -> Any:
        """Return all fixations as a data frame, a row for each.

        Written as CSV, `load_csv` reads it where all observers are known, or
        none.

        Args:
            library: "pandas" or "polars", which must be installed.

        Returns:
            A `DataFrame` with the columns `image` (name), `observer` (name,
            else number; missing where it is not known), `order`, `x`, `y`
            (original pixels) and `duration` (milliseconds). Those outside of
            their images and those before `first_order` are there too.

        Raises:
            NotInstalledError: If the library is not installed (an
                `ImportError`).
            ValueError: If the data set has density maps only.
        """
        return _frame(self, library)


def _described(dataset: Any) -> Info:
    heights, widths = dataset.sizes.T
    found = Info(name=dataset.name, images=len(dataset))
    if dataset.categories is not None:
        found["categories"] = len(set(dataset.categories))
    found["height"] = (int(heights.min()), int(heights.max()))
    found["width"] = (int(widths.min()), int(widths.max()))
    fixations = dataset.fixations
    if fixations is not None:
        known = fixations.subject[fixations.subject >= 0]
        counts = np.array([dataset.count(i) for i in range(len(dataset))])
        found["observers"] = int(np.unique(known).size) or None
        found["fixations"] = len(fixations)
        found["used"] = int(counts.sum())
        found["first order used"] = int(dataset.first_order)
        found["per image"] = (int(counts.min()), int(counts.max()))
        found["images without"] = int((counts == 0).sum())
        duration = fixations.duration[~np.isnan(fixations.duration)]
        found["median duration (ms)"] = (
            float(np.median(duration)) if duration.size else None
        )
    found["densities"] = (
        "published" if dataset.has_densities else "from fixations"
    )
    sigmas = [dataset.sigma(i) for i in range(len(dataset))]
    found["sigma (pixels)"] = (float(min(sigmas)), float(max(sigmas)))
    found["pixels per degree"] = dataset.pixels_per_degree
    return found


def _thumbnails(dataset: Any) -> str:
    """Return the first images, with fixations, beside their densities."""
    shown = []
    for i in range(min(_THUMBNAILS, len(dataset))):
        # A damaged file, or an image at which nobody looked.
        with contextlib.suppress(ValueError):
            height, width = dataset.sizes[i].tolist()
            size = _HEIGHT, max(1, round(_HEIGHT * width / height))
            image = dataset.image(i, size)
            density = np.uint8(np.round(255 * dataset.density(i, size)))
            if dataset.has_fixations:
                for x, y in zip(*dataset.fixation_points(i), strict=True):
                    at = int(x * size[1] / width), int(y * size[0] / height)
                    cv2.circle(image, at, 3, (0, 0, 0), -1)
                    cv2.circle(image, at, 2, (255, 255, 0), -1)
            both = np.hstack([image, np.dstack([density] * 3)])
            shown.append(html.picture(both, dataset.names[i]))
    return " ".join(shown)


def _shown(
    dataset: Any,
    i: int | str,
    path: PathName | None,
    size: Size | None,
    sigma: float | None,
) -> "Figure":
    i = dataset.index(i) if isinstance(i, str) else range(len(dataset))[i]
    image = dataset.image(i, size)
    density = dataset.density(i, image.shape[:2], sigma=sigma)
    height, width = image.shape[:2]
    figure = figures.new(6 * width / height + 0.2, 3.2)
    left, right = figure.subplots(1, 2)
    left.imshow(image)
    if dataset.has_fixations:
        x, y = dataset.fixation_points(i)
        rows, columns = dataset.sizes[i]
        left.plot(
            x * width / columns - 0.5,
            y * height / rows - 0.5,
            ".",
            color="yellow",
            markeredgecolor="black",
            markeredgewidth=0.4,
        )
        left.set_title(f"{dataset.names[i]}: {x.size} fixations", fontsize=8)
    right.imshow(density, cmap="gray", vmin=0, vmax=1)
    right.set_title("density", fontsize=8)
    for axis in (left, right):
        axis.set_axis_off()
        axis.set_xlim(-0.5, width - 0.5)
        axis.set_ylim(height - 0.5, -0.5)
    return figures.saved(figure, path)


def _mean_shown(
    dataset: Any,
    size: Size,
    path: PathName | None,
    sigma: float | None,
) -> "Figure":
    mean = dataset.mean_density(size, sigma=sigma)
    height, width = mean.shape
    figure = figures.new(5, 4.2)
    axes = figure.subplots(
        2,
        2,
        squeeze=False,
        gridspec_kw={"width_ratios": (4, 1), "height_ratios": (1, 4)},
    )
    axes[0, 1].set_axis_off()
    axes[1, 0].imshow(mean, cmap="inferno", aspect="auto")
    columns = (np.arange(width) + 0.5) / width
    rows = (np.arange(height) + 0.5) / height
    axes[0, 0].plot(columns, mean.sum(0) / mean.sum() * width)
    axes[1, 1].plot(mean.sum(1) / mean.sum() * height, rows)
    axes[0, 0].set_xlim(0, 1)
    axes[0, 0].set_title(
        f"{dataset.name}: mean density of {len(dataset)} images", fontsize=9
    )
    axes[1, 1].set_ylim(1, 0)
    axes[1, 0].set_xticks([])
    axes[1, 0].set_yticks([])
    return figures.saved(figure, path)


def _frame(dataset: Any, library: Library) -> Any:
    fixations = dataset.fixations
    if fixations is None:
        raise ValueError(
            f"The data set {dataset.name} has density maps but no fixations, "
            "which are the rows of its data frame."
        )
    columns: dict[str, Any] = {
        "image": np.array(dataset.names, "object")[fixations.image_index]
    }
    names = dataset.subject_names
    known = fixations.subject >= 0
    if names is not None:
        # The last stands for the number -1.
        labels = np.array([*names, None], "object")
        columns["observer"] = labels[fixations.subject]
    elif known.all():
        columns["observer"] = fixations.subject
    elif known.any():
        columns["observer"] = [
            n if n >= 0 else None for n in fixations.subject.tolist()
        ]
    columns |= {name: getattr(fixations, name) for name in ("order", "x", "y")}
    columns["duration"] = fixations.duration
    return frames.new(columns, library)


def _text(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, tuple):
        low, high = (_text(v) for v in value)
        return low if low == high else f"{low} to {high}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
