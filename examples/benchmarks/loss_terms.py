"""Time a training step of LC2 with its terms in the logs, and without.

    python examples/benchmarks/loss_terms.py --vgg-weights FILE

Trains the baseline's head on random features. Steps with and without the logs
take turns, so that a busy machine slows both.
"""

import statistics
import time

import keras
import numpy as np

from keras_saliency import losses, models, targets
from keras_saliency.experiments import command_line
from keras_saliency.metrics import LossTerms


def main(arguments=None):
    """Time both."""
    parser = command_line.parser(__doc__)
    parser.add_argument(
        "--input-size",
        type=command_line.input_size,
        default=(300, 400),
        metavar="HEIGHTxWIDTH",
    )
    parser.add_argument("--batch-size", type=command_line.count, default=4)
    parser.add_argument("--steps", type=command_line.count, default=20)
    parser.add_argument("--loss", type=command_line.loss_name, default="LC2")
    parser.add_argument(
        "--vgg-weights",
        type=command_line.weights_file,
        help="weights file of VGG-16",
    )
    arguments = parser.parse_args(arguments)
    model = models.Baseline(
        (*arguments.input_size, 3), backbone_weights=None, activation="sigmoid"
    )
    rng = np.random.default_rng(0)
    maps = rng.random((arguments.batch_size, *model.map_size))
    y = targets.pack(maps, rng.integers(0, 2, maps.shape))
    x = [
        rng.random((arguments.batch_size, *level.shape[1:]), "float32")
        for level in model.head.inputs
    ]
    steps = {
        logged: compiled(model.head, maps.mean(axis=0), arguments, logged)
        for logged in (True, False)
    }
    seconds = {True: [], False: []}
    for number in range(arguments.steps + 2):
        for logged, network in steps.items():
            begun = time.perf_counter()
            network.train_on_batch(x, y)
            # The first two steps trace and compile.
            if number > 1:
                seconds[logged].append(time.perf_counter() - begun)
    logged, plain = (statistics.median(seconds[key]) for key in (True, False))
    ratio = statistics.median(
        a / b for a, b in zip(seconds[True], seconds[False], strict=True)
    )
    print(
        f"{keras.backend.backend()}, {arguments.loss}, maps of "
        f"{model.map_size}, batches of {arguments.batch_size}: median of "
        f"{arguments.steps} steps {logged:.4f} s with the terms in the logs, "
        f"{plain:.4f} s without; median of the ratios {ratio:.3f}"
    )


def compiled(head, prior, arguments, logged):
    """Return a copy of the head, compiled with or without the terms."""
    loss = losses.get(
        arguments.loss, prior=prior, vgg_weights=arguments.vgg_weights
    )
    network = keras.models.clone_model(keras.Model(head.inputs, head.outputs))
    network.compile("adam", loss, metrics=[LossTerms(loss)] if logged else None)
    return network


if __name__ == "__main__":
    command_line.run(main)
