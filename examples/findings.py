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

import argparse
import json
from pathlib import Path

import numpy as np
import paper
import training

from keras_saliency import evaluation, losses

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


def main():
    """Compare and write."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--data-name", default="MIT1003")
    parser.add_argument("--part", default="test")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    scores = {row.name: read(arguments, row.name) for row in losses.TABLE2}
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
    (arguments.results / "findings.md").write_text(text, encoding="utf-8")
    (arguments.results / "findings.json").write_text(
        json.dumps(found, indent=1) + "\n", encoding="utf-8"
    )


def read(arguments, row):
    """The values per image of a row, averaged over seeds."""
    runs = []
    for seed in arguments.seeds:
        name = f"{training.slug(arguments.data_name)}_{training.slug(row)}"
        path = arguments.results / "runs" / f"{name}_seed{seed}"
        path /= f"{training.slug(arguments.data_name)}_{arguments.part}.csv"
        if not path.exists():
            raise SystemExit(f"{path} is missing: run table2.py first.")
        runs.append(evaluation.Evaluation.load(path))
    return evaluation.Evaluation(
        runs[0].names,
        {
            metric: np.mean([run.scores[metric] for run in runs], axis=0)
            for metric in paper.TITLES
        },
    )


def holm(p_values):
    """P-values corrected for their number (Holm 1979)."""
    corrected, highest = {}, 0.0
    ordered = sorted(p_values, key=p_values.get)
    for place, key in enumerate(ordered):
        value = min(1.0, p_values[key] * (len(ordered) - place))
        highest = max(highest, value)
        corrected[key] = highest
    return corrected


def describe(pair, rows, corrected):
    """What one comparison shows, metric by metric."""
    first, second = (
        next(r for r in paper.TABLES["table2"]["rows"] if r["name"] == name)
        for name in pair
    )
    metrics = {}
    for metric, row in rows.items():
        title = paper.TITLES[metric]
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
    """A comparison as a list of lines in Markdown."""
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
    """Mean and best row of each group, ours and the paper's."""
    titles = list(paper.TITLES.items())
    yield "Mean over the rows of a group, and its best row, ours and (paper's)."
    yield ""
    yield "| | rows | " + " | ".join(title for _, title in titles) + " |"
    yield "|---" * (len(titles) + 2) + "|"
    names = {}
    for row in losses.TABLE2:
        names.setdefault(row.group, []).append(row.name)
    printed = {row["name"]: row for row in paper.TABLES["table2"]["rows"]}
    for kind in ("mean", "best"):
        for group, rows in names.items():
            cells = []
            for metric, title in titles:
                higher = evaluation.METRICS[metric].higher_is_better
                pick = {"mean": np.mean, "best": max if higher else min}[kind]
                ours = pick([scores[row].means()[metric] for row in rows])
                theirs = pick([printed[row][title] for row in rows])
                cells.append(f"{ours:.4f} ({theirs:.4f})")
            yield (
                f"| {group}, {kind} | {len(rows)} | " + " | ".join(cells) + " |"
            )


if __name__ == "__main__":
    main()
