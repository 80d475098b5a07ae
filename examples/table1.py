"""Table 1: ten systems on one data set, classic models and networks.

    python examples/table1.py --data MIT1003 --backbone-weights FILE

measures five metrics on the test part at the images' own sizes: of the classic
models as they are, of two floors that the paper does not have (center bias,
uniform), and of networks trained on the same training part. Each network has
its authors' loss, and all but our model, which is trained as in table 2, have
one recipe: Adam with a rate that falls to zero along a half cosine. (The
networks of the paper's table had seen other data.) A row that is done is kept
in `RESULTS/table1` and not done again; a training that was stopped goes on
after the last epoch it finished.

Their authors began on SALICON. So do they, on any sets, one after the other:

    --first SALICON=PATH OSIE=PATH Scene=PATH --first-epochs 5

A small machine trains some rows in part, smaller or not at all:

    --rows Itti GBVS ShallowNet Sam-VGG
    --epochs 5 Sam-VGG=1 --input-size Sam-VGG=120x160 --train-images 200
    --precision Sam-VGG=mixed_bfloat16 --frozen-blocks Sam-VGG=3

Models that the paper names and its table does not have:

    --more
    --rows AIM BMS PDP

EML-NET joins ResNet-50 (`--resnet-weights`) and VGG-16; DeepGaze II reads
VGG-16, too, where its authors read VGG-19.

The authors' optimizers, made for more images and for days of training, and
SalGAN's second phase, against a discriminator:

    --learning-rate authors
    --adversarial-epochs 5

Who has the authors' released weights, or a `.keras` file, measures those:

    --weights Sam-VGG=sam-vgg_salicon_weights.pkl

Prints and writes (`table1.json`, `.csv`, `.md`) the paper's numbers beside
ours, the ranks of both and what was spent on each row; `table1.png` shows the
maps of `--images` images.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import keras

from keras_saliency import datasets, experiments
from keras_saliency.experiments import (
    NETWORK_RECIPE,
    RECIPE,
    Recipe,
    System,
    Training,
    command_line,
    slug,
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
# The row that has a second phase, against a discriminator.
ADVERSARIAL = "SalGan"
MORE = (*NAMED, *NAMED_NETWORKS)
# Arguments of a row's network that the command line does not have.
FIXED = {"DeepGaze II, VGG-16": {"backbone": "vgg16"}}
# The baseline with the paper's MSE, trained as table2.py does.
OURS = "Our model"
ROWS = (*CLASSIC, CENTER, *NETWORKS, OURS)
# What is measured by default.
USUAL = tuple(row for row in ROWS if row not in MORE)


class Stage(NamedTuple):
    """A training on one data set, after those before it."""

    folder: Path
    settings: dict[str, Any]
    train: datasets.SaliencyDataset


def word_or(word, kind):
    """Return what reads a word as it is, and any other text as a kind."""
    return lambda text: text if text == word else kind(text)


# Options that can differ by row: what reads a value, the default, and a text.
OPTIONS = {
    "--epochs": (command_line.count, RECIPE.epochs, "of training"),
    "--first-epochs": (
        command_line.count,
        RECIPE.epochs,
        "of training on each set of --first",
    ),
    "--train-images": (
        word_or("all", command_line.count),
        "all",
        "the first n to train on",
    ),
    "--batch-size": (command_line.count, RECIPE.batch_size, "images per step"),
    "--learning-rate": (
        command_line.network_rate,
        NETWORK_RECIPE.learning_rate,
        "of Adam for the networks; authors: their own optimizer",
    ),
    "--input-size": (
        word_or("own", command_line.input_size),
        "own",
        "HEIGHTxWIDTH, or the network's own",
    ),
    "--precision": (
        command_line.precision,
        "float32",
        "of training, or mixed_bfloat16",
    ),
    "--frozen-blocks": (
        word_or("own", command_line.count_or_none),
        "own",
        "of the backbone, where it would train",
    ),
}


def main(arguments=None):
    """Train and measure what is missing, then report."""
    arguments = parsed(arguments)
    parts = command_line.load_parts(arguments.data)
    arguments.first = command_line.load_extra(arguments.first)
    if parts["train"].name in [dataset.name for dataset in arguments.first]:
        raise datasets.DatasetError(
            f"--first names {parts['train'].name}, on whose images the rows "
            "are measured."
        )
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
    """Return the arguments of the command line."""
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
    parser.add_argument(
        "--first",
        type=command_line.named_folder,
        nargs="+",
        default=[],
        metavar="NAME=PATH",
        help="data sets that the networks learn from before, one after the "
        "other",
    )
    parser.add_argument(
        "--adversarial-epochs",
        type=command_line.count_or_none,
        default=0,
        help="passes in which SalGan goes on against its discriminator "
        "(default: 0)",
    )
    for flag, (kind, default, text) in OPTIONS.items():
        command_line.add_option_by_row(parser, flag, ROWS, kind, default, text)
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
    arguments.weights = dict(arguments.weights)
    trained = set(arguments.rows) - set(arguments.weights)
    if arguments.adversarial_epochs and ADVERSARIAL not in trained:
        parser.error(f"--adversarial-epochs needs the row {ADVERSARIAL}")
    return arguments


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
            name = NETWORKS[row]
            model = experiments.make(
                name,
                command_line.network_weights(arguments, name),
                **options_of(row, arguments),
            )
            seconds = experiments.network_seconds(name, model.input_shape[1:3])
            del model
            trainings += [
                Training(
                    len(stage.train),
                    stage.settings["epochs"],
                    experiments.is_trained(stage.folder, stage.settings),
                    seconds,
                )
                for stage in stages(row, arguments, part)
            ]
        keras.backend.clear_session()
    experiments.announce(
        "table1",
        trainings,
        measured=missing * len(measured),
        results=arguments.results,
    )


def images_of(row, arguments, train):
    """Return the images that a row is trained on."""
    count = arguments.train_images[row]
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
        spent = experiments.spent_on(run, len(train))
    else:
        run, spent = trained(row, arguments, train)
    return System(run.model.saliency_map, settings, spent)


def trained(row, arguments, train):
    """Return the last run of a row's network, and what all of them took."""
    name = NETWORKS[row]
    run, seconds = None, 0.0
    for stage in stages(row, arguments, train):
        if stage.settings.get("adversarial"):
            run = experiments.train_adversarially(*stage, start=run)
        else:
            run = experiments.train_network(
                name,
                *stage,
                backbone_weights=command_line.network_weights(arguments, name),
                start=run,
                **options_of(row, arguments),
            )
        seconds += run.seconds
    spent = experiments.spent_on(run, len(train))
    spent["seconds"] = round(seconds, 1)
    for fact in ("first", "content_epochs"):
        if fact in run.settings:
            spent[fact] = run.settings[fact]
    return run, spent


