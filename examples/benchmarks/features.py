"""Time an epoch through the frozen backbone against one on cached features.

    python examples/benchmarks/features.py --data PATH --backbone-weights FILE

Trains the same head on the same images in the same order, without dropout,
both ways, and prints the seconds of each epoch and the losses, which agree to
the precision of the cache (float16).
"""

import time

import keras

from keras_saliency import datasets, losses
from keras_saliency.experiments import RECIPE, command_line, feature_batches


class Stopwatch(keras.callbacks.Callback):
    """Seconds of each epoch."""

    def on_train_begin(self, logs=None):
        """Begin."""
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        """Start."""
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Stop."""
        self.seconds.append(time.perf_counter() - self.start)


def main(arguments=None):
    """Train both ways."""
    parser = command_line.parser(__doc__)
    command_line.add_data_arguments(parser)
    parser.add_argument("--images", type=command_line.count, default=100)
    parser.add_argument("--epochs", type=command_line.count, default=3)
    arguments = parser.parse_args(arguments)
    train = command_line.load_parts(arguments.data)["train"]
    train = train.subset(slice(0, arguments.images))
    trainer = command_line.head_trainer(arguments)

    rows = {}
    for way in ("backbone", "cached features"):
        keras.utils.set_random_seed(arguments.seed)
        model = trainer.model(activation="sigmoid", head={"dropout": 0.0})
        start = time.perf_counter()
        if way == "backbone":
            trained = model
            batches = datasets.SaliencySequence(
                train,
                batch_size=min(RECIPE.batch_size, len(train)),
                image_size=model.input_shape[1:3],
                map_size=model.map_size,
            )
        else:
            trained = model.head
            batches = feature_batches(model, train)
        preparation = time.perf_counter() - start
        stopwatch = Stopwatch()
        steps = arguments.epochs * len(batches)
        trained.compile(RECIPE.optimizer(steps), losses.get("KLD"))
        history = trained.fit(
            batches,
            epochs=arguments.epochs,
            verbose=0,
            callbacks=[stopwatch],
        ).history
        rows[way] = min(stopwatch.seconds)
        print(
            f"{way}: preparation {preparation:.1f} s; epochs "
            + " ".join(f"{s:.1f}" for s in stopwatch.seconds)
            + " s; losses "
            + " ".join(f"{loss:.5f}" for loss in history["loss"]),
            flush=True,
        )
    ratio = rows["backbone"] / rows["cached features"]
    print(f"An epoch on cached features is {ratio:.1f} times as fast.")


if __name__ == "__main__":
    command_line.run(main)
