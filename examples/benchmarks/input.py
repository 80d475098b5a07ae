"""How fast batches are made, against decoding the images alone.

    python examples/benchmarks/input.py --data MIT1003 --count 300

prints images per second at 300x400 for 1 and 2 threads: OpenCV decoding the
same files (`cv2.imdecode`, nothing else), the same and `cv2.resize`, and
`SaliencySequence` with reading, decoding, resizing, mirroring and targets, in
the first pass over the data, in later ones, and in later ones with each image
rotated, zoomed and shifted. All take turns `--repeats` times and the fastest
run of each counts. Without `--data`, textured JPEGs of 768x1024 are made.
"""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from keras_saliency import datasets
from keras_saliency.experiments import command_line

SIZE = (300, 400)


def main(arguments=None):
    """Make or load the data, and measure."""
    parser = command_line.parser(__doc__)
    parser.add_argument(
        "--data", type=command_line.folder, help="a compact data set"
    )
    parser.add_argument("--count", type=command_line.count, default=200)
    parser.add_argument("--batch-size", type=command_line.count, default=10)
    parser.add_argument("--repeats", type=command_line.count, default=5)
    arguments = parser.parse_args(arguments)
    # OpenCV's own threads would blur what one worker does.
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.data is None:
            dataset = make(Path(folder) / "made", arguments.count)
        else:
            dataset = datasets.load_compact(arguments.data)
        dataset = dataset.subset(slice(0, arguments.count))
        report(dataset, arguments)


def make(path, count):
    """Write and load a data set of large JPEGs."""
    small = datasets.generate(count, (96, 128))
    big = datasets.SaliencyDataset(
        "made",
        [cv2.resize(small.image(i), (1024, 768)) for i in range(count)],
        fixations=datasets.Fixations(
            small.fixations.image_index,
            small.fixations.x * 8,
            small.fixations.y * 8,
        ),
    )
    datasets.to_compact(big, path, longest=None, progress=False)
    return datasets.load_compact(path)


def report(dataset, arguments):
    """Print the measurements."""
    count = len(dataset)
    files = [np.frombuffer(p.read_bytes(), "uint8") for p in dataset.images]
    # name -> what is timed, and its items.
    jobs = {
        "decoding alone": (decoded, files),
        "decoding and one resizing": (resized, files),
    }
    affine = datasets.Affine(rotation=10, zoom=(0.9, 1.2), shift=0.05)
    for map_size in ((37, 50), (300, 400)):
        for name, kept, augment in (
            ("first pass", False, None),
            ("later passes", True, None),
            ("augmented", True, affine),
        ):
            batches = datasets.SaliencySequence(
                dataset,
                arguments.batch_size,
                SIZE,
                map_size,
                cache_targets=kept,
                cache_images=kept,
                flip=True,
                augment=augment,
            )
            if kept:
                for batch in range(len(batches)):
                    batches[batch]
            name = f"targets {map_size[0]}x{map_size[1]}, {name}"
            jobs[name] = (batches.__getitem__, range(len(batches)))
    for workers in (1, 2):
        speeds = {
            name: count / seconds
            for name, seconds in fastest(
                jobs, workers, arguments.repeats
            ).items()
        }
        alone = speeds["decoding alone"]
        print(f"{workers} thread(s)")
        for name, speed in speeds.items():
            print(
                f"    {name:30} {speed:7.0f} images/s, {alone / speed:.2f} "
                "times the time of decoding"
            )


def decoded(data):
    """Return an image in full size."""
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def resized(data):
    """Return an image in the size of the batches."""
    return cv2.resize(decoded(data), SIZE[::-1])


def fastest(jobs, workers, repeats):
    """Return the seconds of each job's fastest run; the jobs take turns."""
    seconds = dict.fromkeys(jobs, float("inf"))
    with ThreadPoolExecutor(workers) as pool:
        for _ in range(repeats):
            for name, (work, items) in jobs.items():
                start = time.perf_counter()
                for _ in pool.map(work, items):
                    pass
                passed = time.perf_counter() - start
                seconds[name] = min(seconds[name], passed)
    return seconds


if __name__ == "__main__":
    command_line.run(main)
