"""Table 1: ten systems on one data set, classic models and networks.

    python examples/table1.py --data MIT1003 --backbone-weights FILE

measures five metrics on the test part at the images' own sizes: of the classic
models as they are, of two floors that the paper does not have (center bias,
uniform), and of networks trained on the same training part. Each network has
its authors' loss, and all have one recipe: Adam with a rate that falls to zero
along a half cosine. (The networks of the paper's table had seen other data.) A
row that is done is kept in `RESULTS/table1` and not done again; a training
that was stopped goes on after the last epoch it finished.

A small machine trains some rows in part, smaller or not at all:

    --rows Itti GBVS ShallowNet Sam-VGG
    --epochs 5 Sam-VGG=1 --input-size Sam-VGG=120x160 --train-images 200
    --precision Sam-VGG=mixed_bfloat16 --frozen-blocks Sam-VGG=3

Models that the paper names and its table does not have:

    --more
    --rows AIM BMS PDP

EML-NET joins ResNet-50 (`--resnet-weights`) and VGG-16; DeepGaze II reads
VGG-16, too, where its authors read VGG-19.

The authors' optimizers, made for more images and for days of training:

    --learning-rate authors

Who has the authors' released weights, or a `.keras` file, measures those:

    --weights Sam-VGG=sam-vgg_salicon_weights.pkl

Prints and writes (`table1.json`, `.csv`, `.md`) the paper's numbers beside
ours, the ranks of both and what was spent on each row; `table1.png` shows the
maps of `--images` images.
"""

import argparse
import functools
from pathlib import Path

import keras

from keras_saliency import experiments
from keras_saliency.experiments import (
    NETWORK_RECIPE,
    RECIPE,
    Recipe,
    System,
    Training,
    command_line,
)
from keras_saliency.models import classic

# RARE2012's README: the raw map is to be blurred and, for such images, a
# centered Gaussian to be added.
CLASSIC = {
    "Itti": classic.IttiKochGBVS(),
    "Rare2012": classic.RARE2012(blur=0.04, center=1.0),
    "GBVS": classic.GBVS(),
    "AWS": classic.AWS(),
    "Itti, SaliencyToolbox": classic.IttiKochToolbox(),
    "Rare2012, raw": classic.RARE2012(),
    "Spectral residual": classic.SpectralResidual(),
    "Uniform": classic.Uniform(),
}
# Classic models that the paper's text names, for --more.
NAMED = {
    "AIM": classic.AIM(),
    "SUN": classic.SUN(),
    "SUN, blurred": classic.SUN(blur=0.03),
    "Image signature": classic.ImageSignature(),
    "Image signature, RGB": classic.ImageSignature(color="rgb"),
    "BMS": classic.BooleanMapSaliency(),
}
CLASSIC |= NAMED
# Fitted to the training part.
CENTER = "Center bias"
# Entries of `models.MODELS`. ML-Net is not in the paper's table.
NETWORKS = {
    "Sam-ResNet": "sam_resnet",
    "SalGan": "salgan",
    "Sam-VGG": "sam_vgg",
    "ShallowNet": "shallow_net",
    "DeepConvNet": "deep_conv_net",
    "ML-Net": "ml_net",
}
# Networks that the text names, for --more.
NAMED_NETWORKS = {
    "SALICON": "salicon_net",
    "DeepGaze I, VGG-16": "deepgaze1",
    "DeepGaze II, VGG-16": "deepgaze2",
    "ICF": "icf",
    "DSCLRCN": "dsclrcn",
    "EML-NET": "eml_net",
    "PDP": "pdp",
}
NETWORKS |= NAMED_NETWORKS
MORE = (*NAMED, *NAMED_NETWORKS)
# Arguments of a row's network that the command line does not have.
FIXED = {"DeepGaze II, VGG-16": {"backbone": "vgg16"}}
# The baseline with the paper's MSE, trained as table2.py does.
OURS = "Our model"
ROWS = (*CLASSIC, CENTER, *NETWORKS, OURS)
# What is measured by default.
USUAL = tuple(row for row in ROWS if row not in MORE)


def word_or(word, kind):
    """Return what reads a word as it is, and any other text as a kind."""
    return lambda text: text if text == word else kind(text)


