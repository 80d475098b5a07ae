"""Figures 2 and 3 of the paper, from what table2.py trained.

    python examples/figures.py --data MIT1003 --backbone-weights FILE

draws the mean density of the training part with its marginals (figure 2), and
images, their ground truth and the maps of seven losses (figure 3). The images
of figure 3 are `--images NAME ...`, or test images spread evenly from easy to
hard by the CC of LC2. Figure 4 is drawn by table4.py.
"""

import dataclasses

import numpy as np

from keras_saliency import evaluation, experiments, plot
from keras_saliency.experiments import RECIPE, command_line
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


def main(arguments=None):
    """Draw both figures."""
    parser = command_line.parser(__doc__)
    command_line.add_training_arguments(parser)
    parser.add_argument("--images", nargs="+", help="names of test images")
    parser.add_argument("--count", type=command_line.count, default=5)
    arguments = parser.parse_args(arguments)
    parts = command_line.load_parts(arguments.data)
    test = parts["test"]
    unknown = set(arguments.images or ()) - set(test.names)
    if unknown:
        parser.error(f"--images: {sorted(unknown)} are not in the test part")
    trainer = command_line.head_trainer(arguments, arguments.precision)
    recipe = dataclasses.replace(RECIPE, epochs=arguments.epochs)
    trainer.check(LOSSES, parts["train"])
    plans = [
        trainer.plan(row, parts["train"], recipe, seed=arguments.seed)
        for row in LOSSES
    ]
    experiments.announce(
        "figures",
        [plan.training for plan in plans],
        measured=0 if arguments.images else len(test),
        results=arguments.results,
    )
    arguments.results.mkdir(parents=True, exist_ok=True)
    path = arguments.results / "figure2.png"
    parts["train"].show_mean_density(path=path)
    print(path)

    runs = {
        title: trainer.train(row, parts["train"], recipe, seed=arguments.seed)
        for row, title in LOSSES.items()
    }
    chosen = arguments.images or spread(test, runs["LC2"], arguments.count)
    rows, labels = panels(test.subset(chosen), runs)
    path = arguments.results / "figure3.png"
    titles = ["image", "ground truth", *runs]
    plot.maps(rows, titles, path, labels=labels)
    print(path)


def spread(test, run, count):
    """Return numbers of images, evenly spread from high to low CC."""
    order = np.argsort(-experiments.score(run, test, "test").scores["cc"])
    places = np.linspace(0, len(order) - 1, 2 * count + 1)[1::2]
    return [int(order[int(place)]) for place in places]


def panels(dataset, runs):
    """Return rows of panels, and what stands beside them."""
    maps = {
        title: experiments.predict(run.model, dataset)
        for title, run in runs.items()
    }
    rows, labels = [], []
    for i in range(len(dataset)):
        row = experiments.first_panels(dataset, i, LONGEST)
        size = row[1].shape
        row += [resize(maps[title][i, :, :, 0], size) for title in runs]
        best = evaluation.cc(prediction=row[2], density=row[1])
        labels.append(f"CC of LC2 {best:.2f}")
        rows.append(row)
    return rows, labels


if __name__ == "__main__":
    command_line.run(main)
