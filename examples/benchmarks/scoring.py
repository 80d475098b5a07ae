"""Processor time of scoring maps in files, as `evaluate` does.

    OPENBLAS_NUM_THREADS=1 python examples/benchmarks/scoring.py

prints milliseconds per image for the seven metrics of a 768x1024 map in an
8-bit PNG file: decoding it, making the density map and the map of 100
fixations, and the metrics, each also alone. It is the time of one core, and the
least of `--repeats` for each image, since others may use the machine.
"""

import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from keras_saliency import datasets, evaluation
from keras_saliency.experiments import command_line

SIZE = (768, 1024)


def main(arguments=None):
    """Make the maps, and measure."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--count", type=command_line.count, default=16)
    parser.add_argument("--fixations", type=command_line.count, default=100)
    parser.add_argument("--repeats", type=command_line.count, default=7)
    arguments = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        parts = make(Path(folder), arguments.count, arguments.fixations)
        rows = {"all": None, **{n: [n] for n in evaluation.SEVEN}}
        times = {name: [] for name in rows}
        for _ in range(arguments.repeats):
            for name, metrics in rows.items():
                times[name].append([once(folder, p, metrics) for p in parts])
    for name, found in times.items():
        print(f"{name:10}{np.min(found, axis=0).mean():7.2f}")


def make(folder, count, fixations):
    """Write blurred noise as maps, and return a data set of each image."""
    random = np.random.default_rng(0)
    parts = []
    for i in range(count):
        # People look more at the middle.
        x, y = (
            np.clip(random.normal(side / 2, side / 5, fixations), 0, side - 1)
            for side in SIZE[::-1]
        )
        parts.append(
            datasets.SaliencyDataset(
                "made",
                [np.zeros((*SIZE, 3), "uint8")],
                names=[f"{i}"],
                fixations=datasets.Fixations(np.zeros(fixations, int), x, y),
                default_sigma=24,
            )
        )
        noise = random.random(SIZE, "float32")
        noise += 20 * parts[-1].density(0)
        map_ = cv2.GaussianBlur(noise, (0, 0), 40)
        map_ = cv2.normalize(map_, None, 0, 255, cv2.NORM_MINMAX)
        cv2.imwrite(str(folder / f"{i}.png"), np.rint(map_).astype("uint8"))
    return parts


def once(folder, dataset, metrics):
    """Return the milliseconds that the process works on one image."""
    begun = time.process_time()
    evaluation.evaluate(folder, dataset, metrics, verbose=0)
    return 1000 * (time.process_time() - begun)


if __name__ == "__main__":
    main()
