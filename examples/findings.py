"""The paper's claims on losses, tested on the results of table 2.

    python examples/findings.py --scores docs/study/table2.npz

reads the values per image that table2.py wrote and answers: does each
combination beat its parts, how much does LC2 gain over MSE, which group of
losses is best, do the perceptual terms DF and GM help, does the center-bias
term R help. Each answer is a paired comparison over images and seeds: the mean
difference, its 95 % bootstrap interval, the p-value, and the paper's
difference beside it. P-values are corrected by Holm's method over all pairs of
rows and all metrics (`experiments.Ranking`). Prints, and writes `findings.md`
and `findings.json` beside table 2 (`table2.md`, `.csv`, `.json`).
"""

import json
from pathlib import Path

import numpy as np

from keras_saliency import evaluation, experiments, losses
from keras_saliency.experiments import command_line

# Which comparisons answer which question: (first, second) rows of table 2.
SIG_MSE = "SIG-MSE (lambda=0.55)"
THREE = "KLD + CC + NSS"
LC1 = "KLD + CC + NSS + R"
PERCEPTUAL = "KLD + CC + NSS + DF + GM"
LC2 = "KLD + CC + NSS + DF + GM + SIG-MSE + R"
DF, GM = "Deep Features (DF)", "Gram Matrices (GM)"
QUESTIONS = {
    "Does each combination beat its parts?": [
        ("SIG-MSE + R", SIG_MSE),
        (THREE, "KLD"),
        (THREE, "CC"),
        (THREE, "NSS"),
        (PERCEPTUAL, THREE),
        (PERCEPTUAL, DF),
        (PERCEPTUAL, GM),
        (LC1, THREE),
        (LC2, LC1),
        (LC2, PERCEPTUAL),
        (LC2, SIG_MSE),
    ],
    "What does LC2 gain over MSE?": [(LC2, "MSE")],
    "Do the perceptual terms DF and GM help?": [(PERCEPTUAL, THREE)],
    "Does the center-bias term R help?": [
        (LC1, THREE),
        ("SIG-MSE + R", SIG_MSE),
    ],
}


def main(arguments=None):
    """Compare and write."""
    parser = command_line.parser(__doc__)
    command_line.add_scores_arguments(parser)
    parser.add_argument("--dataset", default="MIT1003", help="a set in it")
    arguments = parser.parse_args(arguments)
    sets = experiments.read_scores(arguments.scores)
    if arguments.dataset not in sets:
        parser.error(f"{arguments.scores} has {', '.join(sets)} only")
    results = sets[arguments.dataset]
    lacking = [row.name for row in losses.TABLE2 if row.name not in results]
    if lacking:
        parser.error(
            f"{arguments.scores} lacks {len(lacking)} rows of table 2, such as "
            f"{lacking[0]}: run table2.py without --rows"
        )
    folder = arguments.results or Path(arguments.scores).parent
    table = experiments.Table("table2", results)
    table.write(folder)
    ranking = experiments.Ranking(results)
    lines = [
        "# Findings",
        "",
        f"{images_of(ranking)}, {ranking.seeds} seeds. P-values are "
        f"corrected over all {len(ranking.rows) * (len(ranking.rows) - 1) // 2}"
        f" pairs of rows by {len(ranking.metrics)} metrics.",
    ]
    found = []
    for question, pairs in QUESTIONS.items():
        lines += ["", f"## {question}", ""]
        for pair in pairs:
            facts = describe(pair, ranking)
            found.append({"question": question, **facts})
            lines += sentences(facts)
    lines += ["", "## Which group of losses is best?", "", *groups(table)]
    text = "\n".join(lines) + "\n"
    print(text)
    for name, content in (
        ("findings.md", text),
        ("findings.json", json.dumps(found, indent=1) + "\n"),
    ):
        experiments.write_text(folder / name, content)


def images_of(ranking):
    """Return how many images there are, and fewer by which metrics."""
    fewer = [
        f"{count} in {evaluation.METRICS[metric].title}"
        for metric, count in ranking.counted.items()
        if count < ranking.images
    ]
    note = f" ({', '.join(fewer)}, where the others lack a value)"
    return f"{ranking.images} images{note if fewer else ''}"


