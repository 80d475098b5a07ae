"""A transform with what it was fitted to: picklable, and kept as JSON."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from keras_saliency._utils import html
from keras_saliency._utils.atomic import write_text
from keras_saliency._utils.types import Array, ArrayLike, PathName, Size
from keras_saliency.densities.metric_maps import Truth, metric_map
from keras_saliency.densities.transform import Transform

_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Fitted:
    """From a saliency map to its density, and to the map of each metric.

    Attributes:
        transform: Blur, curve and center bias.
        truth: What is known of the fixations it was fitted to.
        report: What it was fitted to and how well, in types that JSON knows.
    """

    transform: Transform
    truth: Truth
    report: dict[str, Any] = dataclasses.field(default_factory=dict)

    def _repr_html_(self) -> str:
        rows = [["fitted", ""], *([k, str(v)] for k, v in self.report.items())]
        return html.table_of_text(rows, caption="density of a model's maps")

    def log_density(self, map_: ArrayLike, size: Size) -> Array:
        """Return the log density of an image; see `Transform`."""
        return self.transform.log_density(map_, size)

    def metric_map(self, map_: ArrayLike, size: Size, metric: str) -> Array:
        """Return the map of an image that a metric wants.

        Args:
            map_: Saliency map `(height, width)` of any size.
            size: `(height, width)` of the image.
            metric: A name of `METRIC_MAPS`.
        """
        return metric_map(self.log_density(map_, size), metric, self.truth)

    def save(self, path: PathName) -> None:
        """Write it as JSON."""
        truth = self.truth._asdict()
        if self.truth.baseline is not None:
            truth["baseline"] = [
                [float(f"{value:.5g}") for value in row]
                for row in self.truth.baseline.tolist()
            ]
        content = {
            "format": _FORMAT,
            "report": self.report,
            "transform": self.transform.to_dict(),
            "truth": truth,
        }
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        write_text(path, text)

    @classmethod
    def load(cls, path: PathName) -> Self:
        """Read a file of `save`.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is damaged, or another file; the message names
                it.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise ValueError(f"its format is {content['format']!r}")
            return cls(
                Transform.from_dict(content["transform"]),
                _truth(content["truth"]),
                dict(content["report"]),
            )
        except OSError:
            raise
        except Exception as error:  # what is wrong may be anywhere in it
            raise ValueError(
                f"{path} is damaged, or not a file of a FixationDensity "
                f"({error!r}). Fit the density anew."
            ) from error


def _truth(content: Mapping[str, Any]) -> Truth:
    truth = Truth(**content)
    if truth.baseline is not None:
        baseline = np.asarray(truth.baseline, np.float64)
        if baseline.ndim != 2 or not (baseline > 0).all():
            raise ValueError("its baseline is no positive map")
        truth = truth._replace(baseline=baseline)
    numbers = (truth.sigma, truth.fixations, truth.power, truth.center)
    if not np.isfinite(numbers).all() or min(numbers[:3]) <= 0:
        raise ValueError("sigma, fixations and power must be positive")
    return truth
