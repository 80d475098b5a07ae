"""Table 1: ten systems on one data set, classic models and networks.

    python examples/table1.py --data MIT1003 --backbone-weights FILE

measures five metrics on the test part at the pictures' own sizes: the classic
models as they are, with floors that the paper has not (centre bias, uniform),
and networks trained on the same training part, each with its authors' loss
and optimiser; the paper compares networks that had seen other data. A row that
is done is kept in `RESULTS/table1` and not done again; a training that was
stopped goes on after the last epoch it finished.

A small machine trains some rows in part, smaller or not at all:

    --rows Itti GBVS ShallowNet Sam-VGG
    --epochs 5 Sam-VGG=1 --input-size Sam-VGG=120x160 --train-images 200

Prints and writes (`table1.json`, `.csv`, `.md`) the paper's numbers beside
ours, the ranks of both and what was spent on each row; `table1.png` shows the
maps of `--images` pictures.
"""

import argparse
import json
import time

import common
import keras
import numpy as np
import paper
import training

from keras_saliency import datasets, evaluation, models, plot
from keras_saliency.datasets.images import resize
from keras_saliency.models import classic

METRICS = ("cc", "sim", "auc_judd", "auc_borji", "nss")
# RARE2012's README: the raw map is to be blurred and, for such pictures, a
# centred Gaussian to be added.
CLASSIC = {
    "Itti": classic.IttiKochGBVS(),
    "Rare2012": classic.RARE2012(blur=0.04, centre=1.0),
    "GBVS": classic.GBVS(),
    "AWS": classic.AWS(),
    "Itti, SaliencyToolbox": classic.IttiKochToolbox(),
    "Rare2012, raw": classic.RARE2012(),
    "Spectral residual": classic.SpectralResidual(),
    "Uniform": classic.Uniform(),
}
# Fitted to the training part.
CENTRE = "Centre bias"
# Entries of `models.MODELS`.
NETWORKS = {
    "Sam-ResNet": "sam_resnet",
    "SalGan": "salgan",
    "Sam-VGG": "sam_vgg",
    "ShallowNet": "shallow_net",
    "DeepConvNet": "deep_conv_net",
}
# The baseline with the paper's MSE, trained as table2.py does.
OURS = "Our model"
ROWS = (*CLASSIC, CENTRE, *NETWORKS, OURS)
# Longer side of a panel of the figure.
LONGEST = 320


def main():
    """Train and measure what is missing, then report."""
    arguments = parsed()
    parts = common.load(arguments.data)
    dataset = parts[arguments.part]
    dataset = dataset.subset(slice(0, arguments.test_images))
    shown = np.linspace(0, len(dataset) - 1, arguments.images).astype(int)
    panels = [_stimulus(dataset, i) for i in shown]
    results, spent = {}, {}
    for row in arguments.rows:
        print(row, flush=True)
        predict, facts = system(row, arguments, parts["train"])
        results[row], spent[row] = measured(
            row, predict, facts, dataset, arguments
        )
        for panel, i in zip(panels, shown, strict=True):
            panel.append(resize(predict(dataset.image(i)), panel[1].shape))
        del predict
        keras.backend.clear_session()
    table = paper.Table("table1", {row: [r] for row, r in results.items()})
    print(f"\n{table}\n{len(dataset)} images of the {arguments.part} part\n")
    for row, facts in spent.items():
        print(f"{row}: {json.dumps(facts)[1:-1]}")
    table.write(arguments.results)
    if panels:
        path = arguments.results / "table1.png"
        titles = ["stimulus", "ground truth", *results]
        plot.maps(panels, titles, path)
        print(path)


def parsed():
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common.add_arguments(parser)
    parser.set_defaults(precision="float32")
    parser.add_argument(
        "--rows", nargs="+", default=ROWS, choices=ROWS, metavar="ROW"
    )
    for name, default, text in (
        ("--epochs", "5", "of training"),
        ("--train-images", "all", "the first n of the training part"),
        ("--batch-size", "10", "images per step"),
        ("--input-size", "own", "HEIGHTxWIDTH, or the network's own"),
    ):
        parser.add_argument(
            name,
            nargs="+",
            default=[],
            metavar="[ROW=]VALUE",
            help=f"{text}; default {default}; ROW=VALUE for one row",
        )
    parser.add_argument(
        "--part", default="test", choices=["train", "validation", "test"]
    )
    parser.add_argument("--test-images", type=int, help="default: all")
    parser.add_argument(
        "--images", type=int, default=3, help="pictures in the figure"
    )
    arguments = parser.parse_args()
    for name in ("epochs", "train_images", "batch_size", "input_size"):
        for text in getattr(arguments, name):
            row = text.rpartition("=")[0]
            if row and row not in ROWS:
                parser.error(f"{name}: there is no row {row!r}")
    return arguments


