"""The paper's recipe beside ours: which order of the losses is whose?

    python examples/paper_recipe.py --data MIT1003 --backbone-weights FILE

trains the baseline's head with losses of table 2 by the paper's recipe, SGD in
batches of 60, ended where the validation images no longer gain
(`experiments.PAPER_RECIPE`), at the rates of `--rates`, of which 0.001 is the
printed one, and by ours, Adam, as in table 2 (`experiments.RECIPE`). Plain SGD
goes as far as a loss is large: what a loss is worth and how far it carries at
0.001 are two things. Of the rates each loss has its best one, by the CC of the
validation images.

The network is ours in any case (features scaled, a map that does not begin
empty): without that it dies by the printed recipe (docs/training.md). Measured
are the seven metrics on the test part at the images' own sizes, and for each
recipe what the claims of the paper's section 4.3 compare (`PAIRS`).

A training that is done is kept in `RESULTS/paper_recipe`, and one that was
stopped goes on. On a small machine

    --input-size 150x200 --epochs 30 --validation-images 100 --rows MSE LC1 LC2

make it shorter. Prints and writes `paper_recipe.md` and `.json`.
"""

import dataclasses
import functools
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_saliency import callbacks, evaluation, experiments
from keras_saliency.experiments import PAPER_RECIPE, RECIPE, command_line

DF, GM = "Deep Features (DF)", "Gram Matrices (GM)"
THREE = "KLD + CC + NSS"
PERCEPTUAL = "KLD + CC + NSS + DF + GM"
# Of each group of the paper's table 2 what its claims are about.
ROWS = (
    "MSE",
    "SIG-MSE (lambda=0.55)",
    "BCE",
    "KLD",
    "CC",
    "NSS",
    DF,
    GM,
    THREE,
    PERCEPTUAL,
    "LC1",
    "LC2",
)
PRINTED, BEST, OURS = "SGD 0.001", "SGD, its best rate", "Adam, as table 2"
TITLES = [evaluation.METRICS[m].title for m in evaluation.SEVEN]
RATES = (0.001, 0.01, 0.1, 1.0)
# What the claims of section 4.3 compare: the first is said to be better, but of
# the pairs of different groups, which are said to be alike.
PAIRS = (
    ("LC2", "LC1"),
    ("LC1", "MSE"),
    ("LC2", "MSE"),
    (THREE, "KLD"),
    (THREE, "CC"),
    (THREE, "NSS"),
    (PERCEPTUAL, THREE),
    ("LC1", THREE),
    ("LC2", PERCEPTUAL),
    ("KLD", DF),
    ("KLD", GM),
    ("KLD", "MSE"),
    ("KLD", "CC"),
    ("KLD", "NSS"),
    ("KLD", "BCE"),
    ("MSE", "SIG-MSE (lambda=0.55)"),
)


def main(arguments=None):
    """Train and measure what is missing, then report."""
    arguments = parsed(arguments)
    parts = command_line.load_parts(arguments.data)
    train, test = parts["train"], parts["test"]
    validation = command_line.spread(
        parts["validation"], arguments.validation_images
    )
    trainer = trainer_of(arguments)
    trainer.check(arguments.rows, train)
    plans = {
        (recipe, row): planned(
            trainer, arguments, recipe, row, train, validation
        )
        for recipe in [*arguments.rates, OURS]
        for row in arguments.rows
    }
    experiments.announce(
        "paper_recipe",
        [plan.training for plan in plans.values()],
        measured=3 * len(arguments.rows) * len(test),
        results=arguments.results,
    )
    ended, diverged = {}, []
    for (recipe, row), plan in plans.items():
        try:
            run = plan.run()
            # The network is read again where it is measured.
            ended[recipe, row] = plan, run.logs, run.seconds
            del run
        except callbacks.DivergedError as error:
            diverged.append([recipe, row])
            print(f"{row} at {recipe}: {error}", flush=True)
        keras.backend.clear_session()
    write(arguments, ended, diverged, test)


def parsed(arguments):
    """Return the arguments of the command line."""
    parser = command_line.parser(__doc__)
    command_line.add_data_arguments(parser)
    parser.add_argument(
        "--rows", nargs="+", default=ROWS, choices=ROWS, metavar="ROW"
    )
    parser.add_argument(
        "--rates",
        nargs="+",
        type=command_line.rate,
        default=RATES,
        help="of SGD (default: %(default)s)",
    )
    parser.add_argument(
        "--epochs",
        type=command_line.count,
        default=PAPER_RECIPE.epochs,
        help="the most passes of the SGD recipes (default: %(default)s)",
    )
    parser.add_argument(
        "--patience", type=command_line.count, default=PAPER_RECIPE.patience
    )
    parser.add_argument(
        "--precision", default="float32", choices=command_line.PRECISIONS
    )
    parser.add_argument(
        "--input-size",
        type=command_line.input_size,
        metavar="HEIGHTxWIDTH",
        help="default: 300x400, as table 2",
    )
    parser.add_argument(
        "--validation-images", type=command_line.count, help="default: all"
    )
    return parser.parse_args(arguments)


def trainer_of(arguments):
    """Return the trainer of all recipes."""
    trainer = command_line.head_trainer(arguments, arguments.precision)
    size = arguments.input_size or trainer.input_shape[:2]
    return dataclasses.replace(trainer, input_shape=(*size, 3))


