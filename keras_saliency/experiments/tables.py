"""The paper's tables, and ours beside them."""

import csv
import json
from pathlib import Path

import numpy as np

from keras_saliency import evaluation

TABLES = json.loads(
    Path(__file__).with_name("paper_tables.json").read_text(encoding="utf-8")
)
# Metrics as the paper's tables name them.
TITLES = {
    "cc": "CC",
    "sim": "SIM",
    "auc_judd": "AUC-Judd",
    "auc_borji": "AUC-Borji",
    "nss": "NSS",
    "emd": "EMD",
    "kl": "KL",
}
MARKS = ("***", "**", "*")


class Table:
    """Our results as the rows of one of the paper's tables.

    Args:
        name: "table1" to "table4", whose rows are looked up by name; of
            another table the paper has no numbers.
        results: Dictionary of the row's name and a list of `Evaluation`s of
            the same images, one per seed.
        dataset: Of the paper's rows, where a table has several.
    """

    def __init__(self, name, results, dataset=None):
        self.name = name if dataset is None else f"{name}_{dataset}"
        self.printed = {
            row["name"]: row
            for row in TABLES.get(name, {"rows": []})["rows"]
            if dataset is None or row.get("dataset") in (None, dataset)
        }
        first = next(iter(results.values()))[0]
        self.metrics = [m for m in TITLES if m in first.scores]
        self.rows = {
            row: {metric: self._cell(row, metric, runs) for metric in TITLES}
            for row, runs in results.items()
        }
        for metric in self.metrics:
            self._rank(metric, "ours")
            self._rank(metric, "paper")

    def _cell(self, row, metric, runs):
        if metric not in self.metrics:
            return None
        values = np.array([run.scores[metric] for run in runs])
        low, high = interval(values)
        return {
            "paper": self.printed.get(row, {}).get(TITLES[metric]),
            "ours": float(np.nanmean(values)),
            "low": low,
            "high": high,
            "seeds": np.nanmean(values, axis=1).tolist(),
        }

    def _rank(self, metric, whose):
        sign = -1 if evaluation.METRICS[metric].higher_is_better else 1
        cells = [cells[metric] for cells in self.rows.values()]
        known = sorted(
            sign * cell[whose] for cell in cells if cell[whose] is not None
        )
        for cell in cells:
            rank = None
            if cell[whose] is not None:
                rank = 1 + known.index(sign * cell[whose])
            cell[f"{whose}_rank"] = rank

    def lines(self):
        """Header and rows of cells, as text."""
        yield ["", *(TITLES[metric] for metric in self.metrics)]
        for row, cells in self.rows.items():
            yield [row, *(_text(cells[metric]) for metric in self.metrics)]

    def __str__(self):
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
        legend = (
            "Ours with its 95 % interval and rank / the paper's and its rank; "
            "***, **, * mark our best three."
        )
        return "\n".join([*text, legend])

    def write(self, folder, suffix=None):
        """Write `NAME.json`, `.csv` and `.md`."""
        name = self.name if suffix is None else f"{self.name}_{suffix}"
        path = Path(folder) / name
        path.with_suffix(".json").write_text(
            json.dumps(self.rows, indent=1) + "\n", encoding="utf-8"
        )
        with open(
            path.with_suffix(".csv"), "w", newline="", encoding="utf-8"
        ) as file:
            writer = csv.writer(file)
            kinds = ("ours", "low", "high", "ours_rank", "paper", "paper_rank")
            writer.writerow(["row", "metric", *kinds])
            for row, cells in self.rows.items():
                for metric in self.metrics:
                    cell = cells[metric]
                    writer.writerow([row, metric, *(cell[k] for k in kinds)])
        header, *lines = self.lines()
        markdown = ["| " + " | ".join(header) + " |", "|---" * len(header)]
        markdown[1] += "|"
        for line in lines:
            cells = (c.replace("*", r"\*") for c in line)
            markdown.append("| " + " | ".join(cells) + " |")
        path.with_suffix(".md").write_text(
            "\n".join(markdown) + "\n", encoding="utf-8"
        )


def interval(values, confidence=0.95, resamples=2000, seed=0):
    """Bootstrap interval of a mean over seeds and images.

    Seeds and images are drawn with replacement, each independently.

    Args:
        values: Array `(seeds, images)`; NaN is left out.
        confidence: Probability between the two ends.
        resamples: Number of draws.
        seed: Of the draws.

    Returns:
        `(low, high)`.
    """
    rng = np.random.default_rng(seed)
    values = values[:, ~np.isnan(values).all(axis=0)]
    seeds, count = values.shape
    means = []
    for _ in range(resamples):
        drawn = values[rng.integers(seeds, size=seeds)]
        means.append(np.nanmean(drawn[:, rng.integers(count, size=count)]))
    tail = 50 * (1 - confidence)
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def _text(cell):
    text = f"{cell['ours']:.4f}"
    if cell["ours_rank"] <= len(MARKS):
        text += MARKS[cell["ours_rank"] - 1]
    text += f" [{cell['low']:.3f} {cell['high']:.3f}] {cell['ours_rank']}"
    if cell["paper"] is not None:
        text += f" / {cell['paper']:.4f} {cell['paper_rank']}"
    return text
