"""Paired comparison of two results on the same images."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_saliency.evaluation import _bootstrap, _writing, scores

_CHUNK = 500


def compare(
    first, second, *, confidence=0.95, resamples=10_000, seed=0, names=None
):
    """Compares two models image by image.

    The difference of each metric is taken per image, so that what makes an
    image easy or hard for both cancels. Its mean gets a bootstrap interval
    over images, and a test of "the two are interchangeable": the share of
    random exchanges of the two models, image by image, that give a mean
    difference as large (a sign-flip test, two-sided). The p-values are not
    corrected for the number of metrics.

    Args:
        first: An `Evaluation`.
        second: Another one of the same images, in any order.
        confidence: Probability between the two ends of an interval.
        resamples: Number of random draws, for intervals and for the test,
            whose smallest p-value is `1 / (resamples + 1)`.
        seed: Seed of the draws.
        names: What the two are called in the table.

    Returns:
        A `Comparison`, with the metrics that both have. An image without a
        value (NaN) in either is left out of that metric.

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
    place = {name: i for i, name in enumerate(second.names)}
    order = [place[name] for name in first.names]
    rows = {}
    for name in common:
        pairs = np.stack([first.scores[name], second.scores[name][order]])
        pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
        difference = pairs[0] - pairs[1]
        sign = -1 if _lower_is_better(name) else 1
        count = difference.size
        low, high = _bootstrap.interval(
            difference, confidence=confidence, resamples=resamples, seed=seed
        )
        rows[name] = Row(
            *(pairs.mean(axis=1).tolist() if count else (np.nan, np.nan)),
            float(difference.mean()) if count else np.nan,
            low,
            high,
            _sign_flip_test(difference, resamples, seed),
            float(np.mean(sign * difference > 0)) if count else np.nan,
            count,
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

    def __init__(self, rows, names, confidence):
        self.rows, self.names, self.confidence = rows, names, confidence

    def __repr__(self):
        return f"Comparison({' - '.join(self.names)}: {', '.join(self.rows)})"

    def __str__(self):
        return self.table()

    def table(self):
        """The comparison as text, one line per metric."""
        lines = [
            [
                "metric",
                *self.names,
                "difference",
                f"{self.confidence:.0%} interval",
                "p",
                f"{self.names[0]} better",
                "images",
            ]
        ]
        for name, row in self.rows.items():
            metric = scores.METRICS.get(name)
            lines.append(
                [
                    (name if metric is None else metric.title)
                    + (" (lower is better)" if _lower_is_better(name) else ""),
                    f"{row.first:.4f}",
                    f"{row.second:.4f}",
                    f"{row.difference:+.4f}",
                    f"{row.low:+.4f} .. {row.high:+.4f}",
                    f"{row.p_value:.4f}",
                    f"{row.wins:.0%}",
                    str(row.images),
                ]
            )
        return _writing.table(lines)

    def to_json(self, path):
        """Writes the rows; NaN is written as null."""
        content = {
            "names": self.names,
            "confidence": self.confidence,
            "rows": {
                name: {
                    key: None if np.isnan(value) else value
                    for key, value in row._asdict().items()
                }
                for name, row in self.rows.items()
            },
        }
        Path(path).write_text(
            json.dumps(content, indent=1, allow_nan=False) + "\n",
            encoding="utf-8",
        )


def _lower_is_better(name):
    metric = scores.METRICS.get(name)
    return metric is not None and not metric.higher_is_better


def _sign_flip_test(difference, resamples, seed):
    """Two-sided p-value of a mean of zero, by random changes of sign."""
    if difference.size == 0:
        return np.nan
    rng = np.random.default_rng([seed, 1])
    observed = abs(difference.sum())
    # Sums in another order differ by rounding: equal ones must count.
    observed -= 1e-12 * np.abs(difference).sum()
    extreme = 0
    for start in range(0, resamples, _CHUNK):
        count = min(_CHUNK, resamples - start)
        signs = rng.integers(2, size=(count, difference.size)) * 2 - 1
        extreme += np.count_nonzero(np.abs(signs @ difference) >= observed)
    return (extreme + 1) / (resamples + 1)
