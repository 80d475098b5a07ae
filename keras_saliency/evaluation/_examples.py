"""The best and the worst images of a report."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from keras_saliency import images, plot
from keras_saliency._utils import html
from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.html import text
from keras_saliency._utils.types import Array
from keras_saliency.datasets import SaliencyDataset
from keras_saliency.evaluation import scores
from keras_saliency.evaluation.results import Evaluation
from keras_saliency.models.sources import as_array, source_of

# Of an image in the page, in pixels.
_LONGEST = 320


class Examples:
    """Which images a report shows, and how.

    Args:
        results: Dictionary of names and results; the images are those of the
            first.
        by: Metric that ranks them.
        count: Number of images of each kind.
        dataset: The images, if they are to be shown.
        predictions: Maps to show, by name of the result; as `evaluate` takes
            them.

    Raises:
        ValueError: If they do not fit together.
    """

    def __init__(
        self,
        results: Mapping[str, Evaluation],
        by: str,
        count: int,
        dataset: SaliencyDataset | None,
        predictions: Mapping[str, Any],
    ) -> None:
        self._results, self._by, self._dataset = results, by, dataset
        self._count = whole_number("report", "examples", count)
        self._first = next(iter(results))
        self._rows = {
            name: {str(each): i for i, each in enumerate(result.names)}
            for name, result in results.items()
        }
        self._names = list(self._rows[self._first])
        self._places: dict[str, int] = {}
        unknown = [name for name in predictions if name not in results]
        if unknown:
            raise ValueError(
                f"there is no result {unknown[0]!r} for the predictions of "
                f"that name; the results are {', '.join(results)}"
            )
        if dataset is None:
            if predictions:
                raise ValueError(
                    "predictions are shown on images: give dataset= too"
                )
            return
        places = {images.stem(n): i for i, n in enumerate(dataset.names)}
        for name in self._names:
            if images.stem(name) not in places:
                raise ValueError(
                    f"the data set has no image {name!r}, which the results "
                    "have"
                )
            self._places[name] = places[images.stem(name)]
        self._sources = {
            name: source_of(given, dataset, None, 1, False)
            for name, given in predictions.items()
        }

    def section(self) -> str:
        """Return the images, or their names and values, as HTML."""
        title = scores.title(self._by)
        sign = -1 if scores.lower_is_better(self._by) else 1
        values = sign * self._values(self._first)
        parts = [
            self._group(f"Best {title} of {self._first}", -values),
            self._group(f"Worst {title} of {self._first}", values),
        ]
        for other, result in self._results.items():
            if other == self._first or self._by not in result.scores:
                continue
            difference = values - sign * self._values(other)
            for better, worse, key in (
                (self._first, other, -difference),
                (other, self._first, difference),
            ):
                parts.append(
                    self._group(f"{title}: {better} most above {worse}", key)
                )
        return "\n".join(parts)

    def _values(self, name: str) -> Array:
        """Return the values of a result in the order of the first."""
        rows = [self._rows[name][each] for each in self._names]
        return self._results[name].scores[self._by][rows]

    def _group(self, title: str, keys: Array) -> str:
        """Return the images of the smallest keys, NaN left out."""
        order = np.argsort(keys, kind="stable")
        order = order[~np.isnan(keys[order])][: self._count]
        chosen = [self._names[i] for i in order.tolist()]
        heading = f"<h3>{text(title)}</h3>"
        if self._dataset is None:
            return heading + self._listed(chosen)
        return heading + "\n".join(map(self._shown, chosen))

    def _listed(self, chosen: Sequence[str]) -> str:
        metrics = list(self._results[self._first].scores)
        rows = [
            [
                text(name),
                *(
                    f"{self._score(self._first, metric, name):.4f}"
                    for metric in metrics
                ),
            ]
            for name in chosen
        ]
        head = ["image", *(text(scores.title(metric)) for metric in metrics)]
        caption = f"Values of {self._first}."
        return html.table(head, rows, caption=caption)

    def _score(self, result: str, metric: str, name: str) -> float:
        row = self._rows[result][name]
        return float(self._results[result].scores[metric][row])

    def _shown(self, name: str) -> str:
        """Return the image, its ground truth and its maps, side by side."""
        assert self._dataset is not None
        i = self._places[name]
        original = self._dataset.sizes[i]
        scale = min(1.0, _LONGEST / float(original.max()))
        size = [max(1, round(scale * side)) for side in original.tolist()]
        image = self._dataset.image(i, size)
        panels = [_panel("image", image, f"Image {name}")]
        if self._dataset.has_fixations and self._dataset.count(i):
            points = np.stack(self._dataset.fixation_points(i), axis=1) * scale
            dotted, caption = _dotted(image, points), f"{len(points)} fixations"
            panels.append(_panel(caption, dotted, f"Fixations on {name}"))
        if self._has_density(i):
            laid = plot.overlay(image, self._dataset.density(i, size))
            panels.append(_panel("density map", laid, f"Density map of {name}"))
        for system, source in self._sources.items():
            ((_, found),) = source.predict([i])
            map_ = np.squeeze(as_array(found))
            laid = plot.overlay(image, map_ - min(0, map_.min()))
            caption = f"map of {system}: {self._said(system, name)}"
            panels.append(_panel(caption, laid, f"Map of {system} on {name}"))
        said = [
            f"{system}: {self._said(system, name)}"
            for system in self._results
            if system not in self._sources
        ]
        return (
            f'<div class="row"><strong>{text(name)}</strong> '
            f'<span class="faint">{text("; ".join(said))}</span>'
            f"<div>{''.join(panels)}</div></div>"
        )

    def _has_density(self, i: int) -> bool:
        assert self._dataset is not None
        published = self._dataset.densities
        if published is not None and published[i] is not None:
            return True
        return self._dataset.has_fixations and self._dataset.count(i) > 0

    def _said(self, system: str, name: str) -> str:
        """Return the values of a result for an image."""
        return ", ".join(
            f"{scores.title(metric)} {self._score(system, metric, name):.3f}"
            for metric in self._results[system].scores
        )


def _panel(caption: str, image: Array, description: str) -> str:
    return (
        f"<figure>{html.picture(image, description)}"
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def _dotted(image: Array, points: Array) -> Array:
    """Return an image with a dot at each point `(x, y)`."""
    drawn = np.array(image, order="C")
    for x, y in points.tolist():
        # OpenCV draws at sixteenths of a pixel.
        center = (round(16 * x), round(16 * y))
        for radius, color in ((60, (0, 0, 0)), (44, (255, 220, 0))):
            cv2.circle(drawn, center, radius, color, -1, cv2.LINE_AA, 4)
    return drawn
