"""Time a Predictor beside the network alone.

    python examples/benchmarks/predictor.py --model mine.onnx --longest 1024

The network alone gets batches that are prepared already; the Predictor gets
images of their own sizes and gives maps of those sizes, in [0, 1]. They are
noise, in turn of 3:4, 4:3 and 2:3, their longer side as --longest says. The
fastest of several turns counts, since others may use the machine.
"""

import time

import numpy as np

from keras_saliency import Predictor
from keras_saliency.experiments import command_line


def main(arguments=None):
    """Time both, and print the quotient."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--model", help="name or file; default: the package's")
    parser.add_argument("--longest", type=command_line.count, default=640)
    parser.add_argument("--images", type=command_line.count, default=48)
    parser.add_argument("--batch-size", type=command_line.count, default=8)
    parser.add_argument("--turns", type=command_line.count, default=5)
    arguments = parser.parse_args(arguments)
    predictor = Predictor(arguments.model, batch_size=arguments.batch_size)
    side = arguments.longest
    sizes = (
        (side * 3 // 4, side),
        (side, side * 3 // 4),
        (side * 2 // 3, side),
    )
    random = np.random.default_rng(0)
    images = [
        random.integers(0, 256, (*sizes[i % 3], 3), "uint8")
        for i in range(arguments.images)
    ]
    mapper = predictor.mapper
    inputs = [mapper.prepare(image) for image in images]
    batches = [
        np.stack(inputs[i : i + arguments.batch_size])
        for i in range(0, len(inputs), arguments.batch_size)
    ]

    def alone():
        for batch in batches:
            mapper.network(batch)

    def whole():
        for _ in predictor.maps(images):
            pass

    times = [[], []]
    for work in (alone, whole):
        work()
    for _ in range(arguments.turns):
        for work, found in zip((alone, whole), times, strict=True):
            begun = time.perf_counter()
            work()
            found.append((time.perf_counter() - begun) / len(images))
    network, predicted = map(min, times)
    print(
        f"{predictor.model or 'bundled'}: the network alone "
        f"{1000 * network:.2f} ms an image, the Predictor "
        f"{1000 * predicted:.2f} ms: {predicted / network:.2f} times"
    )


if __name__ == "__main__":
    main()
