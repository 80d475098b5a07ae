"""Choose the recipe of table 2, on the validation part only.

    python examples/choose_recipe.py --data MIT1003 --backbone-weights FILE

trains the baseline with each recipe (learning rate of Adam, epochs) and each
of a few losses of different kinds, and measures the validation part at the
pictures' own sizes. Prints and writes `choose_recipe.json`, `.csv`, `.md`; the
ranks are those of a loss' recipes. What is done is kept in
`RESULTS/choose_recipe` and not done again.
"""

import argparse
import itertools

import common
import paper
import training

ROWS = ("MSE", "KLD + CC + NSS + R")


def main():
    """Train and measure what is missing, then report."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # Several numbers of epochs in the place of one.
        conflict_handler="resolve",
    )
    training.add_arguments(parser)
    parser.add_argument(
        "--learning-rates", type=float, nargs="+", default=[3e-4, 1e-3, 3e-3]
    )
    parser.add_argument("--epochs", type=int, nargs="+", default=[5])
    parser.add_argument("--rows", nargs="+", default=ROWS)
    arguments = parser.parse_args()
    parts = common.load(arguments.data)
    results = arguments.results
    for row in arguments.rows:
        measured = {}
        for rate, epochs in itertools.product(
            arguments.learning_rates, arguments.epochs
        ):
            name = f"learning rate {rate:g}, {epochs} epochs"
            # A folder each: a run's own does not tell recipes apart.
            arguments.results = results / "choose_recipe" / training.slug(name)
            recipe = training.Recipe(epochs=epochs, learning_rate=rate)
            run = training.trained(
                arguments, row, parts["train"], recipe, arguments.seed
            )
            measured[name] = [
                training.scored(*run, parts["validation"], "validation")
            ]
        table = paper.Table("choose_recipe", measured)
        print(f"\n{row}\n{table}", flush=True)
        table.write(results, training.slug(row))


if __name__ == "__main__":
    main()
