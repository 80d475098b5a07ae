"""One model through its density: each metric of the map that it wants.

    python examples/density.py --data MIT1003 --model best \
        --backbone-weights FILE

fits the density of a model to the validation part (or another: `--fit`), and
scores on the test part the model's maps as they are, the density as the one
map, and the map of each metric; EMD also at other sizes. What each metric gains
by its map is tested image by image. The density is written as
`RESULTS/MODEL.density.json`, to be published beside the model's file. Maps and
scores are kept, and the same command goes on after a break. Writes
`density_MODEL.json` and `.md`.
"""

import json
from pathlib import Path

from keras_saliency import evaluation, experiments, models
from keras_saliency.experiments import command_line

METRICS = {
    **{name: {} for name in evaluation.SEVEN},
    "auc_shuffled": {},
    # Bits per fixation over the center bias of the training part.
    "information_gain": {"repeats": True, "minmax": False, "epsilon": 1e-12},
}
SIZES = ((300, 400), (37, 50))


def main(arguments=None):
    """Fit, score, report."""
    parser = command_line.parser(__doc__)
    command_line.add_data_arguments(parser)
    parser.add_argument("--model", default="best")
    for part, default in (("fit", "validation"), ("part", "test")):
        parser.add_argument(
            f"--{part}", default=default, choices=command_line.PARTS
        )
    parser.add_argument(
        "--images", type=command_line.count, help="the first n; default: all"
    )
    parser.add_argument("--workers", type=command_line.count, default=1)
    arguments = parser.parse_args(arguments)
    parts = command_line.load_parts(arguments.data)
    fitted_to, dataset = (
        parts[part].subset(slice(0, arguments.images))
        for part in (arguments.fit, arguments.part)
    )
    folder = arguments.results / "density"
    folder.mkdir(parents=True, exist_ok=True)
    model = models.get(
        arguments.model, backbone_weights=arguments.backbone_weights
    )
    name = Path(arguments.model).stem
    maps = {}
    for part, images in ((arguments.fit, fitted_to), (arguments.part, dataset)):
        path = folder / f"{name}_{part}.npz"
        maps |= experiments.kept_maps(model, images, path)
    density = models.FixationDensity(maps)
    density.name = name
    density.fit(fitted_to, folds=min(5, len(fitted_to)))
    density.save(arguments.results / f"{name}.density.json")
    report = {"fitted": density.fitted.report, "size": "own"}
    baseline = parts["train"].mean_density((60, 80))
    results = {None: {}, **{size: {} for size in SIZES}}
    for row, predictions, kind in (
        ("the model's map", maps, "one"),
        ("density", density, "one"),
        ("own map of each", density, "per_metric"),
    ):
        results[None][row] = evaluation.evaluate(
            predictions,
            dataset,
            METRICS,
            maps=kind,
            baseline=baseline,
            workers=arguments.workers,
            resume=folder / f"{name}_{kind}.jsonl",
        )
        print(f"\n{row}\n{results[None][row]}", flush=True)
        for size in SIZES:
            results[size][row] = evaluation.evaluate(
                predictions,
                dataset,
                "emd",
                size,
                maps=kind,
                workers=arguments.workers,
                verbose=0,
            )
    gains = {}
    for size, rows in results.items():
        compared = evaluation.compare(
            rows["own map of each"],
            rows["the model's map"],
            names=("own map", "model's map"),
        )
        print(f"\nat {'own size' if size is None else size}\n{compared}")
        for metric, gain in compared.rows.items():
            gains[metric + at(size)] = gain._asdict()
    means = {
        row: {
            metric + at(size): mean
            for size, rows in results.items()
            for metric, mean in rows[row].means().items()
        }
        for row in results[None]
    }
    table = markdown(means)
    print(f"\n{table}")
    report |= {"means": means, "gains": gains}
    write(arguments.results / f"density_{name}.json", report)
    experiments.write_text(arguments.results / f"density_{name}.md", table)


def at(size):
    """Return what the name of a metric ends with; of own size with nothing."""
    return "" if size is None else f" at {size[0]}x{size[1]}"


def markdown(means):
    """Return a table of the means, one line per row."""
    columns = list(next(iter(means.values())))
    titles = []
    for column in columns:
        metric, word, size = column.partition(" at ")
        titles.append(evaluation.scores.title(metric) + word + size)
    lines = [["", *titles], ["---"] * (1 + len(titles))]
    for row, values in means.items():
        lines.append([row, *(f"{values[name]:.4f}" for name in columns)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(path, content):
    """Write a file of JSON."""
    experiments.write_text(path, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    command_line.run(main)
