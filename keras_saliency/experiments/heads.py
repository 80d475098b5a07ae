"""How the examples train: one recipe, on cached features, with resume.

A recipe says everything that a run depends on beside the loss, the data and
the seed. A run that is done is read from its folder; one that was broken off
goes on after the last epoch it finished.
"""

import dataclasses
import json
import time
from pathlib import Path

import common
import keras

from keras_saliency import evaluation, losses


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a training depends on beside loss, data and seed.

    Args:
        epochs: Passes over the training images.
        learning_rate: Of Adam, at the start; it falls to zero over the run
            along a half cosine.
        batch_size: Images per step.
        flip: Whether half the images are mirrored, anew in each pass.
        ema: Momentum of a moving average of the weights, which takes their
            place at the end; 0 for none.
    """

    epochs: int = 5
    learning_rate: float = 1e-3
    batch_size: int = 10
    flip: bool = False
    ema: float = 0.0

    def optimizer(self, steps):
        """A new optimizer for a run of so many steps in all."""
        average = {"use_ema": True, "ema_momentum": self.ema}
        return keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(self.learning_rate, steps),
            **(average if self.ema else {}),
        )


def add_arguments(parser):
    """Those of `common`, and what training needs beside."""
    common.add_arguments(parser)
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument(
        "--precision",
        default="float32",
        choices=["float32", "mixed_bfloat16"],
        help="of training; maps are predicted in float32 in any case",
    )


def slug(name):
    """A name as part of a file name."""
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    return "_".join(words)


def trained(
    arguments,
    row,
    train,
    recipe,
    seed,
    start=None,
    loss=None,
    **model_options,
):
    """A baseline trained with the loss of a row of table 2, or another.

    Args:
        arguments: Of the command line.
        row: The loss by its name in the paper, or any name for `loss`.
        train: The data set to train on.
        recipe: A `Recipe`.
        seed: Of initial weights, dropout and the order of images.
        start: A trained baseline of the same kind to start from.
        loss: A loss that is no row of the table.
        **model_options: Further arguments of `models.Baseline`.

    Returns:
        The model, and what is kept of the run: a dictionary with the folder,
        the settings, the logs per epoch and the seconds it took.
    """
    settings = {
        "loss": row,
        "data": train.name,
        "images": len(train),
        "recipe": dataclasses.asdict(recipe),
        "precision": arguments.precision,
        "seed": seed,
        "start": start and start[1]["settings"],
        "model": model_options,
    }
    name = f"{slug(train.name)}_{slug(row)}_seed{seed}"
    if start:
        name += f"_after_{slug(start[1]['settings']['data'])}"
    folder = arguments.results / "runs" / name
    record = folder / "run.json"
    activation = losses.get(loss or row).activation
    if record.exists():
        run = json.loads(record.read_text())
        if run["settings"] != json.loads(json.dumps(settings)):
            raise SystemExit(
                f"{folder} holds a run with other settings; choose another "
                f"folder with --results, or remove it.\n{run['settings']}\n"
                f"{settings}"
            )
        model = common.make_model(
            arguments, activation=activation, **model_options
        )
        model.head.load_weights(folder / "head.weights.h5")
        return model, {**run, "folder": folder}
    folder.mkdir(parents=True, exist_ok=True)
    print(f"\n{name}", flush=True)
    begun = time.perf_counter()
    common.seed_everything(seed)
    model = common.make_model(
        arguments,
        activation=activation,
        head={"dtype": arguments.precision},
        **model_options,
    )
    if start:
        model.head.set_weights(start[0].head.get_weights())
    logs = _fit(arguments, model, loss or row, train, recipe, seed, folder)
    weights = model.head.get_weights()
    model = common.make_model(arguments, activation=activation, **model_options)
    model.head.set_weights(weights)
    model.head.save_weights(folder / "head.weights.h5")
    run = {
        "settings": settings,
        "logs": logs,
        "seconds": round(time.perf_counter() - begun, 1),
    }
    record.write_text(json.dumps(run, indent=1))
    return model, {**run, "folder": folder}


def _fit(arguments, model, loss, train, recipe, seed, folder):
    loss = losses.get(
        loss,
        prior=train.mean_density(model.map_size),
        vgg_weights=arguments.backbone_weights,
    )
    batches = common.feature_batches(
        model, train, recipe.batch_size, seed=seed, flip=recipe.flip
    )
    model.head.compile(
        optimizer=recipe.optimizer(len(batches) * recipe.epochs), loss=loss
    )
    history = model.head.fit(
        batches,
        epochs=recipe.epochs,
        verbose=2,
        callbacks=[keras.callbacks.BackupAndRestore(folder / "unfinished")],
    ).history
    return {key: [float(v) for v in history[key]] for key in history}


def scored(model, run, dataset, part):
    """Evaluate a trained baseline on a data set at the pictures' own sizes.

    The values of each image are kept in the run's folder, as
    `PART.csv`, and read from there where they are.

    Returns:
        An `evaluation.Evaluation`.
    """
    path = Path(run["folder"]) / f"{slug(dataset.name)}_{part}.csv"
    if path.exists():
        result = evaluation.Evaluation.load(path)
        if result.names == dataset.names:
            return result
    maps = predicted(model, dataset)
    result = evaluation.evaluate(maps, dataset, verbose=0)
    result.to_csv(path)
    return result


def predicted(model, dataset):
    """Maps of a data set's images, `(N, height, width, 1)`."""
    batches = common.feature_batches(model, dataset, shuffle=False)
    return model.head.predict(batches, verbose=0)
