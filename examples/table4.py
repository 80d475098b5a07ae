"""Table 4: SAM-VGG trained with W-MSE, LC1 and LC2.

    python examples/table4.py --data MIT1003 --backbone-weights FILE

trains SAM-VGG on the training part once with each loss, with table1.py's
recipe, and measures five metrics on the test part at the images' own sizes. A
row that is done is kept in `RESULTS/table4` and not done again; a training
that was stopped goes on after the last epoch it finished. On a CPU

    --precision mixed_bfloat16 --upsampling 2 --input-size 120x160

each make a step cheaper: half precision, losses on a map of 60x80 in place of
480x640 (which DF and GM send through VGG-16), and smaller images.

The rate of each row is chosen on the validation part, by short trainings with
each that is in question, which keep their results apart:

    --part validation --train-images 200 --test-images 60 --epochs 2
    --learning-rate 3e-4 --results results/rate_3e-4

and then given: `--learning-rate 1e-4 "LC 1=3e-4"`.

Prints and writes (`table4.json`, `.csv`, `.md`) the paper's numbers beside
ours; `figure4.png` shows the image, the ground truth and the map of each loss
for `--images` images.
"""

import keras

from keras_saliency import experiments, losses
from keras_saliency.experiments import NETWORK_RECIPE, command_line

# The paper's rows, and their names in `losses.get`.
ROWS = {"W-MSE": "W-MSE", "LC 1": "LC1", "LC 2": "LC2"}
NETWORK = "sam_vgg"


def main(arguments=None):
    """Train and measure what is missing, then report."""
    arguments = parsed(arguments)
    parts = command_line.load_parts(arguments.data)
    train = parts["train"].subset(slice(0, arguments.train_images))
    measured = parts[arguments.part].subset(slice(0, arguments.test_images))
    announce(arguments, train, measured)
    experiments.report(
        "table4",
        arguments.rows,
        lambda row: system(row, arguments, train),
        measured,
        part=arguments.part,
        results=arguments.results,
        images_shown=arguments.images,
        figure="figure4.png",
    )


def parsed(arguments):
    """Return the arguments of the command line."""
    parser = command_line.parser(__doc__)
    command_line.add_training_arguments(parser)
    command_line.add_table_arguments(parser)
    parser.add_argument(
        "--rows", nargs="+", default=ROWS, choices=ROWS, metavar="ROW"
    )
    parser.add_argument(
        "--train-images", type=command_line.count, help="default: all"
    )
    parser.add_argument(
        "--batch-size",
        type=command_line.count,
        default=NETWORK_RECIPE.batch_size,
    )
    command_line.add_option_by_row(
        parser,
        "--learning-rate",
        ROWS,
        command_line.network_rate,
        NETWORK_RECIPE.learning_rate,
        "of Adam, which falls to zero along a half cosine; authors: their "
        "optimizer",
    )
    parser.add_argument(
        "--input-size",
        type=command_line.input_size,
        default=(240, 320),
        metavar="HEIGHTxWIDTH",
    )
    parser.add_argument(
        "--upsampling",
        type=command_line.count,
        default=16,
        help="how many times as large as the features the map is that the "
        "losses see; LC 2 needs 32 pixels each way",
    )
    parser.add_argument(
        "--frozen-blocks", type=command_line.count_or_none, default=0
    )
    return parser.parse_args(arguments)


def announce(arguments, train, measured):
    """Check what the rows need, and say what will be done."""
    model = experiments.make(
        NETWORK,
        command_line.network_weights(arguments, NETWORK),
        **options_of(arguments),
    )
    seconds = experiments.network_seconds(NETWORK, model.input_shape[1:3])
    trainings, missing = [], 0
    for row in arguments.rows:
        settings = settings_of(row, arguments, train)
        missing += not experiments.check_kept(
            row,
            settings,
            measured,
            part=arguments.part,
            table="table4",
            results=arguments.results,
        )
        done = experiments.is_trained(folder_of(row, arguments), settings)
        trainings.append(
            experiments.Training(len(train), arguments.epochs, done, seconds)
        )
        loss_of(row, arguments, train, model)
    experiments.announce(
        "table4",
        trainings,
        measured=missing * len(measured),
        results=arguments.results,
    )
    del model
    keras.backend.clear_session()


def options_of(arguments):
    """Return the options of the network."""
    return {
        "input_shape": (*arguments.input_size, 3),
        "upsampling": arguments.upsampling,
        "frozen_blocks": arguments.frozen_blocks,
    }


def folder_of(row, arguments):
    """Return the folder that a row's run is kept in."""
    return arguments.results / "runs" / f"table4_{experiments.slug(row)}"


def loss_of(row, arguments, train, model):
    """Return the loss of a row."""
    return losses.get(
        ROWS[row],
        prior=train.mean_density(model.map_size),
        vgg_weights=arguments.backbone_weights,
    )


def settings_of(row, arguments, train):
    """Return what a row's result depends on."""
    height, width = arguments.input_size
    return {
        "model": NETWORK,
        "loss": ROWS[row],
        "data": train.name,
        "images": len(train),
        "epochs": arguments.epochs,
        "batch_size": arguments.batch_size,
        "learning_rate": arguments.learning_rate[row],
        "input": f"{height}x{width}",
        "upsampling": arguments.upsampling,
        "frozen_blocks": arguments.frozen_blocks,
        "precision": arguments.precision,
        "seed": arguments.seed,
        "backbone weights": command_line.told_weights(arguments, NETWORK),
    }


def system(row, arguments, train):
    """Return SAM-VGG trained with a row's loss, as an `experiments.System`."""
    settings = settings_of(row, arguments, train)
    run = experiments.train_network(
        NETWORK,
        folder_of(row, arguments),
        settings,
        train,
        backbone_weights=command_line.network_weights(arguments, NETWORK),
        loss=lambda model: loss_of(row, arguments, train, model),
        **options_of(arguments),
    )
    return experiments.System(
        run.model.saliency_map,
        settings,
        experiments.spent_on(run, len(train)),
    )


if __name__ == "__main__":
    command_line.run(main)
