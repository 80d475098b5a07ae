"""Time of each classic model per image.

    python examples/benchmarks/classic.py --size 384 512 --size 768 1024

Images are generated; each model maps one after the other, and the models
take turns, so that a machine's slower minutes hit all of them. The time is the
processor's, of all threads together: other programs do not count.
"""

import datetime
import os
import platform
import statistics
import time

import numpy as np

from keras_saliency import datasets
from keras_saliency.experiments import command_line
from keras_saliency.models.classic import CLASSIC


def milliseconds(names, size, count, rounds):
    """Return name -> median time per image of `(height, width)`."""
    made = datasets.generate(count=count, size=size)
    images = [made.image(i) for i in range(count)]
    models = {name: CLASSIC[name]() for name in names}
    times = {name: [] for name in models}
    for model in models.values():
        model.saliency_map(images[0])  # makes filters for this size
    for _ in range(rounds):
        for name, model in models.items():
            for image in images:
                start = time.process_time()
                model.saliency_map(image)
                times[name].append(1000 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def main(arguments=None):
    """Run the benchmark and print its table."""
    parser = command_line.parser(__doc__)
    parser.add_argument(
        "--size",
        type=command_line.count,
        nargs=2,
        action="append",
        metavar=("HEIGHT", "WIDTH"),
        help="may be given several times; default 384 512 and 768 1024",
    )
    parser.add_argument(
        "--models", nargs="+", default=list(CLASSIC), choices=CLASSIC
    )
    parser.add_argument(
        "--count", type=command_line.count, default=5, help="images"
    )
    parser.add_argument("--rounds", type=command_line.count, default=3)
    options = parser.parse_args(arguments)
    sizes = options.size or [(384, 512), (768, 1024)]
    columns = [
        milliseconds(options.models, tuple(size), options.count, options.rounds)
        for size in sizes
    ]
    print(
        f"{datetime.date.today()}, {platform.processor() or platform.machine()}"
        f" with {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}; milliseconds of processor time per image, "
        f"median of {options.count} images and {options.rounds} rounds\n"
    )
    titles = " | ".join(f"{height}x{width}" for height, width in sizes)
    print(f"| model | {titles} |\n|---|" + "---|" * len(sizes))
    for name in options.models:
        cells = " | ".join(f"{column[name]:.1f}" for column in columns)
        print(f"| {name} | {cells} |")


if __name__ == "__main__":
    command_line.run(main)
