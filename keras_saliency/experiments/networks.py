"""How table1.py and table4.py train whole networks, and measure any system.

A training that is done is read from its folder; one that was broken off goes
on after the last epoch it finished. So do measurements.
"""

import contextlib
import functools
import inspect
import json
import time

import keras
import numpy as np
import paper
import training

from keras_saliency import datasets, evaluation, models, plot
from keras_saliency.images import resize
from keras_saliency.models import importers

METRICS = ("cc", "sim", "auc_judd", "auc_borji", "nss")
# Of the authors' released files; any network can also be a `.keras` file.
IMPORTERS = {
    "deep_conv_net": importers.load_deep_conv_net_weights,
    "ml_net": importers.load_ml_net_weights,
    "salgan": importers.load_salgan_weights,
    "sam_resnet": importers.load_sam_weights,
    "sam_vgg": importers.load_sam_weights,
    "shallow_net": importers.load_shallow_net_weights,
}
# The learning rate that stands for a network's own optimizer.
AUTHORS = "authors"
# Of Adam, for networks that are trained whole.
LEARNING_RATE = 1e-4
# Longer side of a panel of the figures.
LONGEST = 320


def add_arguments(parser):
    """What the networks need beside the arguments of `training`."""
    parser.add_argument(
        "--resnet-weights",
        default="imagenet",
        help="a weights file of ResNet-50 for SAM-ResNet; by default Keras "
        "downloads ImageNet's",
    )
    parser.add_argument(
        "--part", default="test", choices=["train", "validation", "test"]
    )
    parser.add_argument("--test-images", type=int, help="default: all")
    parser.add_argument(
        "--images", type=int, default=3, help="pictures in the figure"
    )


def learning_rate(text):
    """Of Adam, which a half cosine lowers to zero, or the word for its own."""
    return text if text == AUTHORS else float(text)


def size(text):
    """`(height, width, 3)` of HEIGHTxWIDTH."""
    height, _, width = text.partition("x")
    if not (height.isdigit() and width.isdigit()):
        raise SystemExit(f"{text!r} is no size such as 240x320.")
    return int(height), int(width), 3


def make(name, arguments, pretrained=True, **options):
    """A network of `models.MODELS`, its backbone with the user's weights.

    Args:
        name: Entry of `models.MODELS`.
        arguments: Of the command line.
        pretrained: Whether a backbone gets its weights.
        **options: Arguments of the network.
    """
    cls = models.MODELS[name]
    tiny = (
        arguments.data is None
        if arguments.backbone is None
        else (arguments.backbone == "tiny")
    )
    if "backbone_weights" in inspect.signature(cls).parameters:
        weights = arguments.backbone_weights
        if name == "sam_resnet":
            weights = arguments.resnet_weights
        options["backbone_weights"] = (
            weights if pretrained and not tiny else None
        )
    return cls(**options)


def imported(name, path, arguments, **options):
    """A network with weights that someone has released.

    Args:
        name: Entry of `models.MODELS`.
        path: A `.keras` file of any model of this package, or what the
            network's importer in `models.importers` takes.
        arguments: Of the command line.
        **options: Arguments of the network.
    """
    if str(path).endswith(".keras"):
        return keras.models.load_model(path, compile=False)
    if name not in IMPORTERS:
        raise SystemExit(
            f"{path}: for {name} a .keras file is needed; files of other "
            f"kinds are read for {', '.join(sorted(IMPORTERS))}."
        )
    model = make(name, arguments, pretrained=False, **options)
    return IMPORTERS[name](model, path)


