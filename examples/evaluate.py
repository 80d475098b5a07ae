"""Score a model's maps on a data set, or compare two models.

    python examples/evaluate.py results/quickstart_LC1.keras --data PATH
    python examples/evaluate.py mine.keras their_maps/ --data PATH --part test
    python examples/evaluate.py baseline-lc2 --data PATH --part test

A model is a `.keras` file; the name of a published one (`weights.list()`); or
a folder of maps as image files, one per picture and of its name, which is what
every other program writes. Prints the mean of each metric with a 95 % interval;
for two models also the difference, its interval and a paired test. Broken off,
it resumes where it stopped.
"""

import argparse
import time
from pathlib import Path

import common
import keras

from keras_saliency import evaluation, weights


def main():
    """Evaluate, compare, write what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="+", type=Path, help="one or two")
    common.add_arguments(parser)
    parser.add_argument(
        "--part", default="validation", help="train, validation or test"
    )
    parser.add_argument("--images", type=int, help="the first n; default: all")
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        help="height and width; by default each picture's own",
    )
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    dataset = common.load(arguments.data)[arguments.part]
    dataset = dataset.subset(slice(0, arguments.images))

    results = []
    for path in arguments.models:
        start = time.perf_counter()
        result = evaluation.evaluate(
            predictions(path, arguments.backbone_weights),
            dataset,
            size=arguments.size,
            workers=arguments.workers,
            resume=arguments.results / f"evaluate_{path.stem}.jsonl",
        )
        seconds = time.perf_counter() - start
        print(f"\n{path}: {len(dataset)} images in {seconds:.1f} s")
        print(result)
        result.to_csv(arguments.results / f"evaluate_{path.stem}.csv")
        results.append(result)
    if len(results) == 2:
        names = [path.stem for path in arguments.models]
        print(f"\n{evaluation.compare(*results, names=names)}")


def predictions(path, backbone_weights):
    """What `evaluation.evaluate` takes: a model, or a folder of maps."""
    if path.suffix == ".keras":
        return keras.models.load_model(path, compile=False)
    if path.is_dir():
        return path
    return weights.load(str(path), backbone_weights=backbone_weights)


if __name__ == "__main__":
    main()
