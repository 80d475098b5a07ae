"""Time of each classic model per picture.

    python examples/benchmark_classic.py --size 384 512 --size 768 1024

Pictures are generated; each model maps one after the other, and the models
take turns, so that a machine's slower minutes hit all of them.
"""

import argparse
import datetime
import os
import platform
import statistics
import time

import numpy as np

from keras_saliency import datasets
from keras_saliency.models.classic import CLASSIC


def milliseconds(size, count, rounds):
    """Name -> median time per picture of `(height, width)`."""
    pictures = datasets.generate(count=count, size=size)
    pictures = [pictures.image(i) for i in range(count)]
    models = {name: kind() for name, kind in CLASSIC.items()}
    times = {name: [] for name in models}
    for model in models.values():
        model.saliency_map(pictures[0])  # makes filters for this size
    for _ in range(rounds):
        for name, model in models.items():
            for picture in pictures:
                start = time.perf_counter()
                model.saliency_map(picture)
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def main():
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        action="append",
        metavar=("HEIGHT", "WIDTH"),
        help="may be given several times; default 384 512 and 768 1024",
    )
    parser.add_argument("--count", type=int, default=5, help="pictures")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sizes = options.size or [(384, 512), (768, 1024)]
    columns = [
        milliseconds(tuple(size), options.count, options.rounds)
        for size in sizes
    ]
    print(
        f"{datetime.date.today()}, {platform.processor() or platform.machine()}"
        f" with {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}; milliseconds per picture, median of "
        f"{options.count} pictures and {options.rounds} rounds\n"
    )
    titles = " | ".join(f"{height}x{width}" for height, width in sizes)
    print(f"| model | {titles} |\n|---|" + "---|" * len(sizes))
    for name in CLASSIC:
        cells = " | ".join(f"{column[name]:.1f}" for column in columns)
        print(f"| {name} | {cells} |")


if __name__ == "__main__":
    main()
