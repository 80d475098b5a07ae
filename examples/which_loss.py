"""Which loss to take, by metric and data set, from what table2.py measured.

    python examples/which_loss.py --scores docs/study/table2.npz \
        docs/study/table2_best_later.npz

ranks all rows of the files on each data set in them, with images and seeds
drawn by chance, and compares all pairs of rows, corrected by Holm's method
(`experiments.Ranking`). Writes `which_loss.md`, `which_loss.json`, which
`losses.recommended` reads in the package, and for the first data set a
critical-difference diagram per metric, `which_loss_METRIC.png`.
`--package` puts the three where the repository keeps them.
"""

import json
from pathlib import Path

import numpy as np

from keras_saliency import evaluation, experiments, losses
from keras_saliency._utils import figures
from keras_saliency.experiments import command_line

ROOT = Path(__file__).resolve().parents[1]
LEVEL = 0.05
SOURCE = (
    "{files}, by examples/which_loss.py: VGG-16 frozen, a head trained on "
    "MIT1003's training part by experiments.RECIPE."
)
TOP = """# Which loss?

What was the best loss for the network of [the study](study.md), by metric and
data set. The {losses} trained the same head
on the same 500 images of MIT1003 by one recipe; no other set was trained on.
[Table 2](study.md#table-2) says which images and how they were measured.
[All rows as a table](study/which_loss.html) to sort by each metric on each set.

```sh
python examples/which_loss.py --package \\
    --scores {files}
```

writes this page, its images and the numbers of `losses.recommended` from the
values of each image:

```python
from keras_saliency import losses

found = losses.recommended(metric="nss")
print(found.best, found.alike, found.rows[0])
print(found)
loss = losses.get(found.best)
```

- **Brackets** hold 95 % intervals. Images and seeds are drawn together, the
  same for all rows, and the rows are ranked anew in each draw.
- **Not distinguishable** from the best are rows whose difference from it has a
  p-value not below 0.05, corrected by Holm's method over all {comparisons:,}
  comparisons on a set ({pairs} pairs of rows by seven metrics). With so many
  the test is strict: it shows no difference between some rows whose ranks
  hardly overlap.
- **With one seed** the intervals and tests are over images alone. How much
  another training would change is not in them, so these lists are too short.
"""
LATER = """, and {names}, which
[came after the paper](study.md#losses-that-came-after-the-paper),"""


def main(arguments=None):
    """Rank and write."""
    parser = command_line.parser(__doc__)
    command_line.add_scores_arguments(parser, several=True)
    parser.add_argument(
        "--package",
        action="store_true",
        help="write docs/, docs/images/ and the package's JSON instead",
    )
    arguments = parser.parse_args(arguments)
    files = [Path(path) for path in arguments.scores]
    folder = arguments.results or files[0].parent
    page, data, images = folder, folder / "which_loss.json", folder
    if arguments.package:
        page, images = ROOT / "docs", ROOT / "docs" / "images"
        data = ROOT / "keras_saliency" / "losses" / "recommended.json"
    scores = experiments.join_scores(
        [experiments.read_scores(path) for path in files]
    )
    rankings = {
        name: experiments.Ranking(results, significant=LEVEL)
        for name, results in scores.items()
    }
    first = next(iter(rankings.values()))
    for metric in first.metrics:
        draw(first, metric, images / f"which_loss_{metric}.png")
    at = "images/" if arguments.package else ""
    names = [name_of(path) for path in files]
    for path, text in (
        (page / "which_loss.md", as_page(rankings, names, at)),
        (data, as_json(rankings, names)),
    ):
        experiments.write_text(path, text)
        print(path)


def name_of(path):
    """Return the path of a file, from the repository's root if it is there."""
    full = path.resolve()
    return (
        full.relative_to(ROOT) if full.is_relative_to(ROOT) else path
    ).as_posix()