def fitted(name, folder, arguments, facts, train, options, loss=None):
    """A network of `models.MODELS` trained on a data set, with resume.

    Args:
        name: Entry of `models.MODELS`.
        folder: Where the run is kept.
        arguments: Of the command line.
        facts: What the run depends on. Used here are "epochs", "batch_size",
            "learning_rate" (see `learning_rate`) and "precision" (of the
            training; the network returned has float32).
        train: The data set.
        options: Arguments of the network.
        loss: Function from the network to the loss; by default its own
            recommended one.

    Returns:
        The network, and what is kept of the run: a dictionary of the facts,
        the logs per epoch and the seconds it took.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record, weights = folder / "run.json", folder / "model.weights.h5"
    facts = json.loads(json.dumps(facts))
    if record.exists():
        run = json.loads(record.read_text())
        must_be(facts, run["facts"], folder)
        model = make(name, arguments, pretrained=False, **options)
        model.load_weights(weights)
        return model, run
    begun = time.perf_counter()
    keras.utils.set_random_seed(arguments.seed)
    with _precision(facts["precision"]):
        model = make(name, arguments, **options)
    batches = datasets.SaliencySequence(
        train,
        batch_size=min(facts["batch_size"], len(train)),
        image_size=model.input_shape[1:3],
        map_size=model.map_size,
        seed=arguments.seed,
    )
    loss = model.recommended_loss() if loss is None else loss(model)
    if facts["learning_rate"] == AUTHORS:
        optimizer = model.recommended_optimizer()
    else:
        recipe = training.Recipe(learning_rate=facts["learning_rate"])
        optimizer = recipe.optimizer(facts["epochs"] * len(batches))
    model.compile(optimizer, loss)
    history = model.fit(
        batches,
        epochs=facts["epochs"],
        verbose=2,
        callbacks=[keras.callbacks.BackupAndRestore(folder / "unfinished")],
    ).history
    trained = model.get_weights()
    model = make(name, arguments, pretrained=False, **options)
    model.set_weights(trained)
    model.save_weights(weights)
    run = {
        "facts": facts,
        "logs": {k: np.asarray(v).tolist() for k, v in history.items()},
        # Of this command: a training that was stopped took longer.
        "seconds": round(time.perf_counter() - begun, 1),
    }
    record.write_text(json.dumps(run, indent=1))
    return model, run


@contextlib.contextmanager
def _precision(name):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy(before)


def predictor(model):
    """A network's function from a picture to its map.

    A network trained here has seen pictures stretched to its input, and gets
    them so also where its authors pad them.
    """
    parameters = inspect.signature(model.saliency_map).parameters
    if "keep_proportions" in parameters:
        return functools.partial(model.saliency_map, keep_proportions=False)
    return model.saliency_map


def spent(run, train, model):
    """What a training took, for the reader of a table."""
    return {
        "epochs": run["facts"]["epochs"],
        "images": len(train),
        "input": list(model.input_shape[1:3]),
        "precision": run["facts"]["precision"],
        "seconds": run["seconds"],
    }


def report(name, system, parts, arguments, figure):
    """Measure each system of a table; print and write it, and its figure.

    Args:
        name: Of the table.
        system: Function from a row's name to its function from a picture to a
            map, and its facts as `measured` takes them.
        parts: The data set's, by name.
        arguments: Of the command line.
        figure: Name of the figure's file.
    """
    dataset = parts[arguments.part]
    dataset = dataset.subset(slice(0, arguments.test_images))
    shown = np.linspace(0, len(dataset) - 1, arguments.images).astype(int)
    panels = [stimulus(dataset, i) for i in shown]
    results, spent = {}, {}
    for row in arguments.rows:
        print(row, flush=True)
        predict, facts = system(row)
        results[row], spent[row] = measured(
            row, predict, facts, dataset, arguments, name
        )
        for panel, i in zip(panels, shown, strict=True):
            panel.append(resize(predict(dataset.image(i)), panel[1].shape))
        del predict
        keras.backend.clear_session()
    table = paper.Table(name, {row: [r] for row, r in results.items()})
    print(f"\n{table}\n{len(dataset)} images of the {arguments.part} part\n")
    for row, facts in spent.items():
        print(f"{row}: {json.dumps(facts)[1:-1]}")
    table.write(arguments.results)
    if panels:
        path = arguments.results / figure
        plot.maps(panels, ["stimulus", "ground truth", *results], path)
        print(path)


def measured(row, predict, facts, dataset, arguments, table):
    """A system's `Evaluation`, and what was spent on it.

    Both are kept in `RESULTS/TABLE` and read from there where they are.

    Args:
        row: Name of the system.
        predict: Function from a picture to a map.
        facts: What the result depends on; under "spent" what it does not.
        dataset: The data set.
        arguments: Of the command line.
        table: Name of the table.
    """
    folder = arguments.results / table
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{training.slug(dataset.name)}_{arguments.part}"
    values = folder / f"{training.slug(row)}_{name}.csv"
    record = values.with_suffix(".json")
    facts = json.loads(json.dumps(facts))
    took = facts.pop("spent", {})
    if record.exists():
        kept = json.loads(record.read_text())
        must_be(facts, kept["facts"], values)
        result = evaluation.Evaluation.load(values)
        if result.names == dataset.names:
            return result, kept["spent"]
    begun = time.perf_counter()
    result = evaluation.evaluate(
        predict,
        dataset,
        metrics=list(METRICS),
        resume=values.with_suffix(".jsonl"),
        verbose=0,
    )
    seconds = (time.perf_counter() - begun) / len(dataset)
    took["milliseconds per map and metrics"] = round(1000 * seconds)
    result.to_csv(values)
    record.write_text(
        json.dumps(
            {"facts": facts, "spent": took, "means": result.means()}, indent=1
        )
    )
    return result, took


def must_be(facts, kept, path):
    """End the program if what is kept was made with other settings."""
    if facts != kept:
        raise SystemExit(
            f"{path} was made with other settings; choose another folder with "
            f"--results, or remove it.\n{kept}\n{facts}"
        )


def stimulus(dataset, i):
    """A picture and its density as the first panels of a figure's row."""
    scale = LONGEST / max(dataset.sizes[i])
    shown = tuple(round(scale * side) for side in dataset.sizes[i].tolist())
    return [dataset.image(i, shown), dataset.density(i, shown)]
