"""Time a training step with one loss beside steps with others.

    python examples/benchmarks/losses.py --vgg-weights FILE --losses MSE LC1 LC2

Trains the baseline's head on random features. Steps take turns, so that a busy
machine slows all alike; a ratio is the median over the turns. With `--terms`
each loss is also timed with its terms in the logs.
"""

import itertools
import statistics
import time

import keras
import numpy as np

from keras_saliency import losses, models, targets
from keras_saliency.experiments import command_line
from keras_saliency.metrics import LossTerms


def main(arguments=None):
    """Time each."""
    parser = command_line.parser(__doc__)
    parser.add_argument(
        "--input-size",
        type=command_line.input_size,
        default=(300, 400),
        metavar="HEIGHTxWIDTH",
    )
    parser.add_argument("--batch-size", type=command_line.count, default=10)
    parser.add_argument("--steps", type=command_line.count, default=20)
    parser.add_argument(
        "--losses",
        type=command_line.loss_name,
        nargs="+",
        default=["MSE", "LC2"],
        help="the first is what the others are compared with",
    )
    parser.add_argument("--terms", action="store_true")
    parser.add_argument(
        "--precision", default="float32", choices=command_line.PRECISIONS
    )
    parser.add_argument(
        "--feature-dtype", default="float32", help="precision of DF and GM"
    )
    parser.add_argument(
        "--vgg-weights",
        type=command_line.weights_file,
        help="weights file of VGG-16",
    )
    arguments = parser.parse_args(arguments)
    keras.config.set_dtype_policy(arguments.precision)
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
    cases = itertools.product(
        arguments.losses, (False, True) if arguments.terms else (False,)
    )
    steps = {
        f"{name}{' with its terms' * logged}": compiled(
            model.head, maps.mean(axis=0), arguments, name, logged
        )
        for name, logged in cases
    }
    seconds = {name: [] for name in steps}
    for number in range(arguments.steps + 2):
        for name, network in steps.items():
            begun = time.perf_counter()
            network.train_on_batch(x, y)
            # The first two steps trace and compile.
            if number > 1:
                seconds[name].append(time.perf_counter() - begun)
    print(
        f"{keras.backend.backend()}, {arguments.precision}, maps of "
        f"{model.map_size}, batches of {arguments.batch_size}, "
        f"{arguments.steps} steps"
    )
    first = next(iter(seconds.values()))
    for name, each in seconds.items():
        ratio = statistics.median(
            a / b for a, b in zip(each, first, strict=True)
        )
        print(f"{name}: {statistics.median(each):.4f} s, {ratio:.3f}")


def compiled(head, prior, arguments, name, logged):
    """Return a copy of the head, compiled with a loss."""
    loss = losses.get(
        name,
        prior=prior,
        vgg_weights=arguments.vgg_weights,
        feature_dtype=arguments.feature_dtype,
    )
    network = keras.models.clone_model(keras.Model(head.inputs, head.outputs))
    network.compile("adam", loss, metrics=[LossTerms(loss)] if logged else None)
    return network


if __name__ == "__main__":
    command_line.run(main)