def as_page(rankings, files, images):
    """Return the page as Markdown."""
    name, first = next(iter(rankings.items()))
    pairs = len(first.rows) * (len(first.rows) - 1) // 2
    later = [row.name for row in losses.LATER if row.name in first.rows]
    trained = f"{len(first.rows) - len(later)} losses of the paper's table 2"
    if later:
        trained += LATER.format(names=listed(later))
    lines = [
        TOP.format(
            losses=trained,
            files=" ".join(files),
            pairs=pairs,
            comparisons=pairs * len(first.metrics),
        )
    ]
    for set_name, ranking in rankings.items():
        seeds = f"{ranking.seeds} seed{'' if ranking.seeds == 1 else 's'}"
        lines += [
            f"## {set_name}",
            "",
            f"{ranking.images} images, {seeds}.",
            "",
            "| | best | its mean | its rank | not distinguishable |",
            "|---|---|---|---|---|",
        ]
        for metric in ranking.metrics:
            best, alike = ranking.places[metric][0], ranking.alike(metric)[1:]
            lines.append(
                f"| {title(metric)} | **{best.row}** | {best.mean:.3f} "
                f"[{best.low:.3f} {best.high:.3f}] | {best.rank_low} to "
                f"{best.rank_high} | {', '.join(alike) or 'none'} |"
            )
        lines.append("")
    lines += [
        "## One loss for all metrics",
        "",
        "Mean of a row's seven ranks, the ten best on the first set.",
        "",
        "| | " + " | ".join(rankings) + " |",
        "|---" * (len(rankings) + 1) + "|",
    ]
    means = {n: mean_ranks(ranking) for n, ranking in rankings.items()}
    for row in sorted(first.rows, key=means[name].get)[:10]:
        cells = " | ".join(f"{means[n][row]:.1f}" for n in rankings)
        lines.append(f"| {row} | {cells} |")
    lines += [
        "",
        f"## All rows on {name}",
        "",
        "The mean of each row with its interval, the best above. A bar on the "
        "right joins",
        "neighbors of which no two differ.",
        "",
        *(
            f"![{title(metric)} of all rows]({images}which_loss_{metric}.png)"
            for metric in first.metrics
        ),
    ]
    return "\n".join(lines) + "\n"


def listed(names):
    """Return names as a sentence lists them."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def as_json(rankings, files):
    """Return what `losses.recommended` reads, a row of numbers a line."""
    content = {}
    for name, ranking in rankings.items():
        content[name] = {
            "images": ranking.images,
            "seeds": ranking.seeds,
            "metrics": {
                metric: [cells(ranking, metric, p) for p in places]
                for metric, places in ranking.places.items()
            },
        }
    source = SOURCE.format(files=listed(files))
    text = json.dumps({"source": source, "level": LEVEL, "sets": content})
    return text.replace("[[", "[\n[").replace("], [", "],\n[") + "\n"


def cells(ranking, metric, place):
    """Return a `losses.MeasuredLoss` as a list."""
    best = ranking.places[metric][0].row
    p_value = 1.0
    if place.row != best:
        p_value = ranking.compare(best, place.row, metric).p_value
    numbers = [round(x, 5) for x in (place.mean, place.low, place.high)]
    ranks = [place.rank, place.rank_low, place.rank_high]
    return [place.row, *numbers, *ranks, float(f"{p_value:.3g}")]


def mean_ranks(ranking):
    """Return the mean rank of each row over the metrics."""
    ranks = {row: [] for row in ranking.rows}
    for places in ranking.places.values():
        for place in places:
            ranks[place.row].append(place.rank)
    return {row: float(np.mean(numbers)) for row, numbers in ranks.items()}


def draw(ranking, metric, path):
    """Draw the means of all rows, and bars that join those that are alike."""
    places = ranking.places[metric]
    figure = figures.new(7, 0.22 * len(places) + 0.8)
    axes, bars = figure.subplots(
        1, 2, sharey=True, gridspec_kw={"width_ratios": [4, 1]}
    )
    means = np.array([place.mean for place in places])
    ends = np.array([[place.low, place.high] for place in places]).T
    y = np.arange(len(places))
    axes.errorbar(
        means, y, xerr=np.abs(ends - means), fmt="o", ms=4, lw=1, color="0.2"
    )
    axes.set_yticks(y, [place.row for place in places], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(title(metric))
    axes.grid(axis="x", alpha=0.3)
    names = [place.row for place in places]
    for k, group in enumerate(ranking.groups(metric)):
        span = names.index(group[0]), names.index(group[-1])
        bars.plot([k, k], span, lw=3, color="0.4", solid_capstyle="butt")
    bars.axis("off")
    figures.saved(figure, path)


def title(metric):
    """Return a metric's name, and which way is better."""
    found = evaluation.METRICS[metric]
    return found.title + ("" if found.higher_is_better else " (lower)")


if __name__ == "__main__":
    command_line.run(main)
