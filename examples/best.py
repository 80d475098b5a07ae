"""The best model: past the paper, step by step.

    python examples/best.py --data MIT1003 --extra OSIE=PATH Scene=PATH \
        --backbone-weights FILE

starts from the paper's combination LC1 with the recipe of table 2 and adds one
thing at a time: mirrored images, the last block of VGG-16 trained too, other
data first, other weights of the loss' terms. Each step is measured on the
validation part; the test part is not touched. What is done is kept in
`RESULTS/best` and not done again. Prints and writes `best.json`, `.csv` and
`.md`.
"""

import dataclasses

from keras_saliency import experiments, losses
from keras_saliency.experiments import RECIPE, command_line

BLOCK5 = ("block5_conv1", "block5_conv2", "block5_conv3")
LC1 = "KLD + CC + NSS + R"
# Of the steps that also train the backbone's last layers.
TUNING_RATE = 3e-4


def main(arguments=None):
    """Train and measure what is missing, then report."""
    parser = command_line.parser(__doc__)
    command_line.add_training_arguments(parser)
    parser.add_argument(
        "--extra",
        type=command_line.named_folder,
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
    parser.add_argument(
        "--steps", nargs="+", choices=STEPS, default=STEPS, metavar="STEP"
    )
    arguments = parser.parse_args(arguments)
    parts = command_line.load_parts(arguments.data)
    arguments.extra = [*command_line.load_sets(arguments.extra).values()]
    announce(arguments, parts)
    measured = {}
    for name in arguments.steps:
        run = STEPS[name](arguments, trainer(arguments, name), parts["train"])
        measured[name] = [
            experiments.score(run, parts["validation"], "validation")
        ]
        table = experiments.Table("best", measured)
        print(f"\n{table}", flush=True)
    table.write(arguments.results)


def announce(arguments, parts):
    """Check what the steps need, and say what they are."""
    own = command_line.head_trainer(arguments, arguments.precision)
    tuned = {"tuned_layers": arguments.tuned_layers}
    own.check([LC1], parts["train"], **tuned)
    trainings = []
    if set(arguments.steps) & set(FROM_OTHER_DATA):
        for dataset in arguments.extra:
            own.check([LC1], dataset, **tuned)
            trainings.append(
                experiments.Training(len(dataset), arguments.epochs)
            )
    trainings += [
        experiments.Training(len(parts["train"]), arguments.epochs)
        for _ in arguments.steps
    ]
    experiments.announce(
        "best",
        trainings,
        measured=len(arguments.steps) * len(parts["validation"]),
        results=arguments.results,
    )


def trainer(arguments, step):
    """Return the trainer of a step, with a folder of the step's own.

    The name of a run's folder does not tell recipes apart.
    """
    return dataclasses.replace(
        command_line.head_trainer(arguments, arguments.precision),
        results=arguments.results / "best" / experiments.slug(step),
    )


def recipe_of_table_2(arguments, trainer, train):
    """Train as table2.py does."""
    recipe = dataclasses.replace(RECIPE, epochs=arguments.epochs)
    return trainer.train(LC1, train, recipe, seed=arguments.seed)


def mirrored(arguments, trainer, train):
    """Mirror half of the images."""
    recipe = dataclasses.replace(RECIPE, epochs=arguments.epochs, flip=True)
    return trainer.train(LC1, train, recipe, seed=arguments.seed)


def block5(arguments, trainer, train, loss=LC1, name=None, start=None):
    """Train the last three convolutions of VGG-16 too."""
    recipe = dataclasses.replace(
        RECIPE, epochs=arguments.epochs, learning_rate=TUNING_RATE, flip=True
    )
    return trainer.train(
        loss,
        train,
        recipe,
        seed=arguments.seed,
        name=name,
        start=start,
        tuned_layers=arguments.tuned_layers,
    )


def other_data_first(arguments, trainer, train, **options):
    """Train on the extra data sets before."""
    start = pretrained(arguments)
    return block5(arguments, trainer, train, start=start, **options)


def other_weights(arguments, trainer, train):
    """Give more weight to CC and less to KLD than LC1 does."""
    loss = (
        5 * losses.KLDivergence()
        + 5 * losses.CorrelationCoefficient()
        + losses.NormalizedScanpathSaliency()
    )
    return other_data_first(
        arguments, trainer, train, loss=loss, name="5 KLD + 5 CC + NSS"
    )


STEPS = {
    "LC1, recipe of table 2": recipe_of_table_2,
    "mirrored too": mirrored,
    "block 5 trained too": block5,
    "other data first": other_data_first,
    "other weights of the terms": other_weights,
}


# Steps that start from the extra data sets.
FROM_OTHER_DATA = ("other data first", "other weights of the terms")


def pretrained(arguments):
    """Return the run on the extra data sets, one after the other."""
    own = dataclasses.replace(
        command_line.head_trainer(arguments, arguments.precision),
        results=arguments.results / "best" / "extra",
    )
    recipe = dataclasses.replace(
        RECIPE, epochs=arguments.epochs, learning_rate=TUNING_RATE
    )
    run = None
    for dataset in arguments.extra:
        run = own.train(
            LC1,
            dataset,
            recipe,
            seed=arguments.seed,
            start=run,
            tuned_layers=arguments.tuned_layers,
        )
    return run


if __name__ == "__main__":
    command_line.run(main)