def stages(row, arguments, train):
    """Return the trainings of a row's network: on `--first`, then its own.

    The last of SalGan's is that against its discriminator, if that is wanted.
    """
    found, before = [], []
    adversarial = arguments.adversarial_epochs if row == ADVERSARIAL else 0
    for dataset in (*arguments.first, train):
        if dataset is train:
            name, epochs = row, arguments.epochs[row]
        else:
            name = f"{row} first {dataset.name}"
            epochs = arguments.first_epochs[row]
        settings = {
            "model": NETWORKS[row],
            "data": dataset.name,
            "images": len(dataset),
            "epochs": epochs,
            "batch_size": arguments.batch_size[row],
            "learning_rate": arguments.learning_rate[row],
            "input": size_text(arguments.input_size[row]),
            "precision": arguments.precision[row],
            "frozen_blocks": arguments.frozen_blocks[row],
            "seed": arguments.seed,
            "backbone weights": command_line.told_weights(
                arguments, NETWORKS[row]
            ),
            **FIXED.get(row, {}),
        }
        if before:
            # Name, images and epochs of each.
            settings["first"] = [*before]
        folder = arguments.results / "runs" / f"table1_{slug(name)}"
        found.append(Stage(folder, settings, dataset))
        before.append([dataset.name, len(dataset), epochs])
    if adversarial:
        content = found[-1].settings
        settings = {
            **content,
            "epochs": adversarial,
            "adversarial": True,
            "content_epochs": content["epochs"],
        }
        folder = arguments.results / "runs" / f"table1_{slug(row)}_adversarial"
        found.append(Stage(folder, settings, train))
    return found


def ours(arguments):
    """Return trainer and recipe of the baseline, as table2.py has them."""
    trainer = command_line.head_trainer(arguments, arguments.precision[OURS])
    recipe = Recipe(
        epochs=arguments.epochs[OURS],
        batch_size=arguments.batch_size[OURS],
    )
    return trainer, recipe


def settings_of(row, arguments, train):
    """Return what a row's result depends on."""
    if row in CLASSIC:
        return {"model": repr(CLASSIC[row])}
    if row == CENTER:
        return {"model": CENTER, "images": len(train)}
    size = arguments.input_size[row]
    if row in arguments.weights:
        path = arguments.weights[row]
        return {
            "model": NETWORKS[row],
            "weights": path.name,
            "input": size_text(size),
            "bytes": path.stat().st_size,
            "checksum": experiments.checksum(path),
        }
    if row == OURS:
        trainer, recipe = ours(arguments)
        plan = trainer.plan("MSE", train, recipe, seed=arguments.seed)
        return {**plan.settings, "input": list(trainer.input_shape[:2])}
    return stages(row, arguments, train)[-1].settings


def options_of(row, arguments):
    """Return the options of a row's network."""
    options = input_shape(arguments.input_size[row])
    frozen_blocks = arguments.frozen_blocks[row]
    if frozen_blocks != "own":
        name = "frozen_stages" if row == "EML-NET" else "frozen_blocks"
        options[name] = frozen_blocks
    return {**options, **FIXED.get(row, {})}


def released(row, arguments):
    """Return a network with weights that someone has released."""
    size = arguments.input_size[row]
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
