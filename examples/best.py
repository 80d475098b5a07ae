"""The best model: past the paper, step by step.

    python examples/best.py --data MIT1003 --extra OSIE=PATH Scene=PATH \
        --backbone-weights FILE

starts from the paper's combination LC1 with the recipe of table 2 and adds one
thing at a time: mirrored pictures, the last block of VGG-16 trained too, other
data first, other weights of the loss' terms. Each step is measured on the
validation part; the test part is not touched. What is done is kept in
`RESULTS/best` and not done again. Prints and writes `best.json`, `.csv` and
`.md`.
"""

import argparse
from pathlib import Path

import common
import paper
import training

from keras_saliency import datasets, losses

BLOCK5 = ("block5_conv1", "block5_conv2", "block5_conv3")
LC1 = "KLD + CC + NSS + R"


def main():
    """Train and measure what is missing, then report."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    training.add_arguments(parser)
    parser.add_argument(
        "--extra",
        nargs="+",
        required=True,
        metavar="NAME=PATH",
        help="data sets to train on first, in this order",
    )
    parser.add_argument(
        "--tuned-layers",
        nargs="+",
        default=BLOCK5,
        help="last layers of the backbone, which train too; default: block 5 "
        "of VGG-16",
    )
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    arguments = parser.parse_args()
    parts = common.load(arguments.data)
    measured = {}
    for name in arguments.steps:
        run = STEPS[name](_within(arguments, name), parts["train"])
        measured[name] = [
            training.scored(*run, parts["validation"], "validation")
        ]
        table = paper.Table("best", measured)
        print(f"\n{table}", flush=True)
    table.write(arguments.results)


def recipe_of_table_2(arguments, train):
    """The row of table 2."""
    recipe = training.Recipe(epochs=arguments.epochs)
    return training.trained(arguments, LC1, train, recipe, arguments.seed)


def mirrored(arguments, train):
    """Augmentation."""
    recipe = training.Recipe(epochs=arguments.epochs, flip=True)
    return training.trained(arguments, LC1, train, recipe, arguments.seed)


def block5(arguments, train, name=LC1, loss=None, start=None):
    """The last three convolutions of VGG-16 are tuned."""
    recipe = training.Recipe(
        epochs=arguments.epochs, learning_rate=3e-4, flip=True
    )
    return training.trained(
        arguments,
        name,
        train,
        recipe,
        arguments.seed,
        start=start,
        loss=loss,
        tuned_layers=arguments.tuned_layers,
    )


def other_data_first(arguments, train, **options):
    """Trained on the extra data sets before."""
    return block5(arguments, train, start=_pretrained(arguments), **options)


def other_weights(arguments, train):
    """More CC and less KLD than in LC1."""
    loss = (
        5 * losses.KLDivergence()
        + 5 * losses.CorrelationCoefficient()
        + losses.NormalizedScanpathSaliency()
    )
    return other_data_first(
        arguments, train, name="5 KLD + 5 CC + NSS", loss=loss
    )


STEPS = {
    "LC1, recipe of table 2": recipe_of_table_2,
    "mirrored too": mirrored,
    "block 5 trained too": block5,
    "other data first": other_data_first,
    "other weights of the terms": other_weights,
}


def _pretrained(arguments):
    """A model trained on the extra data sets one after the other."""
    arguments = argparse.Namespace(
        **{**vars(arguments), "results": arguments.results.parent / "extra"}
    )
    recipe = training.Recipe(epochs=arguments.epochs, learning_rate=3e-4)
    run = None
    for entry in arguments.extra:
        name, _, path = entry.partition("=")
        run = training.trained(
            arguments,
            LC1,
            datasets.load_path(Path(path), name=name),
            recipe,
            arguments.seed,
            start=run,
            tuned_layers=arguments.tuned_layers,
        )
    return run


def _within(arguments, step):
    """The arguments with a folder of the step's own.

    The name of a run's folder does not tell recipes apart.
    """
    results = arguments.results / "best" / training.slug(step)
    return argparse.Namespace(**{**vars(arguments), "results": results})


if __name__ == "__main__":
    main()
