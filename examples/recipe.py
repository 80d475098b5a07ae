"""Train every row of table 2 with one recipe, and show what its parts do.

    python examples/recipe.py --data PATH --backbone-weights FILE

trains each of the 27 losses from the default initialization and prints, after
each, whether the network lives: `val_cc`, `val_nss` and `val_kl` per epoch,
and the share of validation images whose predicted map is empty. With
`--ablation` it trains MSE and AE with the paper's recipe and with parts of
ours instead. Every run is kept in a file of its own; a run that is there is
not repeated. Figures of the curves are drawn at the end.
"""

import argparse
import json

import common
import keras
import numpy as np

from keras_saliency import callbacks, losses, plot

# The recipe of all examples.
RECIPE = {
    "optimizer": "adam",
    "learning_rate": 3e-4,
    "batch_size": 10,
    "head": {},
}
PAPER = {
    "optimizer": "sgd",
    "learning_rate": 1e-3,
    "batch_size": 60,
    "head": {"feature_scaling": None, "initial_value": None, "recovery": False},
}
PARTS = {
    "paper": PAPER,
    "paper, features scaled": {
        **PAPER,
        "head": {"initial_value": None, "recovery": False},
    },
    "ours without scaling of features": {
        **RECIPE,
        "head": {"feature_scaling": None},
    },
    "ours without initial value": {**RECIPE, "head": {"initial_value": None}},
    "ours without recovery": {**RECIPE, "head": {"recovery": False}},
    "ours with features scaled only": {
        **RECIPE,
        "head": {"initial_value": None, "recovery": False},
    },
    "ours with SGD 0.001, batch 60": {
        **PAPER,
        "head": {},
    },
    "ours": RECIPE,
}


def main():
    """Train what is asked for, print a table, draw the curves."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common.add_arguments(parser)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--train-images", type=int, help="default: all")
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--rows", nargs="+", help="default: all 27")
    arguments = parser.parse_args()

    if arguments.ablation:
        runs = [
            (f"{row}, {name}", row, recipe)
            for row in arguments.rows or ["MSE", "AE"]
            for name, recipe in PARTS.items()
        ]
    else:
        rows = arguments.rows or [row.name for row in losses.TABLE2]
        runs = [(row, row, RECIPE) for row in rows]
    parts = common.load(arguments.data)
    train = parts["train"].subset(slice(0, arguments.train_images))
    validation = parts["validation"]
    folder = arguments.results / "recipe"
    folder.mkdir(parents=True, exist_ok=True)
    histories = {}
    for name, row, recipe in runs:
        path = folder / f"{_file_name(name)}.json"
        if not path.exists():
            history = run(arguments, train, validation, row, recipe)
            path.write_text(json.dumps(history, indent=1))
        histories[name] = json.loads(path.read_text())
        print_run(name, histories[name])
    draw(histories, folder, arguments.ablation)


def run(arguments, train, validation, row, recipe):
    """Train the head with one loss; return its history."""
    common.seed_everything(arguments.seed)
    activation = losses.get(row).activation
    model = common.make_model(
        arguments, activation=activation, head=recipe["head"]
    )
    head = model.head
    loss = losses.get(
        row,
        prior=train.mean_density(model.map_size),
        vgg_weights=arguments.backbone_weights,
    )
    optimizer = keras.optimizers.get(recipe["optimizer"])
    optimizer.learning_rate = recipe["learning_rate"]
    head.compile(optimizer=optimizer, loss=loss)
    held_out = common.feature_batches(model, validation, shuffle=False)
    history = head.fit(
        common.feature_batches(
            model, train, recipe["batch_size"], seed=arguments.seed
        ),
        epochs=arguments.epochs,
        verbose=2,
        callbacks=[
            callbacks.SaliencyMetrics(held_out, metrics=["cc", "nss", "kl"])
        ],
    ).history
    maps = head.predict(held_out, verbose=0)
    history["empty_maps"] = float(np.mean(maps.max(axis=(1, 2, 3)) < 1e-6))
    return {key: np.asarray(value).tolist() for key, value in history.items()}


def print_run(name, history):
    """One line per run."""
    curves = " | ".join(
        f"{key} " + " ".join(f"{value:.3f}" for value in history[key])
        for key in ("loss", "val_cc", "val_nss", "val_kl")
    )
    print(f"{name}: {curves} | empty {history['empty_maps']:.2f}", flush=True)


def draw(histories, folder, ablation):
    """Curves, in one figure per group of runs."""
    groups = {}
    for name, history in histories.items():
        if ablation:
            group, name = name.split(", ", 1)
        else:
            group = next(r.group for r in losses.TABLE2 if r.name == name)
        groups.setdefault(group, {})[name] = history
    for group, runs in groups.items():
        kind = "parts" if ablation else "rows"
        path = folder / f"{kind}_{_file_name(group)}.png"
        plot.history(runs, ["val_cc", "val_nss", "val_kl"], path, height=4)
        print(path)


def _file_name(name):
    return "".join(c if c.isalnum() else "_" for c in name.lower())


if __name__ == "__main__":
    main()
