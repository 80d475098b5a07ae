"""The values that `evaluate` returns: means, intervals, tables, files."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from keras_saliency._utils import frames, html
from keras_saliency._utils.atomic import replacing, write_text
from keras_saliency._utils.frames import Library
from keras_saliency._utils.types import Array, ArrayLike, PathName
from keras_saliency.evaluation import _statistics, _writing, scores


class Evaluation:
    """Values of metrics, one per image, with their means and intervals.

    Args:
        names: Names of the images.
        scores: Dictionary of metric and values, shape `(N,)`. NaN where an
            image has no ground truth for a metric; such values are left out
            of the means.
        maps: `"one"`, or `"per_metric"` where each metric has a map of its
            own; the table says so. Not in a CSV file.

    Attributes:
        names: As given.
        maps: As given.
        scores: As given, float64 arrays.

    Raises:
        ValueError: If a metric has not one value for each image, or two
            images have the same name.
    """

    def __init__(
        self,
        names: Iterable[str],
        scores: Mapping[str, ArrayLike],
        *,
        maps: str = "one",
    ) -> None:
        self.names = tuple(names)
        self.maps = maps
        self.scores: dict[str, Array] = {
            name: np.asarray(values, np.float64)
            for name, values in scores.items()
        }
        twice = _repeated(self.names)
        if twice is not None:
            raise ValueError(f"the image {twice!r} is there twice")
        for name, values in self.scores.items():
            if values.shape != (len(self.names),):
                raise ValueError(
                    f"{name} must have one value for each of the "
                    f"{len(self.names)} images; received {values.shape}"
                )

    @classmethod
    def join(cls, parts: Iterable["Evaluation"]) -> "Evaluation":
        """Return one result of several, each of other images.

        Args:
            parts: Results by the same metrics, in the order of the images;
                such as those of `evaluate(shard=(1, n))` to `(n, n)`.

        Returns:
            The result of all images, to the last digit as from one process.

        Raises:
            ValueError: If there is none, if they have other metrics, or if an
                image is in two of them.
        """
        parts = list(parts)
        if not parts:
            raise ValueError("there are no results to join")
        first = parts[0]
        for part in parts:
            if set(part.scores) != set(first.scores) or (
                part.maps != first.maps
            ):
                raise ValueError(
                    "the results to join have other metrics: "
                    f"{', '.join(first.scores)} (maps={first.maps!r}) and "
                    f"{', '.join(part.scores)} (maps={part.maps!r})"
                )
        names = [name for part in parts for name in part.names]
        twice = _repeated(names)
        if twice is not None:
            raise ValueError(f"the image {twice!r} is in two of the results")
        columns = {
            name: np.concatenate([part.scores[name] for part in parts])
            for name in first.scores
        }
        return cls(names, columns, maps=first.maps)

    def in_order_of(self, names: Sequence[str]) -> "Evaluation":
        """Return the same values in another order of the images.

        Args:
            names: The names of all images.

        Raises:
            KeyError: If there is no image of a name.
        """
        if self.names == tuple(names):
            return self
        place = {name: i for i, name in enumerate(self.names)}
        order = [place[name] for name in names]
        columns = {name: values[order] for name, values in self.scores.items()}
        return Evaluation(names, columns, maps=self.maps)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"Evaluation({len(self)} images: {', '.join(self.scores)})"

    def __str__(self) -> str:
        return self.table()

    def means(self) -> dict[str, float]:
        """Return the mean of each metric over the images."""
        return {
            name: float(known.mean()) if known.size else np.nan
            for name, known in self._known().items()
        }

    def intervals(
        self,
        *,
        confidence: float = 0.95,
        resamples: int = 10_000,
        seed: int = 0,
    ) -> dict[str, tuple[float, float]]:
        """Return bootstrap intervals of the means over images.

        Args:
            confidence: Probability between the two ends.
            resamples: Number of draws of the images with replacement.
            seed: Seed of the draws, which are the same for each metric.

        Returns:
            Dictionary of metric and `(low, high)`.
        """
        return {
            name: _statistics.interval(
                known, confidence=confidence, resamples=resamples, seed=seed
            )
            for name, known in self._known().items()
        }

    def table(self, *, confidence: float = 0.95) -> str:
        """Return the means with their intervals, one line per metric."""
        return _writing.table(self._rows(confidence))

    def _repr_html_(self) -> str:
        return html.table_of_text(
            self._rows(0.95), caption=f"{len(self)} images"
        )

    def _rows(self, confidence: float) -> list[list[str]]:
        intervals, means = self.intervals(confidence=confidence), self.means()
        first = "metric"
        if self.maps == "per_metric":
            first = "metric, of its own map"
        rows = [
            [
                first,
                "mean",
                f"{_writing.percent(confidence)} interval",
                "images",
            ]
        ]
        for name, known in self._known().items():
            low, high = intervals[name]
            rows.append(
                [
                    scores.title(name),
                    f"{means[name]:.4f}",
                    f"{low:.4f} .. {high:.4f}",
                    str(known.size),
                ]
            )
        return rows

    def _known(self) -> dict[str, Array]:
        return {
            name: values[~np.isnan(values)]
            for name, values in self.scores.items()
        }

    def to_frame(
        self,
        library: Library = "pandas",
        *,
        of: Literal["images", "means"] = "images",
        confidence: float = 0.95,
    ) -> Any:
        """Return the values as a data frame.

        Args:
            library: "pandas" or "polars", which must be installed.
            of: "images" for a row per image: `name` and a column per metric;
                "means" for a row per metric: `metric`, `mean`, `low` and
                `high` of the interval of the mean, and the number of
                `images` that have a value.
            confidence: Probability between the two ends of an interval.

        Returns:
            A `DataFrame`.

        Raises:
            NotInstalledError: If the library is not installed (an
                `ImportError`).
            ValueError: If `of` is neither.
        """
        columns: dict[str, Any]
        if of == "images":
            columns = {"name": list(self.names), **self.scores}
        elif of == "means":
            ends = self.intervals(confidence=confidence)
            columns = {
                "metric": list(self.scores),
                "mean": list(self.means().values()),
                "low": [low for low, _ in ends.values()],
                "high": [high for _, high in ends.values()],
                "images": [known.size for known in self._known().values()],
            }
        else:
            raise ValueError(
                f'of must be "images" or "means"; received {of!r}.'
            )
        return frames.new(columns, library)

    def to_csv(self, path: PathName) -> None:
        """Write one line per image, every digit of the values."""
        text = _writing.csv_text(self.names, self.scores)
        with replacing(path) as new:
            new.write_text(
                text, encoding="utf-8", errors="surrogateescape", newline=""
            )

    def to_json(self, path: PathName) -> None:
        """Write means, intervals and the values of each image.

        NaN is written as null and infinity as "inf": JSON knows neither.
        """
        content = {
            "maps": self.maps,
            "means": self.means(),
            "intervals": self.intervals(),
            "names": self.names,
            "scores": {n: v.tolist() for n, v in self.scores.items()},
        }
        text = _writing.to_json(content, indent=1) + "\n"
        write_text(path, text)

    @classmethod
    def load(cls, path: PathName) -> Self:
        """Read a `.csv` file of `to_csv`, or a file of `to_json`.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is damaged, or another file; the message names
                it.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            maps = "one"
            if path.suffix.lower() == ".csv":
                header, *rows = csv.reader(io.StringIO(text, newline=""))
                if header[0] != "name":
                    raise ValueError("its first column is not 'name'")
                names = [row[0] for row in rows]
                columns = zip(
                    *(row[1:] for row in rows if len(row) == len(header)),
                    strict=True,
                )
                scores = dict.fromkeys(header[1:], ())
                scores |= zip(header[1:], columns, strict=bool(rows))
            else:
                content = json.loads(text)
                names, scores = content["names"], content["scores"]
                maps = content.get("maps", maps)
            return cls(
                names,
                {
                    name: np.array(values, np.float64)
                    for name, values in scores.items()
                },
                maps=maps,
            )
        except OSError:
            raise
        except Exception as error:  # what is wrong may be anywhere in it
            raise ValueError(
                f"{path} is damaged, or not a file of an Evaluation "
                f"({error!r}). Make it anew."
            ) from error


def _repeated(names: Iterable[str]) -> str | None:
    """Return the first name that was there before, if there is one."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