def planned(trainer, arguments, recipe, row, train, validation):
    """Return the `Planned` run of a recipe, a rate of SGD or `OURS`."""
    how, options = RECIPE, {"seed": arguments.seed}
    if recipe != OURS:
        how = dataclasses.replace(
            PAPER_RECIPE,
            learning_rate=recipe,
            epochs=arguments.epochs,
            patience=arguments.patience,
        )
        options["validation"] = validation
    # The name of a run's folder tells neither recipes nor sizes apart.
    size = "{}x{}".format(*trainer.input_shape[:2])
    name = experiments.slug(f"{size} {recipe}")
    own = dataclasses.replace(
        trainer, results=arguments.results / "paper_recipe" / name
    )
    plan = own.plan(row, train, how, **options)
    run = functools.partial(own.train, row, train, how, **options)
    return Planned(run, plan.training, plan.settings)


class Planned(NamedTuple):
    """A training: what makes or reads it, its size, what it depends on."""

    run: Callable[[], experiments.Run]
    training: experiments.Training
    settings: dict[str, Any]


def chosen(arguments, ended):
    """Return what is shown: recipe and loss -> rate and loss of a training."""
    found = {}
    for row in arguments.rows:
        rates = [rate for rate in arguments.rates if (rate, row) in ended]
        if PAPER_RECIPE.learning_rate in rates:
            found[PRINTED, row] = PAPER_RECIPE.learning_rate, row
        if rates and [*arguments.rates] != [PAPER_RECIPE.learning_rate]:
            best = max(rates, key=lambda rate: reached(ended[rate, row]))
            found[BEST, row] = best, row
        if (OURS, row) in ended:
            found[OURS, row] = OURS, row
    return {
        (recipe, row): found[recipe, row]
        for recipe in (PRINTED, BEST, OURS)
        for row in arguments.rows
        if (recipe, row) in found
    }


def reached(training):
    """Return the best CC that a training had on the validation images."""
    _, logs, _ = training
    return max(logs["val_cc"])


def write(arguments, ended, diverged, test):
    """Print and write the table, and the comparisons by each recipe."""
    results, measured, lines = measure(arguments, ended, test)
    lines += [f"\n{row} diverged at {rate}." for rate, row in diverged]
    compared, more = compare(results)
    text = "\n".join([*lines, "", *more]) + "\n"
    print(f"\n{text}")
    content = {
        "trainings": [
            {
                "recipe": recipe,
                "row": row,
                "settings": plan.settings,
                "seconds": seconds,
                "logs": logs,
            }
            for (recipe, row), (plan, logs, seconds) in ended.items()
        ],
        "diverged": diverged,
        "measured": measured,
        "compared": compared,
    }
    experiments.write_text(arguments.results / "paper_recipe.md", text)
    experiments.write_text(
        arguments.results / "paper_recipe.json",
        json.dumps(content, indent=1) + "\n",
    )


def measure(arguments, ended, test):
    """Return the scores of what is shown, their means, and a table of them."""
    results, measured = {}, []
    lines = [
        f"| recipe | loss | rate | passes | {' | '.join(TITLES)} |",
        "|---" * (len(TITLES) + 4) + "|",
    ]
    for (recipe, row), key in chosen(arguments, ended).items():
        plan, logs, _ = ended[key]
        result = experiments.score(plan.run(), test, "test")
        keras.backend.clear_session()
        results.setdefault(recipe, {})[row] = [result]
        means = result.means()
        rate = plan.settings["recipe"]["learning_rate"]
        passes = passes_of(logs, plan.settings["recipe"])
        cells = " | ".join(f"{means[m]:.3f}" for m in evaluation.SEVEN)
        lines.append(f"| {recipe} | {row} | {rate:g} | {passes} | {cells} |")
        measured.append(
            {"recipe": recipe, "row": row, "rate": rate, "means": means}
        )
    return results, measured, lines


def compare(results):
    """Return the differences of `PAIRS` by each recipe, and a table of them."""
    compared = []
    lines = [
        f"| recipe | difference | {' | '.join(TITLES)} |",
        "|---" * (len(TITLES) + 2) + "|",
    ]
    for recipe, rows in results.items():
        pairs = [pair for pair in PAIRS if set(pair) <= set(rows)]
        ranking = experiments.Ranking(rows) if pairs else None
        for pair in pairs:
            found = {m: ranking.compare(*pair, m) for m in evaluation.SEVEN}
            cells = " | ".join(
                f"{d.difference:+.3f} [{d.low:+.3f} {d.high:+.3f}]"
                + ("*" if ranking.differ(*pair, m) else "")
                for m, d in found.items()
            )
            lines.append(f"| {recipe} | {' - '.join(pair)} | {cells} |")
            compared.append(
                {
                    "recipe": recipe,
                    "difference": list(pair),
                    "metrics": {m: d._asdict() for m, d in found.items()},
                }
            )
    lines += [
        "",
        "In brackets 95 % intervals over images. A star: the difference "
        "outlasts Holm's correction over all pairs of a recipe's rows by seven "
        "metrics.",
    ]
    return compared, lines


def passes_of(logs, recipe):
    """Return after how many passes the weights were best, and of how many."""
    done = len(logs["loss"])
    if "val_cc" not in logs:
        return done
    best = int(np.argmax(logs["val_cc"])) + 1
    rising = done - best < recipe["patience"]
    return f"{best} of {done}{', still rising' if rising else ''}"


if __name__ == "__main__":
    command_line.run(main)
