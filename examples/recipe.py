"""Train every row of table 2 with one recipe, and show what its parts do.

    python examples/recipe.py --data PATH --backbone-weights FILE

trains each of the 27 losses with the recipe of table 2 (`experiments.RECIPE`)
and prints, after each, whether the network lives: `val_cc`, `val_nss` and
`val_kl` per epoch, and the share of validation images whose predicted map is
empty. With `--ablation` it trains MSE and AE with the paper's recipe and with
parts of ours instead. The numbers in docs/training.md are of an Adam whose
learning rate does not fall:

    --constant-rate 3e-4

Every run is kept in a file of its own, and one that is there is not repeated.
Figures of the curves are drawn at the end.
"""

import json

import keras
import numpy as np

from keras_saliency import callbacks, losses, plot
from keras_saliency.experiments import (
    RECIPE,
    Training,
    announce,
    check_settings,
    command_line,
    feature_batches,
    read_record,
    slug,
    write_text,
)

UNHELPED = {"initial_value": None, "recovery": False}
# Optimizer, batch size and the head's options. The optimizer "ours" is that
# of `experiments.RECIPE`.
OURS = {"optimizer": "ours", "batch_size": RECIPE.batch_size, "head": {}}
PAPER = {
    "optimizer": "SGD 0.001",
    "batch_size": 60,
    "head": {"feature_scaling": None, **UNHELPED},
}
PARTS = {
    "paper": PAPER,
    "paper, features scaled": {**PAPER, "head": UNHELPED},
    "ours without scaling of features": {
        **OURS,
        "head": {"feature_scaling": None},
    },
    "ours without initial value": {**OURS, "head": {"initial_value": None}},
    "ours without recovery": {**OURS, "head": {"recovery": False}},
    "ours with features scaled only": {**OURS, "head": UNHELPED},
    "ours with SGD 0.001, batch 60": {**PAPER, "head": {}},
    "ours": OURS,
}


def main(arguments=None):
    """Train what is asked for, print a table, draw the curves."""
    parser = command_line.parser(__doc__)
    command_line.add_data_arguments(parser)
    parser.add_argument(
        "--epochs", type=command_line.count, default=RECIPE.epochs
    )
    parser.add_argument(
        "--constant-rate",
        type=command_line.rate,
        metavar="RATE",
        help="a learning rate that does not fall, in place of the recipe's",
    )
    parser.add_argument(
        "--train-images", type=command_line.count, help="default: all"
    )
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument(
        "--rows",
        nargs="+",
        choices=[row.name for row in losses.TABLE2],
        metavar="ROW",
        help="rows of table 2; default: all, with --ablation MSE and AE",
    )
    arguments = parser.parse_args(arguments)

    if arguments.ablation:
        runs = [
            (f"{row}, {name}", row, how)
            for row in arguments.rows or ["MSE", "AE"]
            for name, how in PARTS.items()
        ]
    else:
        rows = arguments.rows or [row.name for row in losses.TABLE2]
        runs = [(row, row, OURS) for row in rows]
    parts = command_line.load_parts(arguments.data)
    train = parts["train"].subset(slice(0, arguments.train_images))
    folder = arguments.results / "recipe"
    folder.mkdir(parents=True, exist_ok=True)
    common = {
        "data": train.name,
        "images": len(train),
        "epochs": arguments.epochs,
        "constant_rate": arguments.constant_rate,
        "seed": arguments.seed,
    }
    command_line.head_trainer(arguments).check(
        [row for _, row, _ in runs], train
    )
    trainings = []
    for name, _, how in runs:
        path = folder / f"{slug(name)}.json"
        if path.exists():
            kept = read_record(path, "settings", "history")
            check_settings({**common, **how}, kept["settings"], path)
        trainings.append(Training(len(train), arguments.epochs, path.exists()))
    announce("recipe", trainings, results=folder)
    histories = {}
    for name, row, how in runs:
        path = folder / f"{slug(name)}.json"
        if not path.exists():
            history = run(arguments, train, parts["validation"], row, how)
            kept = {"settings": {**common, **how}, "history": history}
            write_text(path, json.dumps(kept, indent=1))
        kept = read_record(path, "settings", "history")
        histories[name] = kept["history"]
        print_run(name, histories[name])
    draw(histories, folder, arguments.ablation)


def run(arguments, train, validation, row, how):
    """Train the head with one loss; return its history."""
    trainer = command_line.head_trainer(arguments)
    keras.utils.set_random_seed(arguments.seed)
    model = trainer.model(
        activation=losses.get(row).activation, head=how["head"]
    )
    loss = trainer.loss(row, train, model)
    batches = feature_batches(
        model, train, how["batch_size"], seed=arguments.seed
    )
    if how["optimizer"] != "ours":
        optimizer = keras.optimizers.SGD(1e-3)
    elif arguments.constant_rate:
        optimizer = keras.optimizers.Adam(arguments.constant_rate)
    else:
        optimizer = RECIPE.optimizer(arguments.epochs * len(batches))
    model.head.compile(optimizer=optimizer, loss=loss)
    held_out = feature_batches(model, validation, shuffle=False)
    history = model.head.fit(
        batches,
        epochs=arguments.epochs,
        verbose=2,
        callbacks=[
            callbacks.SaliencyMetrics(held_out, metrics=["cc", "nss", "kl"])
        ],
    ).history
    maps = model.head.predict(held_out, verbose=0)
    history["empty_maps"] = float(np.mean(maps.max(axis=(1, 2, 3)) < 1e-6))
    return {key: np.asarray(value).tolist() for key, value in history.items()}


def print_run(name, history):
    """Print one line per run."""
    curves = " | ".join(
        f"{key} " + " ".join(f"{value:.3f}" for value in history[key])
        for key in ("loss", "val_cc", "val_nss", "val_kl")
    )
    print(f"{name}: {curves} | empty {history['empty_maps']:.2f}", flush=True)


def draw(histories, folder, ablation):
    """Draw the curves, in one figure per group of runs."""
    groups = {}
    for name, history in histories.items():
        if ablation:
            group, name = name.split(", ", 1)
        else:
            group = next(r.group for r in losses.TABLE2 if r.name == name)
        groups.setdefault(group, {})[name] = history
    for group, runs in groups.items():
        kind = "parts" if ablation else "rows"
        path = folder / f"{kind}_{slug(group)}.png"
        plot.history(runs, ["val_cc", "val_nss", "val_kl"], path, height=4)
        print(path)


if __name__ == "__main__":
    command_line.run(main)
