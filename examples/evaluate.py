"""Score a model's maps on a data set, or compare two models.

    python examples/evaluate.py results/quickstart_LC1.keras --data PATH
    python examples/evaluate.py mine.keras their_maps/ --data PATH --part test
    python examples/evaluate.py baseline-lc2 --data PATH --part test

A model is a `.keras` file, the name of a published or a classic model, or a
folder of maps as image files, one per image and of its name, which is what
every other program writes. Prints the mean of each metric with a 95 %
interval; for two models also the difference, its interval and a paired test.
If it is stopped, the same command goes on.
"""

import time
from pathlib import Path

from keras_saliency import evaluation, experiments, models
from keras_saliency.experiments import command_line
from keras_saliency.models.sources import Folder


def main(arguments=None):
    """Evaluate, compare, write what was found."""
    parser = command_line.parser(__doc__)
    parser.add_argument("models", nargs="+", type=Path, help="one or two")
    command_line.add_data_arguments(parser)
    parser.add_argument(
        "--part", default="validation", choices=command_line.PARTS
    )
    parser.add_argument(
        "--images", type=command_line.count, help="the first n; default: all"
    )
    parser.add_argument(
        "--size",
        type=command_line.count,
        nargs=2,
        help="height and width; by default each image's own",
    )
    parser.add_argument("--workers", type=command_line.count, default=1)
    arguments = parser.parse_args(arguments)
    if len(arguments.models) > 2:
        parser.error(f"one or two models; received {len(arguments.models)}")
    try:
        systems = [
            system(path, arguments.backbone_weights)
            for path in arguments.models
        ]
    except ValueError as error:
        parser.error(str(error))
    arguments.results.mkdir(parents=True, exist_ok=True)
    dataset = command_line.load_parts(arguments.data)[arguments.part]
    dataset = dataset.subset(slice(0, arguments.images))
    for predictions in systems:
        # Maps that are missing are seen before the first is measured.
        if isinstance(predictions, Path):
            Folder(predictions, dataset)
    experiments.announce(
        "evaluate",
        [],
        measured=len(systems) * len(dataset),
        results=arguments.results,
    )

    results = []
    for path, predictions in zip(arguments.models, systems, strict=True):
        start = time.perf_counter()
        result = evaluation.evaluate(
            predictions,
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


def system(path, backbone_weights):
    """Return what `evaluation.evaluate` takes: a model, or a folder of maps."""
    if path.is_dir():
        return path
    return models.get(path, backbone_weights=backbone_weights)


if __name__ == "__main__":
    command_line.run(main)
