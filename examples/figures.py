"""Figures 2 and 3 of the paper, from what table2.py trained.

    python examples/figures.py --data MIT1003 --backbone-weights FILE

draws the mean density of the training part with its marginals (figure 2), and
stimulus, ground truth and the maps of seven losses (figure 3). The pictures
of figure 3 are `--images NAME ...`, or test images spread evenly from easy to
hard by the CC of LC2. Figure 4 is drawn by table4.py.
"""

import argparse

import common
import numpy as np
import training

from keras_saliency import evaluation, plot
from keras_saliency.images import resize

# (c) to (i) of the paper's figure 3, and their titles.
LOSSES = {
    "KLD + CC + NSS + DF + GM + SIG-MSE + R": "LC2",
    "NSS": "NSS",
    "KLD + CC + NSS + R": "LC1",
    "MLNET-MSE": "MLNET-MSE",
    "KLD": "KLD",
    "SIG-MSE (lambda=0.55)": "SIG-MSE (0.55)",
    "CC": "CC",
}
# Longer side of a panel; more pixels than a slide shows.
LONGEST = 480


def main():
    """Draw both figures."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    training.add_arguments(parser)
    parser.add_argument("--images", nargs="+", help="names of test images")
    parser.add_argument("--count", type=int, default=5)
    arguments = parser.parse_args()
    parts = common.load(arguments.data)
    arguments.results.mkdir(parents=True, exist_ok=True)
    path = arguments.results / "figure2.png"
    parts["train"].show_mean_density(path=path)
    print(path)

    test = parts["test"]
    recipe = training.Recipe(epochs=arguments.epochs)
    trained = {
        title: training.trained(
            arguments, row, parts["train"], recipe, arguments.seed
        )
        for row, title in LOSSES.items()
    }
    if arguments.images:
        chosen = test.subset(arguments.images)
    else:
        chosen = test.subset(_spread(test, trained["LC2"], arguments.count))
    rows, labels = _panels(chosen, trained)
    path = arguments.results / "figure3.png"
    titles = ["stimulus", "ground truth", *trained]
    plot.maps(rows, titles, path, labels=labels)
    print(path)


def _spread(test, run, count):
    """Numbers of images, evenly spread from high to low CC."""
    order = np.argsort(-training.scored(*run, test, "test").scores["cc"])
    places = np.linspace(0, len(order) - 1, 2 * count + 1)[1::2]
    return [int(order[int(place)]) for place in places]


def _panels(dataset, trained):
    """Rows of panels, and what stands beside them."""
    maps = {
        title: training.predicted(model, dataset)
        for title, (model, _) in trained.items()
    }
    rows, labels = [], []
    for i in range(len(dataset)):
        height, width = dataset.sizes[i]
        scale = LONGEST / max(height, width)
        size = (round(height * scale), round(width * scale))
        density = dataset.density(i, size)
        row = [dataset.image(i, size), density]
        row += [resize(maps[title][i, :, :, 0], size) for title in trained]
        best = evaluation.cc(prediction=row[2], density=density)
        labels.append(f"CC of LC2 {best:.2f}")
        rows.append(row)
    return rows, labels


if __name__ == "__main__":
    main()
