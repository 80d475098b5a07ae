"""Paired comparison of two results on the same images."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_saliency._utils import frames, html
from keras_saliency._utils.atomic import write_text
from keras_saliency._utils.frames import Library
from keras_saliency._utils.types import PathName
from keras_saliency.evaluation import _statistics, _writing, scores
from keras_saliency.evaluation.results import Evaluation


def compare(
    first: Evaluation,
    second: Evaluation,
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> "Comparison":
    """Compare two models image by image.

    The difference of each metric is taken per image, so that what makes an
    image easy or hard for both cancels. Its mean gets a bootstrap interval
    over images, and a test of "the two are interchangeable": the share of
    random exchanges of the two models, image by image, that give a mean
    difference as large (a sign-flip test, two-sided). The p-values are not
    corrected for the number of metrics.

    Args:
        first: Values of the one model.
        second: Values of the other on the same images, in any order.
        confidence: Probability between the two ends of an interval.
        resamples: Number of random draws, for intervals and for the test,
            whose smallest p-value is `1 / (resamples + 1)`.
        seed: Seed of the draws.
        names: What the two are called in the table.

    Returns:
        One row for each metric that both have. An image without a value (NaN)
        in either is left out of that metric.

    Raises:
        ValueError: If the images differ, or no metric is in both.

    Examples:
    >>> from keras_saliency.evaluation import Evaluation
    >>> first = Evaluation(["a", "b", "c"], {"cc": [0.5, 0.7, 0.6]})
    >>> second = Evaluation(["a", "b", "c"], {"cc": [0.4, 0.4, 0.5]})
    >>> round(compare(first, second).rows["cc"].difference, 4)
    0.1667
    """
    if sorted(first.names) != sorted(second.names):
        only = set(first.names) ^ set(second.names)
        raise ValueError(
            "the two results are not of the same images: "
            f"{len(first)} and {len(second)}, {len(only)} of them in one only"
            + (f", such as {sorted(only)[0]!r}" if only else "")
        )
    common = [name for name in first.scores if name in second.scores]
    if not common:
        raise ValueError(
            "the two results have no metric in common: "
            f"{', '.join(first.scores)} and {', '.join(second.scores)}"
        )
    names = ("first", "second") if names is None else tuple(names)
    if len(names) != 2:
        raise ValueError(f"names must be two; received {names}")
    second = second.in_order_of(first.names)
    rows = {}
    for name in common:
        pairs = np.stack([first.scores[name], second.scores[name]])
        pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
        with np.errstate(invalid="ignore"):  # of infinite values
            difference = pairs[0] - pairs[1]
        sign = -1 if scores.lower_is_better(name) else 1
        count = difference.size
        means = pairs.mean(axis=1).tolist() if count else (np.nan, np.nan)
        low, high = _statistics.interval(
            difference, confidence=confidence, resamples=resamples, seed=seed
        )
        rows[name] = Row(
            first=means[0],
            second=means[1],
            difference=float(difference.mean()) if count else np.nan,
            low=low,
            high=high,
            p_value=_statistics.sign_flip_test(
                difference, resamples=resamples, seed=seed
            ),
            wins=float(np.mean(sign * difference > 0)) if count else np.nan,
            images=count,
        )
    return Comparison(rows, names, confidence)


class Row(NamedTuple):
    """Two models by one metric; the difference is first minus second.

    `wins` is the share of images where the first is strictly better.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float
    wins: float
    images: int


class Comparison:
    """Paired differences of two models, one `Row` per metric in `rows`."""

    def __init__(
        self, rows: Mapping[str, Row], names: Sequence[str], confidence: float
    ) -> None:
        self.rows, self.names, self.confidence = rows, names, confidence

    def __repr__(self) -> str:
        return f"Comparison({' - '.join(self.names)}: {', '.join(self.rows)})"

    def __str__(self) -> str:
        return self.table()

    def table(self) -> str:
        """Return the comparison as text, one line per metric."""
        return _writing.table(self._lines())

    def _repr_html_(self) -> str:
        return html.table_of_text(
            self._lines(), caption=f"{' - '.join(self.names)}, image by image"
        )

    def _lines(self) -> list[list[str]]:
        lines = [
            [
                "metric",
                *self.names,
                "difference",
                f"{_writing.percent(self.confidence)} interval",
                "p",
                f"{self.names[0]} better",
                "images",
            ]
        ]
        for name, row in self.rows.items():
            lines.append(
                [
                    _titled(name),
                    f"{row.first:.4f}",
                    f"{row.second:.4f}",
                    f"{row.difference:+.4f}",
                    f"{row.low:+.4f} .. {row.high:+.4f}",
                    f"{row.p_value:.4f}",
                    f"{row.wins:.0%}",
                    str(row.images),
                ]
            )
        return lines

    def to_frame(self, library: Library = "pandas") -> Any:
        """Return the rows as a data frame, one per metric.

        Args:
            library: "pandas" or "polars", which must be installed.

        Returns:
            A `DataFrame` with the columns `metric` and those of `Row`.

        Raises:
            NotInstalledError: If the library is not installed (an
                `ImportError`).
        """
        columns = {"metric": list(self.rows)}
        for field in Row._fields:
            columns[field] = [getattr(r, field) for r in self.rows.values()]
        return frames.new(columns, library)

    def to_json(self, path: PathName) -> None:
        """Write the rows; NaN is written as null."""
        content = {
            "names": self.names,
            "confidence": self.confidence,
            "rows": {name: row._asdict() for name, row in self.rows.items()},
        }
        text = _writing.to_json(content, indent=1) + "\n"
        write_text(path, text)


def _titled(name: str) -> str:
    note = " (lower is better)" if scores.lower_is_better(name) else ""
    return scores.title(name) + note
