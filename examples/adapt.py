"""A density that was fitted to one data set, adapted to others by few images.

    python examples/adapt.py --data MIT1003 --sets OSIE=PATH Scene=PATH \
        --backbone-weights FILE

fits the density of a model to the validation part of `--data`, and then for
each other set to 50 of its images (`--images`), drawn `--draws` times. All are
measured on images of the set that none is fitted to, in bits of information
gain over the uniform density. What is lost is the distance to a density fitted
to all other images of the set; the share of it that 50 images recover has an
interval over draws and test images. For the first draw, the seven metrics are
measured, each of its own map. Writes `adapt_MODEL.json` and `.md`.
"""

import json
from pathlib import Path

import numpy as np

from keras_saliency import datasets, densities, evaluation, experiments, models
from keras_saliency.experiments import command_line


def main(arguments=None):
    """Fit, measure, report."""
    parser = command_line.parser(__doc__)
    command_line.add_data_arguments(parser)
    parser.add_argument("--model", default="baseline-lc1")
    parser.add_argument(
        "--sets",
        type=command_line.named_folder,
        nargs="+",
        required=True,
        metavar="NAME=PATH",
    )
    for name, default, text in (
        ("images", 50, "images to adapt to"),
        ("draws", 20, "how often they are drawn"),
        ("held", 200, "test images of a set, at most half of them"),
        ("most", 400, "images of a set that are used, at most"),
        ("scored", 100, "test images of the seven metrics, at most"),
    ):
        parser.add_argument(
            f"--{name}",
            type=command_line.count,
            default=default,
            help=f"{text} (default: {default})",
        )
    arguments = parser.parse_args(arguments)
    name = Path(arguments.model).stem
    model = models.get(
        arguments.model, backbone_weights=arguments.backbone_weights
    )
    (arguments.results / "density").mkdir(parents=True, exist_ok=True)
    home = command_line.load_parts(arguments.data)["validation"]
    start = fitted(maps_of(arguments, model, home, "home"), home)
    report, lines = {"start": start.fitted.report}, []
    for title, path in arguments.sets:
        print(f"\n{title}", flush=True)
        dataset = datasets.load_path(path)
        report[title] = adapt(arguments, model, start, title, dataset)
        lines.append(row(title, report[title]))
    table = markdown(lines)
    print(f"\n{table}")
    for suffix, text in (
        (".json", json.dumps(report, indent=1) + "\n"),
        (".md", table),
    ):
        path = arguments.results / f"adapt_{name}{suffix}"
        experiments.write_text(path, text)


def maps_of(arguments, model, dataset, title):
    """Return the model's maps of a data set, kept in the results."""
    name = f"{Path(arguments.model).stem}_{title}.npz"
    path = arguments.results / "density" / name
    return experiments.kept_maps(model, dataset, path)


def fitted(maps, dataset):
    """Return a density of maps, fitted to a data set."""
    return models.FixationDensity(maps).fit(dataset, verbose=0)


def samples_of(maps, dataset):
    """Return what the likelihood needs of each image."""
    return [
        densities.sample(
            maps[name], *dataset.fixation_points(i), dataset.sizes[i].tolist()
        )
        for i, name in enumerate(dataset.names)
    ]


def adapt(arguments, model, start, title, dataset):
    """Return what is measured on one other data set."""
    rng = np.random.default_rng(arguments.seed)
    order = rng.permutation(len(dataset))[: arguments.most]
    dataset = dataset.subset(order.tolist()).with_fixations()
    maps = maps_of(arguments, model, dataset, title)
    held = min(arguments.held, len(dataset) // 2)
    test = dataset.subset(slice(0, held))
    pool = dataset.subset(slice(held, None))
    tested, known = samples_of(maps, test), samples_of(maps, pool)
    chosen = [
        rng.permutation(len(pool))[: arguments.images].tolist()
        for _ in range(arguments.draws)
    ]
    full = fitted(maps, pool)
    before = densities.information(start.fitted.transform, tested)
    after = densities.information(full.fitted.transform, tested)
    middle = np.stack(
        [
            densities.information(
                densities.fit([known[i] for i in images]), tested
            )
            for images in chosen
        ]
    )
    share = (middle.mean() - before.mean()) / (after - before).mean()
    # Of draws of the images to adapt to, and of the test images.
    draws = []
    for _ in range(2000):
        images = rng.integers(held, size=held)
        draw = rng.integers(len(middle))
        lost = (after - before)[images].mean()
        won = (middle[draw] - before)[images].mean()
        draws.append(won / lost)
    low, high = np.quantile(draws, [0.025, 0.975])
    scored = test.subset(slice(0, arguments.scored))
    moved = models.FixationDensity(maps)
    moved.fitted = start.fitted
    metrics = {
        key: evaluation.evaluate(
            predictions, scored, maps=kind, verbose=0
        ).means()
        for key, predictions, kind in (
            ("map", maps, "one"),
            ("before", moved, "per_metric"),
            ("adapted", fitted(maps, pool.subset(chosen[0])), "per_metric"),
            ("all", full, "per_metric"),
        )
    }
    return {
        "images": len(pool),
        "held": held,
        "bits": {
            "before": before.mean(),
            "adapted": middle.mean(),
            "all": after.mean(),
        },
        "share": [share, low, high],
        "metrics": metrics,
    }


TITLES = {
    "map": "the model's map",
    "before": "as fitted at home",
    "adapted": "adapted",
    "all": "fitted to all",
}


def row(title, found):
    """Return the lines of one data set in the table."""
    lines = []
    for key, text in TITLES.items():
        bits = found["bits"].get(key)
        means = found["metrics"][key]
        lines.append(
            [
                f"{title}, {text}",
                "" if bits is None else f"{bits:.3f}",
                "{:.0%} ({:.0%} to {:.0%})".format(*found["share"])
                if key == "adapted"
                else "",
                *(f"{means[name]:.3f}" for name in evaluation.SEVEN),
            ]
        )
    return lines


def markdown(groups):
    """Return the table of all data sets."""
    titles = map(evaluation.scores.title, evaluation.SEVEN)
    lines = [["", "bits", "recovered", *titles]]
    lines.append(["---"] * len(lines[0]))
    for group in groups:
        lines += group
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    command_line.run(main)