def describe(pair, ranking):
    """Return what one comparison shows, metric by metric."""
    first, second = (experiments.printed_row("table2", name) for name in pair)
    metrics = {}
    for metric in ranking.metrics:
        row = ranking.compare(*pair, metric)
        title = evaluation.METRICS[metric].title
        sign = 1 if evaluation.METRICS[metric].higher_is_better else -1
        ours = 0
        if ranking.differ(*pair, metric):
            ours = int(np.sign(sign * row.difference))
        theirs = first[title] - second[title]
        metrics[title] = {
            "first": rounded(row.first),
            "second": rounded(row.second),
            "difference": rounded(row.difference),
            "percent": share(row.difference, row.second),
            "low": rounded(row.low),
            "high": rounded(row.high),
            "p": rounded(row.p_value),
            "better": ours,
            "paper": theirs,
            "paper_percent": 100 * theirs / abs(second[title]),
            "paper_better": int(np.sign(sign * theirs)),
        }
    return {"first": pair[0], "second": pair[1], "metrics": metrics}


def share(difference, whole):
    """Return a difference in percent; None where that says nothing."""
    return rounded(100 * difference / abs(whole)) if whole else None


def rounded(number):
    """Return a number without the last digits, which differ by machine."""
    return float(f"{number:.9g}")


def sentences(facts):
    """Yield a comparison as lines of Markdown."""
    metrics = facts["metrics"]
    better = [m for m, f in metrics.items() if f["better"] > 0]
    worse = [m for m, f in metrics.items() if f["better"] < 0]
    same = [m for m, f in metrics.items() if f["better"] == 0]
    contradicted = [
        m for m, f in metrics.items() if f["better"] * f["paper_better"] < 0
    ]
    says = "; ".join(
        f"{word} in {', '.join(which)}"
        for word, which in (
            ("better", better),
            ("worse", worse),
            ("no difference shown", same),
        )
        if which
    )
    yield f"**{facts['first']}** against **{facts['second']}**: {says}."
    if contradicted:
        yield (
            f"**Contradicts the paper** in {', '.join(contradicted)}, where it "
            "has the opposite sign."
        )
    yield ""
    yield "| | first | second | difference | 95 % interval | p | paper |"
    yield "|---|---|---|---|---|---|---|"
    for title, f in metrics.items():
        yield (
            f"| {title} | {f['first']:.4f} | {f['second']:.4f} | "
            f"{f['difference']:+.4f} ({in_percent(f['percent'])}) | "
            f"{f['low']:+.4f} .. {f['high']:+.4f} | {f['p']:.4f} | "
            f"{f['paper']:+.4f} ({f['paper_percent']:+.1f} %) |"
        )
    yield ""


def in_percent(number):
    """Return percents as text."""
    return "–" if number is None else f"{number:+.1f} %"


def groups(table):
    """Yield the mean and the best row of each group, ours and the paper's."""
    titles = {m: evaluation.METRICS[m].title for m in evaluation.SEVEN}
    yield "Mean over the rows of a group, and its best row, ours and (paper's)."
    yield ""
    yield "| | rows | " + " | ".join(titles.values()) + " |"
    yield "|---" * (len(titles) + 2) + "|"
    names = {}
    for row in losses.TABLE2:
        names.setdefault(row.group, []).append(row.name)
    for kind in ("mean", "best"):
        for group, rows in names.items():
            cells = []
            for metric, title in titles.items():
                higher = evaluation.METRICS[metric].higher_is_better
                pick = {"mean": np.mean, "best": max if higher else min}[kind]
                ours = pick([table.rows[row][metric]["ours"] for row in rows])
                theirs = pick(
                    [experiments.printed_row("table2", r)[title] for r in rows]
                )
                cells.append(f"{ours:.4f} ({theirs:.4f})")
            yield (
                f"| {group}, {kind} | {len(rows)} | " + " | ".join(cells) + " |"
            )


if __name__ == "__main__":
    command_line.run(main)
