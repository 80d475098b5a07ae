"""Train the baseline's head with MSE and with LC1 and compare the two.

Without arguments: on generated images with a small backbone, in less than
three minutes on two cores and without a download. With `--data PATH` on a
real data set with VGG-16. Prints the seven metrics on the validation part and
saves a figure.
"""

import argparse

import common
import keras

from keras_saliency import callbacks, images, losses, plot


def main():
    """Train, compare, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common.add_arguments(parser)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--losses", nargs="+", default=["MSE", "LC1"])
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)

    parts = common.load(arguments.data)
    train, validation = parts["train"], parts["validation"]
    print(f"{len(train)} images to train on, {len(validation)} to validate.")
    table, trained = {}, {}
    for name in arguments.losses:
        common.seed_everything(arguments.seed)
        activation = losses.get(name).activation
        model = common.make_model(arguments, activation=activation)
        loss = losses.get(
            name,
            prior=train.mean_density(model.map_size),
            vgg_weights=arguments.backbone_weights,
        )
        head = model.head
        head.compile(optimizer=keras.optimizers.Adam(3e-4), loss=loss)
        held_out = common.feature_batches(model, validation, shuffle=False)
        print(f"\n{name}")
        history = head.fit(
            common.feature_batches(model, train, seed=arguments.seed),
            validation_data=held_out,
            epochs=arguments.epochs,
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
            key: history[f"val_{key}"][best]
            for key in common.METRICS
            if f"val_{key}" in history
        }
        trained[name] = model
        model.save(arguments.results / f"quickstart_{name}.keras")

    print(f"\nOn the {len(validation)} validation images:")
    common.print_table(table)
    path = arguments.results / "quickstart.png"
    draw(validation, trained, path)
    print(f"Stimulus, ground truth and predictions: {path}")


def draw(dataset, trained, path, count=4):
    """Save the figure of the first images."""
    rows = []
    for index in range(min(count, len(dataset))):
        picture = dataset.image(index)
        size = picture.shape[:2]
        row = [picture, dataset.density(index, size)]
        for model in trained.values():
            image = dataset.image(index, model.input_shape[1:3])
            prediction = model.predict(image[None], verbose=0)[0, :, :, 0]
            row.append(images.resize(prediction, size))
        rows.append(row)
    plot.maps(rows, ["stimulus", "ground truth", *trained], path)


if __name__ == "__main__":
    main()
