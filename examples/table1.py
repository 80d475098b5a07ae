"""Table 1: ten systems on one data set, classic models and networks.

    python examples/table1.py --data MIT1003 --backbone-weights FILE

measures five metrics on the test part at the pictures' own sizes: the classic
models as they are, with floors that the paper has not (center bias, uniform),
and networks trained on the same training part, each with its authors' loss
and all with one recipe, Adam with a rate that falls to zero along a half
cosine; the paper compares networks that had seen other data. A row that is
done is kept in `RESULTS/table1` and not done again; a training that was
stopped goes on after the last epoch it finished.

A small machine trains some rows in part, smaller or not at all:

    --rows Itti GBVS ShallowNet Sam-VGG
    --epochs 5 Sam-VGG=1 --input-size Sam-VGG=120x160 --train-images 200
    --precision Sam-VGG=mixed_bfloat16 --frozen-blocks Sam-VGG=3

The authors' optimizers, made for more pictures and for days of training:

    --learning-rate authors

Who has the authors' released weights, or a `.keras` file, measures those:

    --weights Sam-VGG=sam-vgg_salicon_weights.pkl

Prints and writes (`table1.json`, `.csv`, `.md`) the paper's numbers beside
ours, the ranks of both and what was spent on each row; `table1.png` shows the
maps of `--images` pictures.
"""

import argparse
import functools
from pathlib import Path

import common
import networks
import training

from keras_saliency.models import classic

# RARE2012's README: the raw map is to be blurred and, for such pictures, a
# centerd Gaussian to be added.
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
# The baseline with the paper's MSE, trained as table2.py does.
OURS = "Our model"
ROWS = (*CLASSIC, CENTER, *NETWORKS, OURS)


def _count(text):
    """A number of epochs or pictures from the command line."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return int(text)


def _or(word, kind):
    """What reads a word as it is, and any other text as a kind."""
    return lambda text: text if text == word else kind(text)


# Options that can differ by row: what reads a value, and the default.
CHOICES = (
    ("--epochs", _count, 5, "of training"),
    ("--train-images", _or("all", _count), "all", "the first n to train on"),
    ("--batch-size", _count, 10, "images per step"),
    (
        "--learning-rate",
        networks.learning_rate,
        networks.LEARNING_RATE,
        "of Adam for the networks; authors: their own optimizer",
    ),
    ("--input-size", str, "own", "HEIGHTxWIDTH, or the network's own"),
    ("--precision", str, "float32", "of training, or mixed_bfloat16"),
    (
        "--frozen-blocks",
        _or("own", int),
        "own",
        "of the backbone, where it would train",
    ),
)


def main():
    """Train and measure what is missing, then report."""
    arguments = parsed()
    parts = common.load(arguments.data)
    networks.report(
        "table1",
        lambda row: system(row, arguments, parts["train"]),
        parts,
        arguments,
        "table1.png",
    )


def parsed():
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common.add_arguments(parser)
    networks.add_arguments(parser)
    parser.add_argument(
        "--rows", nargs="+", default=ROWS, choices=ROWS, metavar="ROW"
    )
    defaults = {}
    for name, kind, default, text in CHOICES:
        option = parser.add_argument(
            name,
            nargs="+",
            type=functools.partial(_of_row, kind),
            default=[],
            metavar="[ROW=]VALUE",
            help=f"{text}; default {default}; ROW=VALUE for one row",
        )
        defaults[option.dest] = default
    parser.add_argument(
        "--weights",
        nargs="+",
        default=[],
        metavar="ROW=FILE",
        help="weights to measure in place of training the row's network: the "
        "authors' file, or a .keras file",
    )
    arguments = parser.parse_args()
    for text in arguments.weights:
        row = text.partition("=")[0]
        if row not in NETWORKS:
            parser.error(f"--weights: there is no network {row!r}")
    for name, default in defaults.items():
        values = {"": default, **dict(getattr(arguments, name))}
        setattr(arguments, name, values)
    # Of our own model, which `training` trains.
    arguments.precisions = arguments.precision
    arguments.precision = _choice(arguments, "precisions", OURS)
    return arguments


def _of_row(kind, text):
    """The row of `[ROW=]VALUE`, "" for all of them, and the value."""
    row, _, value = text.rpartition("=")
    if row and row not in ROWS:
        raise argparse.ArgumentTypeError(f"there is no row {row!r}")
    try:
        return row, kind(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is no number") from None


def _choice(arguments, name, row):
    """A row's value of an option; one for the row counts more."""
    values = getattr(arguments, name)
    return values.get(row, values[""])


def system(row, arguments, train):
    """A row's function from a picture to a map, and what it depends on.

    Returns:
        The function, and a dictionary of facts; those under "spent" say what
        the training took.
    """
    if row in CLASSIC:
        return CLASSIC[row].saliency_map, {"model": repr(CLASSIC[row])}
    weights = dict(text.split("=", 1) for text in arguments.weights)
    if row in weights:
        return released(row, weights[row], arguments)
    count = _choice(arguments, "train_images", row)
    if count != "all":
        train = train.subset(slice(0, count))
    if row == CENTER:
        model = classic.CenterBias.fit(train)
        return model.saliency_map, {"model": CENTER, "images": len(train)}
    if row != OURS:
        return network(row, arguments, train)
    recipe = training.Recipe(
        epochs=_choice(arguments, "epochs", row),
        batch_size=_choice(arguments, "batch_size", row),
    )
    model, run = training.trained(
        arguments, "MSE", train, recipe, arguments.seed
    )
    size = list(model.input_shape[1:3])
    spent = {"epochs": recipe.epochs, "images": len(train), "input": size}
    spent["seconds"] = run["seconds"]
    return model.saliency_map, {
        **run["settings"],
        "input": size,
        "spent": spent,
    }


def network(row, arguments, train):
    """A network trained with its authors' loss, with resume."""
    facts = {
        "model": NETWORKS[row],
        "data": train.name,
        "images": len(train),
        "epochs": _choice(arguments, "epochs", row),
        "batch_size": _choice(arguments, "batch_size", row),
        "learning_rate": _choice(arguments, "learning_rate", row),
        "input": _choice(arguments, "input_size", row),
        "precision": _choice(arguments, "precisions", row),
        "frozen_blocks": _choice(arguments, "frozen_blocks", row),
        "seed": arguments.seed,
    }
    options = {}
    if facts["input"] != "own":
        options["input_shape"] = networks.size(facts["input"])
    if facts["frozen_blocks"] != "own":
        options["frozen_blocks"] = facts["frozen_blocks"]
    folder = arguments.results / "runs" / f"table1_{training.slug(row)}"
    model, run = networks.fitted(
        NETWORKS[row], folder, arguments, facts, train, options
    )
    spent = networks.spent(run, train, model)
    return networks.predictor(model), {**facts, "spent": spent}


def released(row, path, arguments):
    """A network with weights that someone has released."""
    options = {}
    size = _choice(arguments, "input_size", row)
    if size != "own":
        options["input_shape"] = networks.size(size)
    model = networks.imported(NETWORKS[row], path, arguments, **options)
    path = Path(path)
    facts = {"model": NETWORKS[row], "weights": path.name, "input": size}
    facts["bytes"] = path.stat().st_size
    return model.saliency_map, {**facts, "spent": {"weights": path.name}}


if __name__ == "__main__":
    main()