# Options that can differ by row: what reads a value, and the default.
OPTIONS = {
    "epochs": (command_line.count, RECIPE.epochs, "of training"),
    "train_images": (
        word_or("all", command_line.count),
        "all",
        "the first n to train on",
    ),
    "batch_size": (command_line.count, RECIPE.batch_size, "images per step"),
    "learning_rate": (
        command_line.network_rate,
        NETWORK_RECIPE.learning_rate,
        "of Adam for the networks; authors: their own optimizer",
    ),
    "input_size": (
        word_or("own", command_line.input_size),
        "own",
        "HEIGHTxWIDTH, or the network's own",
    ),
    "precision": (
        command_line.precision,
        "float32",
        "of training, or mixed_bfloat16",
    ),
    "frozen_blocks": (
        word_or("own", command_line.count_or_none),
        "own",
        "of the backbone, where it would train",
    ),
}


def main(arguments=None):
    """Train and measure what is missing, then report."""
    arguments = parsed(arguments)
    parts = command_line.load_parts(arguments.data)
    measured = parts[arguments.part].subset(slice(0, arguments.test_images))
    announce(arguments, parts["train"], measured)
    experiments.report(
        "table1",
        arguments.rows,
        lambda row: system(row, arguments, parts["train"]),
        measured,
        part=arguments.part,
        results=arguments.results,
        images_shown=arguments.images,
        figure="table1.png",
    )


def parsed(arguments):
    """Return the arguments of the command line.

    An option of `OPTIONS` becomes a dictionary of row and value; the row ""
    stands for all others.
    """
    parser = command_line.parser(__doc__)
    command_line.add_data_arguments(parser)
    command_line.add_table_arguments(parser)
    parser.add_argument(
        "--rows", nargs="+", default=USUAL, choices=ROWS, metavar="ROW"
    )
    parser.add_argument(
        "--more",
        action="store_true",
        help="also the rows that the paper's table does not have: "
        + ", ".join(MORE),
    )
    for name, (kind, default, text) in OPTIONS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            nargs="+",
            type=functools.partial(of_row, kind),
            default=[],
            metavar="[ROW=]VALUE",
            help=f"{text}; default {default}; ROW=VALUE for one row",
        )
    parser.add_argument(
        "--weights",
        nargs="+",
        type=weights_of_network,
        default=[],
        metavar="ROW=FILE",
        help="weights to measure in place of training the row's network: the "
        "authors' file, or a .keras file",
    )
    arguments = parser.parse_args(arguments)
    if arguments.more:
        arguments.rows = list(dict.fromkeys([*arguments.rows, *MORE]))
    for name, (_, default, _) in OPTIONS.items():
        values = {"": default, **dict(getattr(arguments, name))}
        setattr(arguments, name, values)
    arguments.weights = dict(arguments.weights)
    return arguments


def of_row(kind, text):
    """Return the row of `[ROW=]VALUE`, "" for all of them, and the value."""
    row, _, value = text.rpartition("=")
    if row and row not in ROWS:
        raise argparse.ArgumentTypeError(f"there is no row {row!r}")
    return row, kind(value)


def weights_of_network(text):
    """Return the row and the path of `ROW=FILE`."""
    row, _, file = text.partition("=")
    if row not in NETWORKS:
        raise argparse.ArgumentTypeError(f"there is no network {row!r}")
    path = Path(command_line.file(file))
    if path.suffix != ".keras" and NETWORKS[row] not in experiments.IMPORTERS:
        raise argparse.ArgumentTypeError(
            f"for {row} a .keras file is needed; received {file}"
        )
    return row, path


def choice(arguments, name, row):
    """Return a row's value of an option; one for the row counts more."""
    values = getattr(arguments, name)
    return values.get(row, values[""])


def announce(arguments, train, measured):
    """Check what the rows need, and say what will be done."""
    trainings, missing = [], 0
    for row in arguments.rows:
        part = images_of(row, arguments, train)
        settings = settings_of(row, arguments, part)
        missing += not experiments.check_kept(
            row,
            settings,
            measured,
            part=arguments.part,
            table="table1",
            results=arguments.results,
        )
        if row in arguments.weights:
            released(row, arguments)
        elif row == OURS:
            trainer, recipe = ours(arguments)
            trainer.check(["MSE"], part)
            plan = trainer.plan("MSE", part, recipe, seed=arguments.seed)
            trainings.append(plan.training)
        elif row in NETWORKS:
            done = experiments.is_trained(folder_of(row, arguments), settings)
            name = NETWORKS[row]
            model = experiments.make(
                name,
                command_line.network_weights(arguments, name),
                **options_of(row, arguments),
            )
            seconds = experiments.network_seconds(name, model.input_shape[1:3])
            trainings.append(
                Training(len(part), settings["epochs"], done, seconds)
            )
            del model
        keras.backend.clear_session()
    experiments.announce(
        "table1",
        trainings,
        measured=missing * len(measured),
        results=arguments.results,
    )