def _choice(texts, row, default):
    """The value for a row of `[ROW=]VALUE ...`; one for the row counts more."""
    values = dict(text.rpartition("=")[::2] for text in texts)
    return values.get(row, values.get("", default))


def system(row, arguments, train):
    """A row's function from a picture to a map, and what it depends on.

    Returns:
        The function, and a dictionary of facts; those under "spent" say what
        the training took.
    """
    if row in CLASSIC:
        return CLASSIC[row].saliency_map, {"model": repr(CLASSIC[row])}
    count = _choice(arguments.train_images, row, "all")
    if count != "all":
        train = train.subset(slice(0, int(count)))
    if row == CENTRE:
        model = classic.CentreBias.fit(train)
        return model.saliency_map, {"model": CENTRE, "images": len(train)}
    epochs = int(_choice(arguments.epochs, row, 5))
    batch_size = int(_choice(arguments.batch_size, row, 10))
    if row == OURS:
        recipe = training.Recipe(epochs=epochs, batch_size=batch_size)
        model, run = training.trained(
            arguments, "MSE", train, recipe, arguments.seed
        )
        facts = {**run["settings"], "input": list(model.input_shape[1:3])}
    else:
        model, facts, run = network(row, arguments, train, epochs, batch_size)
    spent = {
        "epochs": epochs,
        "images": len(train),
        "input": list(model.input_shape[1:3]),
        "seconds": run["seconds"],
    }
    return model.saliency_map, {**facts, "spent": spent}


def network(row, arguments, train, epochs, batch_size):
    """A network trained with its authors' loss and optimiser, with resume."""
    facts = {
        "model": NETWORKS[row],
        "data": train.name,
        "images": len(train),
        "epochs": epochs,
        "batch_size": batch_size,
        "input": _choice(arguments.input_size, row, "own"),
        "seed": arguments.seed,
    }
    options = {}
    if facts["input"] != "own":
        height, width = map(int, facts["input"].split("x"))
        options["input_shape"] = (height, width, 3)
    folder = arguments.results / "runs" / f"table1_{training.slug(row)}"
    folder.mkdir(parents=True, exist_ok=True)
    common.seed_everything(arguments.seed)
    model = models.MODELS[NETWORKS[row]](**options)
    record, weights = folder / "run.json", folder / "model.weights.h5"
    if record.exists():
        run = json.loads(record.read_text())
        _must_be(facts, run["facts"], folder)
        model.load_weights(weights)
        return model, facts, run
    begun = time.perf_counter()
    batches = datasets.SaliencySequence(
        train,
        batch_size=min(batch_size, len(train)),
        image_size=model.input_shape[1:3],
        map_size=model.map_size,
        seed=arguments.seed,
    )
    model.compile(model.recommended_optimizer(), model.recommended_loss())
    history = model.fit(
        batches,
        epochs=epochs,
        verbose=2,
        callbacks=[keras.callbacks.BackupAndRestore(folder / "unfinished")],
    ).history
    model.save_weights(weights)
    run = {
        "facts": facts,
        "logs": {k: np.asarray(v).tolist() for k, v in history.items()},
        # Of this command: a training that was stopped took longer.
        "seconds": round(time.perf_counter() - begun, 1),
    }
    record.write_text(json.dumps(run, indent=1))
    return model, facts, run


def measured(row, predict, facts, dataset, arguments):
    """A row's `Evaluation`, and what was spent on it.

    Both are kept in `RESULTS/table1` and read from there where they are.
    """
    folder = arguments.results / "table1"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{training.slug(dataset.name)}_{arguments.part}"
    values = folder / f"{training.slug(row)}_{name}.csv"
    record = values.with_suffix(".json")
    facts = json.loads(json.dumps(facts))
    spent = facts.pop("spent", {})
    if record.exists():
        kept = json.loads(record.read_text())
        _must_be(facts, kept["facts"], values)
        result = evaluation.Evaluation.load(values)
        if result.names == dataset.names:
            return result, kept["spent"]
    begun = time.perf_counter()
    result = evaluation.evaluate(
        predict,
        dataset,
        list(METRICS),
        resume=values.with_suffix(".jsonl"),
        verbose=0,
    )
    seconds = (time.perf_counter() - begun) / len(dataset)
    spent["milliseconds per map and metrics"] = round(1000 * seconds)
    result.to_csv(values)
    record.write_text(
        json.dumps(
            {"facts": facts, "spent": spent, "means": result.means()}, indent=1
        )
    )
    return result, spent


def _must_be(facts, kept, path):
    if facts != kept:
        raise SystemExit(
            f"{path} was made with other settings; choose another folder with "
            f"--results, or remove it.\n{kept}\n{facts}"
        )


def _stimulus(dataset, i):
    """A picture and its density as the first panels of a row."""
    scale = LONGEST / max(dataset.sizes[i])
    size = tuple(round(scale * side) for side in dataset.sizes[i].tolist())
    return [dataset.image(i, size), dataset.density(i, size)]


if __name__ == "__main__":
    main()
