"""The coefficients that a search chose, against KLD, LC1 and LC2.

    python examples/compare_coefficients.py --data MIT1003 \
        --backbone-weights FILE --sets OSIE=PATH Scene=PATH

takes the chosen combination from what coefficients.py wrote
(`RESULTS/coefficients.json`), trains it and the three others by the recipe of
table 2, whose trainings in `RESULTS/runs` are not done again, and compares them
image by image on the test part and on other sets (`evaluation.compare`; with
several seeds, the mean over them; p-values corrected by Holm's method over all
comparisons). Prints and writes `compare_coefficients.md` and `.json`.

The chosen one counts as better if on each set, in CC, NSS and KL, the 95 %
interval of its difference from each of the others is on the better side of
zero.
"""

import dataclasses
import json

import numpy as np
from coefficients import (
    OBJECTIVES,
    REFERENCES,
    combined,
    described,
    sign,
)

from keras_saliency import evaluation, experiments
from keras_saliency.evaluation._statistics import holm
from keras_saliency.experiments import RECIPE, command_line

NAME = "searched"


def main(arguments=None):
    """Train and measure what is missing, then compare."""
    parser = command_line.parser(__doc__)
    command_line.add_training_arguments(parser)
    command_line.add_seeds_argument(parser)
    command_line.add_sets_argument(parser)
    parser.add_argument(
        "--test-images",
        type=command_line.count,
        help="images of each set, spread over it; default: all",
    )
    arguments = parser.parse_args(arguments)
    weights = chosen(arguments.results / "coefficients.json")
    parts = command_line.load_parts(arguments.data)
    train = parts["train"]
    sets = {train.name: (parts["test"], "test")}
    for name, other in command_line.load_sets(arguments.sets).items():
        sets[name] = (other, "all")
    if arguments.test_images:
        # Under another name than what table2.py measures on all images.
        sets = {
            name: (
                command_line.spread(images, arguments.test_images),
                f"{part}_{arguments.test_images}",
            )
            for name, (images, part) in sets.items()
        }
    trainer = command_line.head_trainer(arguments, arguments.precision)
    recipe = dataclasses.replace(RECIPE, epochs=arguments.epochs)
    prior = train.mean_density(trainer.model().map_size)
    rows = {
        NAME: (combined(weights, prior), described(weights)),
        **{short: (row, row) for short, row in REFERENCES.items()},
    }
    trainer.check([loss for loss, _ in rows.values()], train)
    plans = [
        trainer.plan(loss, train, recipe, seed=seed, name=name)
        for seed in arguments.seeds
        for loss, name in rows.values()
    ]
    experiments.announce(
        "compare_coefficients",
        [plan.training for plan in plans],
        measured=sum(len(d) for d, _ in sets.values()) * len(plans),
        results=arguments.results,
    )
    scores = {name: {row: [] for row in rows} for name in sets}
    for seed in arguments.seeds:
        for row, (loss, name) in rows.items():
            run = trainer.train(loss, train, recipe, seed=seed, name=name)
            for set_name, (images, part) in sets.items():
                result = experiments.score(run, images, part)
                scores[set_name][row].append(result)
    write(compared(scores), weights, arguments.results)


def chosen(path):
    """Return the weights that a search chose.

    Raises:
        ValueError: If there is no such search, or none is on the front.
    """
    if not path.exists():
        raise ValueError(
            f"There is no {path}: run coefficients.py with the same --results."
        )
    content = experiments.read_record(path, "chosen", "trials")
    for trial in content["trials"]:
        if trial["number"] == content["chosen"]:
            return trial["weights"]
    raise ValueError(
        f"{path} has no combination on the front: give more --trials."
    )


def compared(scores):
    """Compare the chosen combination with the others on each set.

    Args:
        scores: Set -> row -> one `Evaluation` per seed.

    Returns:
        Dictionary of "images" (set -> number), "seeds", "means" (set -> row
        -> metric -> mean), "differences" (set -> reference -> metric ->
        difference, ends of its interval, corrected p-value, and whether the
        chosen one is better, 1, worse, -1, or neither, 0, by the interval)
        and "better", the verdict.
    """
    means, differences, p_values = {}, {}, {}
    for name, rows in scores.items():
        whole = {row: over_seeds(results) for row, results in rows.items()}
        means[name] = {row: result.means() for row, result in whole.items()}
        differences[name] = {}
        for other in REFERENCES:
            found = evaluation.compare(whole[NAME], whole[other])
            differences[name][other] = {
                metric: {
                    "difference": row.difference,
                    "low": row.low,
                    "high": row.high,
                    "better": sign(metric) * ((row.low > 0) - (row.high < 0)),
                }
                for metric, row in found.rows.items()
            }
            for metric, row in found.rows.items():
                p_values[name, other, metric] = row.p_value
    for (name, other, metric), p_value in holm(p_values).items():
        differences[name][other][metric]["p"] = p_value
    first = next(iter(scores.values()))
    return {
        "images": {name: len(rows[NAME][0]) for name, rows in scores.items()},
        "seeds": len(first[NAME]),
        "means": means,
        "differences": differences,
        "better": all(
            cells[metric]["better"] == 1
            for others in differences.values()
            for cells in others.values()
            for metric in OBJECTIVES
        ),
    }


def over_seeds(results):
    """Return the mean of several seeds' values of each image."""
    return evaluation.Evaluation(
        results[0].names,
        {
            metric: np.mean([r.scores[metric] for r in results], axis=0)
            for metric in evaluation.SEVEN
        },
    )


def write(found, weights, results):
    """Print and write a comparison, as Markdown and as JSON."""
    titles = [evaluation.METRICS[m].title for m in evaluation.SEVEN]
    head = [
        "| | " + " | ".join(titles) + " |",
        "|---" * (len(titles) + 1) + "|",
    ]
    seeds = f"{found['seeds']} seed{'' if found['seeds'] == 1 else 's'}"
    lines = [f"{NAME}: {described(weights)}"]
    for name, rows in found["means"].items():
        lines += ["", f"{name}, {found['images'][name]} images, {seeds}:", ""]
        lines += head
        for row, means in rows.items():
            cells = (f"{means[metric]:.3f}" for metric in evaluation.SEVEN)
            lines.append(f"| {row} | {' | '.join(cells)} |")
        for other, cells in found["differences"][name].items():
            texts = map(in_words, (cells[m] for m in evaluation.SEVEN))
            lines.append(f"| {NAME} - {other} | {' | '.join(texts)} |")
    verdict = "is" if found["better"] else "is not"
    lines += [
        "",
        "+ better, - worse: the 95 % interval of the difference excludes zero; "
        "p by Holm's method over all comparisons.",
        "",
        f"The searched combination {verdict} better than KLD, LC1 and LC2 in "
        "CC, NSS and KL on all of these sets.",
    ]
    text = "\n".join(lines) + "\n"
    print(f"\n{text}")
    experiments.write_text(results / "compare_coefficients.md", text)
    content = {"weights": weights, **found}
    experiments.write_text(
        results / "compare_coefficients.json",
        json.dumps(content, indent=1) + "\n",
    )


def in_words(cell):
    """Return a difference as the text of a cell."""
    mark = {1: " +", 0: "", -1: " -"}[cell["better"]]
    return (
        f"{cell['difference']:+.3f} [{cell['low']:+.3f} {cell['high']:+.3f}] "
        f"p {cell['p']:.2g}{mark}"
    )


if __name__ == "__main__":
    command_line.run(main)
