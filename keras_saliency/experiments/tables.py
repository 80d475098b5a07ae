"""The paper's tables, and ours beside them."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency import evaluation
from keras_saliency._utils import html
from keras_saliency._utils.atomic import replacing, write_text
from keras_saliency._utils.types import Array, ArrayLike, PathName
from keras_saliency.evaluation import scores
from keras_saliency.experiments.aligned import aligned

# "table1" to "table4" as printed: each a dictionary with "title" and "rows".
TABLES: dict[str, Any] = json.loads(
    Path(__file__).with_name("paper_tables.json").read_text(encoding="utf-8")
)
# Marks of our three best rows of a metric.
MARKS = ("***", "**", "*")
_LEGEND = (
    "Ours with its 95 % interval and rank / the paper's and its rank; ***, **, "
    "* mark our best three."
)


def printed_row(table: str, name: str) -> dict[str, Any]:
    """Return a row of one of the paper's tables.

    Args:
        table: "table1" to "table4".
        name: The row's name.

    Returns:
        Dictionary of the row's name and of the metrics' titles
        (`evaluation.METRICS[metric].title`) and values.

    Raises:
        KeyError: If there is no such row.
    """
    for row in TABLES[table]["rows"]:
        if row["name"] == name:
            return row
    raise KeyError(f"{table} has no row {name!r}.")


def printed_metrics(table: str) -> list[str]:
    """Return the names of the metrics that one of the paper's tables has."""
    first = TABLES[table]["rows"][0]
    return [m for m in evaluation.SEVEN if _title(m) in first]


