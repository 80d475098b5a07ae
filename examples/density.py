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
    results = {}
    for row, predictions, kind in (
        ("the model's map", maps, "one"),
        ("density", density, "one"),
        ("own map of each", density, "per_metric"),
    ):
        results[row] = evaluation.evaluate(
            predictions,
            dataset,
            METRICS,
            maps=kind,
            baseline=baseline,
            workers=arguments.workers,
            resume=folder / f"{name}_{kind}.jsonl",
        )
        print(f"\n{row}\n{results[row]}", flush=True)
        for size in SIZES:
            small = evaluation.evaluate(
                predictions,
                dataset,
                "emd",
                size,
                maps=kind,
                workers=arguments.workers,
                verbose=0,
            )
            results[row].scores[f"emd at {size[0]}x{size[1]}"] = small.scores[
                "emd"
            ]
    compared = evaluation.compare(
        results["own map of each"],
        results["the model's map"],
        names=("own map", "model's map"),
    )
    print(f"\n{compared}")
    table = markdown(results)
    print(f"\n{table}")
    report["means"] = {row: result.means() for row, result in results.items()}
    report["gains"] = {n: row._asdict() for n, row in compared.rows.items()}
    write(arguments.results / f"density_{name}.json", report)
    experiments.write_text(arguments.results / f"density_{name}.md", table)


def markdown(results):
    """Return a table of the means, one line per row."""
    columns = list(next(iter(results.values())).scores)
    lines = [["", *map(evaluation.scores.title, columns)]]
    for row, result in results.items():
        means = result.means()
        lines.append([row, *(f"{means[name]:.4f}" for name in columns)])
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(path, content):
    """Write a file of JSON."""
    experiments.write_text(path, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    command_line.run(main)