def images_of(row, arguments, train):
    """Return the images that a row is trained on."""
    count = choice(arguments, "train_images", row)
    return train if count == "all" else train.subset(slice(0, count))


def system(row, arguments, train):
    """Return a row as an `experiments.System`."""
    train = images_of(row, arguments, train)
    settings = settings_of(row, arguments, train)
    if row in CLASSIC:
        return System(CLASSIC[row].saliency_map, settings, {})
    if row in arguments.weights:
        model = released(row, arguments)
        spent = {"weights": arguments.weights[row].name}
        return System(model.saliency_map, settings, spent)
    if row == CENTER:
        model = classic.CenterBias.fit(train)
        return System(model.saliency_map, settings, {})
    if row == OURS:
        trainer, recipe = ours(arguments)
        run = trainer.train("MSE", train, recipe, seed=arguments.seed)
    else:
        name = NETWORKS[row]
        run = experiments.train_network(
            name,
            folder_of(row, arguments),
            settings,
            train,
            backbone_weights=command_line.network_weights(arguments, name),
            **options_of(row, arguments),
        )
    spent = experiments.spent_on(run, len(train))
    return System(run.model.saliency_map, settings, spent)


def ours(arguments):
    """Return trainer and recipe of the baseline, as table2.py has them."""
    trainer = command_line.head_trainer(
        arguments, choice(arguments, "precision", OURS)
    )
    recipe = Recipe(
        epochs=choice(arguments, "epochs", OURS),
        batch_size=choice(arguments, "batch_size", OURS),
    )
    return trainer, recipe


def folder_of(row, arguments):
    """Return the folder that a network's run is kept in."""
    return arguments.results / "runs" / f"table1_{experiments.slug(row)}"


def settings_of(row, arguments, train):
    """Return what a row's result depends on."""
    if row in CLASSIC:
        return {"model": repr(CLASSIC[row])}
    if row == CENTER:
        return {"model": CENTER, "images": len(train)}
    size = choice(arguments, "input_size", row)
    if row in arguments.weights:
        path = arguments.weights[row]
        return {
            "model": NETWORKS[row],
            "weights": path.name,
            "input": size_text(size),
            "bytes": path.stat().st_size,
        }
    if row == OURS:
        trainer, recipe = ours(arguments)
        plan = trainer.plan("MSE", train, recipe, seed=arguments.seed)
        return {**plan.settings, "input": list(trainer.input_shape[:2])}
    return {
        "model": NETWORKS[row],
        "data": train.name,
        "images": len(train),
        "epochs": choice(arguments, "epochs", row),
        "batch_size": choice(arguments, "batch_size", row),
        "learning_rate": choice(arguments, "learning_rate", row),
        "input": size_text(size),
        "precision": choice(arguments, "precision", row),
        "frozen_blocks": choice(arguments, "frozen_blocks", row),
        "seed": arguments.seed,
        **FIXED.get(row, {}),
    }


def options_of(row, arguments):
    """Return the options of a row's network."""
    options = input_shape(choice(arguments, "input_size", row))
    frozen_blocks = choice(arguments, "frozen_blocks", row)
    if frozen_blocks != "own":
        name = "frozen_stages" if row == "EML-NET" else "frozen_blocks"
        options[name] = frozen_blocks
    return {**options, **FIXED.get(row, {})}


def released(row, arguments):
    """Return a network with weights that someone has released."""
    size = choice(arguments, "input_size", row)
    return experiments.released(
        NETWORKS[row], arguments.weights[row], **input_shape(size)
    )


def input_shape(size):
    """Return the network's option for an input size."""
    return {} if size == "own" else {"input_shape": (*size, 3)}


def size_text(size):
    """Return an input size as it is kept in the settings."""
    return size if size == "own" else "{}x{}".format(*size)


if __name__ == "__main__":
    command_line.run(main)
