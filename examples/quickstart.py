"""Train the baseline's head with MSE and with LC1 and compare the two.

Without arguments: on generated images with a small backbone, in less than
three minutes on two cores and without a download. With `--data PATH` on a
real data set with VGG-16. Prints the seven metrics on the validation part and
saves a figure.
"""

import dataclasses

import keras

from keras_saliency import callbacks, evaluation, losses, plot
from keras_saliency.experiments import (
    RECIPE,
    Training,
    announce,
    command_line,
    feature_batches,
    replacing,
)


def main(arguments=None):
    """Train, compare, draw."""
    parser = command_line.parser(__doc__)
    command_line.add_data_arguments(parser)
    parser.add_argument("--epochs", type=command_line.count, default=10)
    parser.add_argument(
        "--losses",
        type=command_line.loss_name,
        nargs="+",
        default=["MSE", "LC1"],
    )
    arguments = parser.parse_args(arguments)
    arguments.results.mkdir(parents=True, exist_ok=True)

    parts = command_line.load_parts(arguments.data)
    train, validation = parts["train"], parts["validation"]
    trainer = command_line.head_trainer(arguments)
    recipe = dataclasses.replace(RECIPE, epochs=arguments.epochs)
    trainer.check(arguments.losses, train)
    announce(
        "quickstart",
        [Training(len(train), recipe.epochs)] * len(arguments.losses),
        measured=len(validation) * len(arguments.losses),
        results=arguments.results,
    )
    table, trained = {}, {}
    for name in arguments.losses:
        print(f"\n{name}")
        keras.utils.set_random_seed(arguments.seed)
        model = trainer.model(activation=losses.get(name).activation)
        batches = feature_batches(model, train, seed=arguments.seed)
        held_out = feature_batches(model, validation, shuffle=False)
        model.head.compile(
            recipe.optimizer(recipe.epochs * len(batches)),
            trainer.loss(name, train, model),
        )
        history = model.head.fit(
            batches,
            validation_data=held_out,
            epochs=recipe.epochs,
            verbose=2,
            callbacks=[
                # First, so that the next one sees what it writes.
                callbacks.SaliencyMetrics(held_out),
                keras.callbacks.EarlyStopping(
                    "val_cc",
                    mode="max",
                    patience=3,
                    restore_best_weights=True,
                ),
            ],
        ).history
        best = max(
            range(len(history["val_cc"])), key=history["val_cc"].__getitem__
        )
        table[name] = {
            metric: history[f"val_{metric}"][best]
            for metric in evaluation.SEVEN
            if f"val_{metric}" in history
        }
        trained[name] = model
        path = arguments.results / f"quickstart_{name}.keras"
        with replacing(path) as new:
            model.save(new)

    print(f"\nOn the {len(validation)} validation images:")
    print_table(table)
    path = arguments.results / "quickstart.png"
    draw(validation, trained, path)
    print(f"Images, ground truth and predictions: {path}")


def print_table(rows):
    """Print a dictionary of a loss' name and its metrics."""
    width = max(len("loss"), *map(len, rows))
    titles = [evaluation.METRICS[metric].title for metric in evaluation.SEVEN]
    print("loss".ljust(width), *(f"{title:>9}" for title in titles))
    for name, values in rows.items():
        cells = (
            f"{values[metric]:9.4f}" if metric in values else f"{'-':>9}"
            for metric in evaluation.SEVEN
        )
        print(name.ljust(width), *cells)


def draw(dataset, trained, path, count=4):
    """Save the figure of the first images."""
    rows = []
    for i in range(min(count, len(dataset))):
        image = dataset.image(i)
        row = [image, dataset.density(i, image.shape[:2])]
        row += [model.saliency_map(image) for model in trained.values()]
        rows.append(row)
    plot.maps(rows, ["image", "ground truth", *trained], path)


if __name__ == "__main__":
    command_line.run(main)
