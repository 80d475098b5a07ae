"""Choose the recipe of table 2, on the validation part only.

    python examples/choose_recipe.py --data MIT1003 --backbone-weights FILE

trains the baseline with each recipe (learning rate of Adam, epochs) and each
of a few losses of different kinds, and measures the validation part at the
images' own sizes. Prints and writes `choose_recipe_LOSS.json`, `.csv`, `.md`;
the ranks compare the recipes of one loss. What is done is kept in
`RESULTS/choose_recipe` and not done again.
"""

import dataclasses
import itertools

from keras_saliency import experiments
from keras_saliency.experiments import RECIPE, command_line

ROWS = ("MSE", "KLD + CC + NSS + R")


def main(arguments=None):
    """Train and measure what is missing, then report."""
    # --epochs takes several numbers here.
    parser = command_line.parser(__doc__, conflict_handler="resolve")
    command_line.add_training_arguments(parser)
    parser.add_argument(
        "--learning-rates",
        type=command_line.rate,
        nargs="+",
        default=[3e-4, 1e-3, 3e-3],
    )
    parser.add_argument(
        "--epochs", type=command_line.count, nargs="+", default=[RECIPE.epochs]
    )
    parser.add_argument(
        "--rows", type=command_line.loss_name, nargs="+", default=ROWS
    )
    arguments = parser.parse_args(arguments)
    parts = command_line.load_parts(arguments.data)
    trainer = command_line.head_trainer(arguments, arguments.precision)
    recipes = {}
    for rate, epochs in itertools.product(
        arguments.learning_rates, arguments.epochs
    ):
        name = f"learning rate {rate:g}, {epochs} epochs"
        # A folder each: a run's own does not tell recipes apart.
        folder = "choose_recipe", experiments.slug(name)
        own = dataclasses.replace(
            trainer, results=arguments.results.joinpath(*folder)
        )
        recipe = dataclasses.replace(RECIPE, epochs=epochs, learning_rate=rate)
        recipes[name] = own, recipe
    train = parts["train"]
    trainer.check(arguments.rows, train)
    plans = [
        own.plan(row, train, recipe, seed=arguments.seed)
        for row in arguments.rows
        for own, recipe in recipes.values()
    ]
    experiments.announce(
        "choose_recipe",
        [plan.training for plan in plans],
        measured=len(plans) * len(parts["validation"]),
        results=arguments.results,
    )
    for row in arguments.rows:
        measured = {}
        for name, (own, recipe) in recipes.items():
            run = own.train(row, train, recipe, seed=arguments.seed)
            measured[name] = [
                experiments.score(run, parts["validation"], "validation")
            ]
        table = experiments.Table("choose_recipe", measured)
        print(f"\n{row}\n{table}", flush=True)
        table.write(arguments.results, experiments.slug(row))


if __name__ == "__main__":
    command_line.run(main)
