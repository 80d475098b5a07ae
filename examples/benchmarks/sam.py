"""Time a training step of SAM-VGG, and the share of its ConvLSTM.

    python examples/benchmark_sam.py --precision mixed_bfloat16

Trains with the recommended loss and optimizer on random pictures, at first the
whole network, then one without the ConvLSTM's recurrence: the features go on
to the priors as they are. The share is what is missing of the time.
"""

import argparse
import time

import common  # noqa: F401 - quiets TensorFlow
import keras
import networks
import numpy as np

from keras_saliency import layers, models, targets


def main():
    """Time both."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--input-size", default="240x320")
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--upsampling", type=int, default=16)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument(
        "--precision",
        default="float32",
        choices=["float32", "mixed_bfloat16"],
    )
    arguments = parser.parse_args()
    keras.mixed_precision.set_dtype_policy(arguments.precision)
    model = models.SAMVGG(
        networks.size(arguments.input_size),
        backbone_weights=None,
        upsampling=arguments.upsampling,
    )
    seconds = step(model, arguments)
    without = step(without_recurrence(model), arguments)
    print(
        f"{arguments.input_size}, batches of {arguments.batch_size}, "
        f"{arguments.precision}: {seconds:.2f} s a step, {without:.2f} s "
        f"without the ConvLSTM, whose share is {1 - without / seconds:.0%}"
    )


def without_recurrence(model):
    """The model with its ConvLSTM left out."""

    def skip(layer, *args, **kwargs):
        if isinstance(layer, layers.AttentiveConvLSTM):
            return args[0]
        return layer(*args, **kwargs)

    return keras.models.clone_model(
        keras.Model(model.inputs, model.outputs), call_function=skip
    )


def step(model, arguments):
    """Seconds of a training step, the fastest of some."""
    rng = np.random.default_rng(0)
    count = arguments.batch_size
    size = model.output_shape[1:3]
    images = rng.integers(0, 256, (count, *model.input_shape[1:]), "uint8")
    maps = targets.pack(
        rng.random((count, *size)), rng.integers(0, 2, (count, *size))
    )
    sam = models.SAMVGG((32, 32, 3), None, filters=(1,) * 5, depth=1)
    model.compile(sam.recommended_optimizer(), sam.recommended_loss())
    model.train_on_batch(images, maps)
    seconds = []
    for _ in range(arguments.steps):
        begun = time.perf_counter()
        float(model.train_on_batch(images, maps, return_dict=True)["loss"])
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


if __name__ == "__main__":
    main()
