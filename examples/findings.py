"""The paper's claims on losses, tested on the results of table 2.

    python examples/findings.py --results results

reads what table2.py measured per image and answers: does each combination
beat its parts, how much does LC2 gain over MSE, which group of losses is best,
do the perceptual terms DF and GM help, does the center-bias term R help. Each
answer is a paired comparison over the test images (values averaged over
seeds): the mean difference, its 95 % bootstrap interval, the p-value of a
sign-flip test, and the paper's difference beside it. P-values are corrected
by Holm's method over all comparisons and metrics. Prints, and writes
`findings.md` and `findings.json`.
"""

import json

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
SIGNIFICANT = 0.05


def main(arguments=None):
    """Compare and write."""
    parser = command_line.parser(__doc__)
    parser.add_argument(
        "--results", type=command_line.folder, default="results"
    )
    parser.add_argument("--data-name", default="MIT1003")
    parser.add_argument("--part", default="test", choices=command_line.PARTS)
    parser.add_argument(
        "--seeds", type=command_line.seed, nargs="+", default=[0]
    )
    arguments = parser.parse_args(arguments)
    paths = {row.name: tables_of(arguments, row.name) for row in losses.TABLE2}
    for path in (path for row in paths.values() for path in row):
        if not path.exists():
            parser.error(f"{path} is missing: run table2.py first")
    scores = {row: read(paths[row]) for row in paths}
    pairs = sorted({p for pairs in QUESTIONS.values() for p in pairs})
    rows = {
        pair: evaluation.compare(scores[pair[0]], scores[pair[1]]).rows
        for pair in pairs
    }
    corrected = holm(
        {(p, m): rows[p][m].p_value for p in pairs for m in rows[p]}
    )
    lines = [
        "# Findings",
        "",
        f"{len(scores['MSE'])} images, {len(arguments.seeds)} seeds.",
    ]
    found = []
    for question, pairs in QUESTIONS.items():
        lines += ["", f"## {question}", ""]
        for pair in pairs:
            facts = describe(pair, rows[pair], corrected)
            found.append({"question": question, **facts})
            lines += sentences(facts)
    lines += ["", "## Which group of losses is best?", "", *groups(scores)]
    text = "\n".join(lines) + "\n"
    print(text)
    for name, content in (
        ("findings.md", text),
        ("findings.json", json.dumps(found, indent=1) + "\n"),
    ):
        with experiments.replacing(arguments.results / name) as new:
            new.write_text(content, encoding="utf-8")


def tables_of(arguments, row):
    """Return the paths of a row's values per image, one per seed."""
    data = experiments.slug(arguments.data_name)
    return [
        arguments.results
        / "runs"
        / f"{data}_{experiments.slug(row)}_seed{seed}"
        / f"{data}_{arguments.part}.csv"
        for seed in arguments.seeds
    ]


def read(paths):
    """Return the values per image, averaged over seeds."""
    runs = [evaluation.Evaluation.load(path) for path in paths]
    return evaluation.Evaluation(
        runs[0].names,
        {
            metric: np.mean([run.scores[metric] for run in runs], axis=0)
            for metric in evaluation.SEVEN
        },
    )


def holm(p_values):
    """Return p-values corrected for their number (Holm 1979)."""
    corrected, highest = {}, 0.0
    ordered = sorted(p_values, key=p_values.get)
    for place, key in enumerate(ordered):
        value = min(1.0, p_values[key] * (len(ordered) - place))
        highest = max(highest, value)
        corrected[key] = highest
    return corrected


def describe(pair, rows, corrected):
    """Return what one comparison shows, metric by metric."""
    first, second = (experiments.printed_row("table2", name) for name in pair)
    metrics = {}
    for metric, row in rows.items():
        title = evaluation.METRICS[metric].title
        sign = 1 if evaluation.METRICS[metric].higher_is_better else -1
        significant = corrected[pair, metric] < SIGNIFICANT
        ours = int(np.sign(sign * row.difference)) if significant else 0
        theirs = first[title] - second[title]
        metrics[title] = {
            "first": row.first,
            "second": row.second,
            "difference": row.difference,
            "percent": 100 * row.difference / abs(row.second),
            "low": row.low,
            "high": row.high,
            "p": corrected[pair, metric],
            "better": ours,
            "paper": theirs,
            "paper_percent": 100 * theirs / abs(second[title]),
            "paper_better": int(np.sign(sign * theirs)),
        }
    return {"first": pair[0], "second": pair[1], "metrics": metrics}


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
            f"{f['difference']:+.4f} ({f['percent']:+.1f} %) | "
            f"{f['low']:+.4f} .. {f['high']:+.4f} | {f['p']:.4f} | "
            f"{f['paper']:+.4f} ({f['paper_percent']:+.1f} %) |"
        )
    yield ""


def groups(scores):
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
                ours = pick([scores[row].means()[metric] for row in rows])
                theirs = pick(
                    [experiments.printed_row("table2", r)[title] for r in rows]
                )
                cells.append(f"{ours:.4f} ({theirs:.4f})")
            yield (
                f"| {group}, {kind} | {len(rows)} | " + " | ".join(cells) + " |"
            )


if __name__ == "__main__":
    command_line.run(main)
