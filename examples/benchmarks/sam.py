"""Time a training step of SAM-VGG, and the share of its ConvLSTM.

    python examples/benchmarks/sam.py --precision mixed_bfloat16

Trains with the recommended loss and optimizer on random images, first the
whole network, then one without the ConvLSTM's recurrence: the features go on
to the priors as they are. The share is what is missing of the time.
"""

import time

import keras
import numpy as np

from keras_saliency import layers, models, targets
from keras_saliency.experiments import command_line


def main(arguments=None):
    """Time both."""
    parser = command_line.parser(__doc__)
    parser.add_argument(
        "--input-size",
        type=command_line.input_size,
        default=(240, 320),
        metavar="HEIGHTxWIDTH",
    )
    parser.add_argument("--batch-size", type=command_line.count, default=2)
    parser.add_argument("--upsampling", type=command_line.count, default=16)
    parser.add_argument("--steps", type=command_line.count, default=3)
    parser.add_argument(
        "--precision", default="float32", choices=command_line.PRECISIONS
    )
    arguments = parser.parse_args(arguments)
    keras.mixed_precision.set_dtype_policy(arguments.precision)
    model = models.SAMVGG(
        (*arguments.input_size, 3),
        backbone_weights=None,
        upsampling=arguments.upsampling,
    )
    seconds = step(model, arguments)
    without = step(without_recurrence(model), arguments)
    print(
        f"{model.input_shape[1:3]}, batches of {arguments.batch_size}, "
        f"{arguments.precision}: {seconds:.2f} s a step, {without:.2f} s "
        f"without the ConvLSTM, whose share is {1 - without / seconds:.0%}"
    )


def without_recurrence(model):
    """Return the model with its ConvLSTM left out."""

    def skip(layer, *args, **kwargs):
        if isinstance(layer, layers.AttentiveConvLSTM):
            return args[0]
        return layer(*args, **kwargs)

    return keras.models.clone_model(
        keras.Model(model.inputs, model.outputs), call_function=skip
    )


def step(model, arguments):
    """Return the seconds of the fastest training step."""
    rng = np.random.default_rng(0)
    count = arguments.batch_size
    size = model.output_shape[1:3]
    images = rng.integers(0, 256, (count, *model.input_shape[1:]), "uint8")
    maps = targets.pack(
        rng.random((count, *size)), rng.integers(0, 2, (count, *size))
    )
    sam = models.SAMVGG(
        (32, 32, 3), backbone_weights=None, filters=(1,) * 5, depth=1
    )
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
