"""A report of results as one HTML file."""

import datetime
import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

import cv2
import keras
import numpy as np

from keras_saliency._utils import html
from keras_saliency._utils.atomic import write_text
from keras_saliency._utils.html import text
from keras_saliency._utils.types import PathName
from keras_saliency._version import __version__
from keras_saliency.datasets import SaliencyDataset
from keras_saliency.evaluation import _drawing, _statistics, _writing, scores
from keras_saliency.evaluation._drawing import Mean
from keras_saliency.evaluation._examples import Examples
from keras_saliency.evaluation.compare import Comparison, compare
from keras_saliency.evaluation.results import Evaluation

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def report(
    results: Evaluation | Mapping[str, Evaluation],
    path: PathName,
    *,
    dataset: SaliencyDataset | None = None,
    predictions: Any = None,
    by: str | None = None,
    examples: int = 3,
    title: str = "Evaluation",
    options: Mapping[str, Any] | None = None,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> None:
    """Write results as one HTML file, for a reviewer or a paper's appendix.

    It holds the means with their intervals, paired comparisons of the first
    result with each other one (`compare`, its p-values also corrected by
    Holm's method over all of them), how the scores of the images are
    distributed, the best and the worst images, the values of each image to
    save as CSV, the options and the versions. The file needs no other one, no
    network and no script; it is light or dark as the reader's system, and can
    be printed.

    Args:
        results: What `evaluate` returned, or a dictionary of several by name,
            all of the same images.
        path: The file to write or to replace.
        dataset: The images and their ground truth. The best and worst images
            are then shown; without it only their names and values are.
        predictions: The maps to show on them: what `evaluate` takes, for one
            result; for several a dictionary of that by name, which may lack
            some. Maps of the images shown are made anew.
        by: The metric that says what is best. Defaults to the first one.
        examples: Number of images of each kind: the best, the worst, and those
            where the first result differs most from another.
        title: The page's title.
        options: What else is to stand under "Options", such as
            `{"data": "MIT1003", "size": (300, 400)}`. A result does not know
            with which options it was made.
        confidence: Probability between the two ends of an interval.
        resamples: Number of random draws, for intervals and for tests.
        seed: Seed of the draws.

    Raises:
        ValueError: If the results are of different images, if none has a
            metric in common with the first, if `dataset` lacks an image, or
            if `predictions` are given without it or are of another name.
        OSError: If the file cannot be written.

    Examples:
    >>> import tempfile
    >>> from pathlib import Path
    >>> from keras_saliency.evaluation import Evaluation
    >>> result = Evaluation(["a", "b", "c"], {"cc": [0.5, 0.7, 0.6]})
    >>> path = Path(tempfile.mkdtemp()) / "report.html"
    >>> report(result, path)
    >>> "0.6000" in path.read_text(encoding="utf-8")
    True
    """
    if isinstance(results, Evaluation):
        results = {"result": results}
        if predictions is not None:
            predictions = {"result": predictions}
    results = dict(results)
    if not results:
        raise ValueError("results must hold at least one; received none")
    first = next(iter(results.values()))
    by = by or next(iter(first.scores), "")
    if by not in first.scores:
        raise ValueError(
            f"by must be a metric of the first result, "
            f"{', '.join(first.scores) or 'which has none'}; received {by!r}"
        )
    draws: dict[str, Any] = {
        "confidence": confidence,
        "resamples": resamples,
        "seed": seed,
    }
    name, *others = results
    compared = {
        other: compare(first, results[other], names=(name, other), **draws)
        for other in others
    }
    shown = Examples(results, by, examples, dataset, predictions or {})
    means = {name: _means(result, draws) for name, result in results.items()}
    sections = {
        "Means": _table_of_means(results, means, confidence),
        "Paired comparisons": _comparisons(compared, confidence),
        "Scores of the images": _distributions(results, means, confidence),
        "Best and worst images": shown.section(),
        "Options and versions": _provenance(options or {}, draws, results),
    }
    write_text(path, html.page(title, _body(title, first, sections)))


def _body(title: str, first: Evaluation, sections: Mapping[str, str]) -> str:
    filled = {name: html_ for name, html_ in sections.items() if html_}
    links = "".join(
        f'<li><a href="#s{i}">{text(name)}</a></li>'
        for i, name in enumerate(filled)
    )
    now = datetime.datetime.now(datetime.UTC)
    parts = [
        f'<header><h1>{text(title)}</h1><p class="faint">{len(first)} images, '
        f"{len(first.scores)} metrics; written {now:%Y-%m-%d %H:%M} UTC by "
        f"keras_saliency {text(__version__)}</p></header>",
        f'<nav aria-label="Sections"><ul>{links}</ul></nav><main>',
    ]
    for i, (name, content) in enumerate(filled.items()):
        parts.append(
            f'<section aria-labelledby="s{i}"><h2 id="s{i}">{text(name)}</h2>'
            f"\n{content}</section>"
        )
    return "\n".join([*parts, "</main>"])


def _means(result: Evaluation, draws: Mapping[str, Any]) -> dict[str, Mean]:
    ends = result.intervals(**draws)
    return {
        metric: Mean(value, *ends[metric])
        for metric, value in result.means().items()
    }


def _titled(metric: str) -> str:
    """Return a metric's title and which way is better, as HTML."""
    found = scores.METRICS.get(metric)
    title = text(scores.title(metric))
    if found is None:
        return title
    arrow, word = "↓", "lower"
    if found.higher_is_better:
        arrow, word = "↑", "higher"
    return (
        f'{title}&nbsp;<span aria-hidden="true">{arrow}</span>'
        f'<span class="hidden">({word} is better)</span>'
    )


def _table_of_means(
    results: Mapping[str, Evaluation],
    means: Mapping[str, Mapping[str, Mean]],
    confidence: float,
) -> str:
    metrics = list(dict.fromkeys(m for r in results.values() for m in r.scores))
    best = {}
    for metric in metrics:
        values = {
            name: of[metric].value
            for name, of in means.items()
            if metric in of and np.isfinite(of[metric].value)
        }
        found = scores.METRICS.get(metric)
        if len(values) > 1 and found is not None:
            choose = max if found.higher_is_better else min
            best[metric] = choose(values, key=values.__getitem__)
    rows = []
    for name, result in results.items():
        cells = [text(name)]
        if result.maps == "per_metric":
            cells = [f"{text(name)} <small>(each metric of its map)</small>"]
        for metric in metrics:
            if metric not in result.scores:
                cells.append("")
                continue
            mean = means[name][metric]
            number = f"{mean.value:.4f}"
            if best.get(metric) == name:
                number = f"<strong>{number}</strong>"
            left = int(np.isnan(result.scores[metric]).sum())
            cells.append(
                f"{number}<br><small>{mean.low:.4f} .. {mean.high:.4f}</small>"
                + (f"<br><small>{left} without</small>" if left else "")
            )
        rows.append(cells)
    caption = (
        f"Mean over the images, and its {_writing.percent(confidence)} "
        "bootstrap interval over images."
        + (" The best of a column is bold." if best else "")
        + " Images without ground truth for a metric are left out."
    )
    head = ["", *map(_titled, metrics)]
    return html.table(head, rows, caption=caption)


def _comparisons(compared: Mapping[str, Comparison], confidence: float) -> str:
    if not compared:
        return ""
    p_values = {
        (other, metric): row.p_value
        for other, comparison in compared.items()
        for metric, row in comparison.rows.items()
    }
    corrected = _statistics.holm(p_values)
    tested = int(np.isfinite([*p_values.values()]).sum())
    tables = []
    for other, comparison in compared.items():
        name = comparison.names[0]
        rows = []
        for metric, row in comparison.rows.items():
            each = [c.rows.get(metric, row) for c in compared.values()]
            ends = np.abs([[one.low, one.high] for one in each])
            reach = ends[np.isfinite(ends)].max(initial=0)
            mean = Mean(row.difference, row.low, row.high)
            holm = corrected[other, metric]
            rows.append(
                [
                    _titled(metric),
                    f"{row.first:.4f}",
                    f"{row.second:.4f}",
                    f"{row.difference:+.4f}",
                    f"{row.low:+.4f} .. {row.high:+.4f}",
                    _drawing.interval(mean, reach),
                    f"{row.p_value:.4f}",
                    f"{holm:.4f}",
                    f"{row.wins:.0%}",
                    str(row.images),
                ]
            )
        head = [
            "",
            text(name),
            text(other),
            "difference",
            f"{_writing.percent(confidence)} interval",
            '<span class="hidden">drawn</span>',
            "p",
            "p, Holm",
            f"{text(name)} better",
            "images",
        ]
        caption = f"{name} minus {other}, image by image."
        tables.append(html.table(head, rows, caption=caption))
    return "\n".join(tables) + (
        "<p>The interval is a bootstrap interval over images. p is that of a "
        "sign-flip test, two-sided: the share of random exchanges of the two, "
        "image by image, with as large a mean difference. Holm's method "
        f"corrects it for the {tested} tests of this page. "
        "“Better” counts images where it is strictly better.</p>"
    )


def _distributions(
    results: Mapping[str, Evaluation],
    means: Mapping[str, Mapping[str, Mean]],
    confidence: float,
) -> str:
    cards, rows = [], []
    metrics = dict.fromkeys(m for r in results.values() for m in r.scores)
    for metric in metrics:
        values = {
            name: result.scores[metric]
            for name, result in results.items()
            if metric in result.scores
        }
        drawn = _drawing.histograms(
            values,
            {name: means[name][metric] for name in values},
            scores.title(metric),
        )
        cards.append(f"<div><h3>{_titled(metric)}</h3>{drawn}</div>")
        for name, each in values.items():
            known = each[np.isfinite(each)]
            row = [f"{_titled(metric)}, {text(name)}"]
            if known.size:
                spread = known.std(ddof=1) if known.size > 1 else np.nan
                numbers = [spread, *np.quantile(known, _QUANTILES)]
                row += [f"{number:.4f}" for number in numbers]
            else:
                row += [""] * (1 + len(_QUANTILES))
            rows.append([*row, str(known.size)])
    head = ["", "standard deviation", "least"]
    head += [f"{q:.0%}" for q in _QUANTILES[1:-1]] + ["largest", "images"]
    return (
        "<p>How many images have which score, the same bins for all. The line "
        f"is the mean, the band its {_writing.percent(confidence)} "
        "interval.</p>"
        f'<div class="cards">{"".join(cards)}</div>'
        "<h3>Quantiles</h3>"
        + html.table(head, rows, caption="Of the scores of the images.")
    )


def _provenance(
    options: Mapping[str, Any],
    draws: Mapping[str, Any],
    results: Mapping[str, Evaluation],
) -> str:
    files = []
    for name, result in results.items():
        content = _writing.csv_text(result.names, result.scores)
        address = html.data_url(
            "text/csv", content.encode("utf-8", "surrogateescape")
        )
        files.append(
            f'<li><a download="{text(name)}.csv" href="{address}">'
            f"{text(name)}.csv</a>, the values of each image</li>"
        )
    given = html.pairs(list(options.items()))
    return (
        "<h3>Options</h3>"
        + (given if options else "<p>None were given to the report.</p>")
        + "<h3>Intervals and tests</h3>"
        + html.pairs(list(draws.items()))
        + "<h3>Written with</h3>"
        + html.pairs(_versions())
        + f"<h3>Files</h3><ul>{''.join(files)}</ul>"
        "<p>The metrics are those of the MIT saliency benchmark, exact, as "
        "docs/metrics.md of keras_saliency defines them.</p>"
    )


def _versions() -> list[tuple[str, str]]:
    backend = keras.config.backend()
    try:
        backend += f" {importlib.metadata.version(backend)}"
    except importlib.metadata.PackageNotFoundError:
        pass  # TensorFlow has builds of other names
    return [
        ("keras_saliency", __version__),
        ("Keras", f"{keras.__version__}, on {backend}"),
        ("NumPy", np.__version__),
        ("OpenCV", cv2.__version__),
        ("Python", f"{platform.python_version()}, {platform.system()}"),
    ]
