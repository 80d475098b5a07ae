"""The values that `evaluate` returns: means, intervals, tables, files."""

import csv
import json
from pathlib import Path

import numpy as np

from keras_saliency.evaluation import _bootstrap, _writing, scores


class Evaluation:
    """Values of metrics, one per image, with their means and intervals.

    Args:
        names: Names of the images.
        scores: Dictionary of metric and values, shape `(N,)`. NaN where an
            image has no ground truth for a metric; such values are left out
            of the means.

    Attributes:
        names: As given.
        scores: As given, float64 arrays.
    """

    def __init__(self, names, scores):
        self.names = tuple(names)
        self.scores = {
            name: np.asarray(values, np.float64)
            for name, values in scores.items()
        }
        for name, values in self.scores.items():
            if values.shape != (len(self.names),):
                raise ValueError(
                    f"{name} must have one value for each of the "
                    f"{len(self.names)} images; received {values.shape}"
                )

    def __len__(self):
        return len(self.names)

    def __repr__(self):
        return f"Evaluation({len(self)} images: {', '.join(self.scores)})"

    def __str__(self):
        return self.table()

    def means(self):
        """The mean of each metric over the images, a dictionary."""
        means = {}
        for name, values in self.scores.items():
            known = values[~np.isnan(values)]
            means[name] = float(known.mean()) if known.size else np.nan
        return means

    def intervals(self, confidence=0.95, resamples=10_000, seed=0):
        """Bootstrap intervals of the means over images.

        Args:
            confidence: Probability between the two ends.
            resamples: Number of draws of the images with replacement.
            seed: Seed of the draws, which are the same for each metric.

        Returns:
            Dictionary of metric and `(low, high)`.
        """
        return {
            name: _bootstrap.interval(
                values[~np.isnan(values)],
                confidence=confidence,
                resamples=resamples,
                seed=seed,
            )
            for name, values in self.scores.items()
        }

    def table(self, confidence=0.95):
        """The means with their intervals as text, one line per metric."""
        intervals, means = self.intervals(confidence), self.means()
        rows = [["metric", "mean", f"{confidence:.0%} interval", "images"]]
        for name, values in self.scores.items():
            low, high = intervals[name]
            metric = scores.METRICS.get(name)
            rows.append(
                [
                    name if metric is None else metric.title,
                    f"{means[name]:.4f}",
                    f"{low:.4f} .. {high:.4f}",
                    str(np.count_nonzero(~np.isnan(values))),
                ]
            )
        return _writing.table(rows)

    def to_csv(self, path):
        """Writes one line per image, every digit of the values."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["name", *self.scores])
            for name, *values in zip(
                self.names, *self.scores.values(), strict=True
            ):
                writer.writerow([name, *map(repr, map(float, values))])

    def to_json(self, path):
        """Writes means, intervals and the values of each image.

        NaN is written as null and infinity as "inf": JSON knows neither.
        """
        content = {
            "means": self.means(),
            "intervals": self.intervals(),
            "names": self.names,
            "scores": {n: v.tolist() for n, v in self.scores.items()},
        }
        Path(path).write_text(
            json.dumps(_writing.as_json(content), indent=1, allow_nan=False)
            + "\n",
            encoding="utf-8",
        )

    @classmethod
    def load(cls, path):
        """Reads what `to_csv` (if it ends so) or `to_json` wrote."""
        path = Path(path)
        if path.suffix.lower() == ".csv":
            with open(path, newline="", encoding="utf-8") as file:
                header, *rows = csv.reader(file)
            names, *columns = zip(*rows, strict=True)
            columns = [np.array(column, float) for column in columns]
            return cls(names, dict(zip(header[1:], columns, strict=True)))
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            content["names"],
            {
                name: np.array(values, np.float64)
                for name, values in content["scores"].items()
            },
        )