class Table:
    """Our results as the rows of one of the paper's tables.

    The text of a table shows, for each metric, our mean with its 95 %
    interval and rank, then the paper's value and rank.

    Args:
        name: "table1" to "table4", whose rows are looked up by name. For a
            table of any other name the paper has no numbers.
        results: Dictionary of a row's name and a list of `Evaluation`s of the
            same images, one per seed.
        dataset: Name of the data set, where the paper's table has several.

    Attributes:
        name: Name of the table's files.
        metrics: Names of the metrics, in the paper's order.
        rows: Dictionary of a row's name and its cells: metric -> dictionary
            of "ours", "low", "high", "seeds" (the mean of each), "paper" and
            the two ranks; `None` for a metric that was not measured. "ours"
            and what belongs to it are `None` where no image has a value.

    Raises:
        ValueError: If there is no row, or rows have other metrics or images.
    """

    def __init__(
        self,
        name: str,
        results: Mapping[str, Sequence[evaluation.Evaluation]],
        dataset: str | None = None,
    ) -> None:
        self.name = name if dataset is None else f"{name}_{dataset}"
        self._printed = {
            row["name"]: row
            for row in TABLES.get(name, {"rows": []})["rows"]
            if dataset is None or row.get("dataset") in (None, dataset)
        }
        results = aligned(results, of=self.name)
        first = next(iter(results.values()))[0]
        self.metrics = [m for m in evaluation.SEVEN if m in first.scores]
        self.rows = {
            row: {m: self._cell(row, m, runs) for m in evaluation.SEVEN}
            for row, runs in results.items()
        }
        for metric in self.metrics:
            self._rank(metric, "ours")
            self._rank(metric, "paper")

    def _cell(
        self, row: str, metric: str, runs: Sequence[evaluation.Evaluation]
    ) -> dict[str, Any] | None:
        if metric not in self.metrics:
            return None
        values = np.array([run.scores[metric] for run in runs])
        paper = self._printed.get(row, {}).get(_title(metric))
        if np.isnan(values).all(axis=1).any():
            none = dict.fromkeys(("ours", "low", "high", "seeds"))
            return {"paper": paper, **none}
        low, high = interval(values)
        return {
            "paper": paper,
            "ours": float(np.nanmean(values)),
            "low": low,
            "high": high,
            "seeds": np.nanmean(values, axis=1).tolist(),
        }

    def _rank(self, metric: str, whose: str) -> None:
        sign = 1 if scores.lower_is_better(metric) else -1
        cells: list[Any] = [cells[metric] for cells in self.rows.values()]
        known = sorted(
            sign * cell[whose] for cell in cells if cell[whose] is not None
        )
        for cell in cells:
            rank = None
            if cell[whose] is not None:
                rank = 1 + known.index(sign * cell[whose])
            cell[f"{whose}_rank"] = rank

    def lines(self) -> Iterator[list[str]]:
        """Yield the header and the rows, each a list of cells as text."""
        yield ["", *map(_title, self.metrics)]
        for row, cells in self.rows.items():
            yield [row, *(_text(cells[metric]) for metric in self.metrics)]

    def __str__(self) -> str:
        lines = list(self.lines())
        widths = [
            max(len(c) for c in column) for column in zip(*lines, strict=True)
        ]
        text = [
            "  ".join(
                c.ljust(w) for c, w in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        ]
        return "\n".join([*text, _LEGEND])

    def _repr_html_(self) -> str:
        return html.table_of_text(list(self.lines()), caption=_LEGEND)

    def write(self, folder: PathName, suffix: str | None = None) -> None:
        """Write `NAME.json`, `NAME.csv` and `NAME.md`.

        Args:
            folder: Folder that the files are written to.
            suffix: Added to the name: `NAME_SUFFIX.json`.
        """
        name = self.name if suffix is None else f"{self.name}_{suffix}"
        path = Path(folder) / name
        text = json.dumps(self.rows, indent=1) + "\n"
        write_text(path.with_suffix(".json"), text)
        with (
            replacing(path.with_suffix(".csv")) as new,
            open(new, "w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            kinds = ("ours", "low", "high", "ours_rank", "paper", "paper_rank")
            writer.writerow(["row", "metric", *kinds])
            for row, cells in self.rows.items():
                for metric in self.metrics:
                    cell: Any = cells[metric]
                    writer.writerow([row, metric, *(cell[k] for k in kinds)])
        header, *lines = self.lines()
        markdown = ["| " + " | ".join(header) + " |", "|---" * len(header)]
        markdown[1] += "|"
        for line in lines:
            escaped = (c.replace("*", r"\*") for c in line)
            markdown.append("| " + " | ".join(escaped) + " |")
        write_text(path.with_suffix(".md"), "\n".join(markdown) + "\n")


def interval(
    values: ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the bootstrap interval of a mean over seeds and images.

    Seeds and images are drawn with replacement, each independently.
    (`scipy.stats.bootstrap` refuses a single seed, and its ends differ from
    these in the last digit.)

    Args:
        values: Array `(seeds, images)`. An image that is NaN for all seeds is
            left out; any other NaN is left out of the means.
        confidence: Probability between the two ends.
        resamples: Number of draws.
        seed: Seed of the draws.

    Returns:
        `(low, high)`.
    """
    rng = np.random.default_rng(seed)
    table: Array = np.asarray(values, np.float64)
    table = table[:, ~np.isnan(table).all(axis=0)]
    seeds, count = table.shape
    means = []
    for _ in range(resamples):
        drawn = table[rng.integers(seeds, size=seeds)]
        means.append(np.nanmean(drawn[:, rng.integers(count, size=count)]))
    tail = 50 * (1 - confidence)
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def _title(metric: str) -> str:
    """Return a metric's name in the paper's tables."""
    return evaluation.METRICS[metric].title


def _text(cell: Any) -> str:
    text = "–"
    if cell["ours"] is not None:
        text = f"{cell['ours']:.4f}"
        if cell["ours_rank"] <= len(MARKS):
            text += MARKS[cell["ours_rank"] - 1]
        text += f" [{cell['low']:.3f} {cell['high']:.3f}] {cell['ours_rank']}"
    if cell["paper"] is not None:
        text += f" / {cell['paper']:.4f} {cell['paper_rank']}"
    return text
