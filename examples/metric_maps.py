"""Draw the map that each metric wants, of one generated image.

    python examples/metric_maps.py -o docs/images/metric_maps.png

The density is the one that the image's fixations are drawn from: what the maps
differ by is the metrics alone.
"""

import argparse

from keras_saliency import datasets, evaluation, models, plot

METRICS = ("nss", "auc_judd", "auc_borji", "cc", "sim", "emd", "auc_shuffled")
# Metrics that want the same map.
SAME = {"nss": "NSS, IG", "auc_judd": "AUC, AUC-Judd", "cc": "CC, KL"}
SIZE = (240, 320)


def main(arguments=None):
    """Draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", default="metric_maps.png")
    parser.add_argument("--image", type=int, default=5)
    arguments = parser.parse_args(arguments)
    dataset = datasets.generate(count=120, size=SIZE, seed=4)
    maps = {
        name: dataset.true_density(i) for i, name in enumerate(dataset.names)
    }
    density = models.FixationDensity(maps).fit(dataset, verbose=0)
    number = arguments.image
    panels = [dataset.image(number)] + [
        density.fitted.metric_map(maps[dataset.names[number]], SIZE, metric)
        for metric in METRICS
    ]
    titles = ["image"] + [
        SAME.get(metric, evaluation.scores.title(metric)) for metric in METRICS
    ]
    plot.maps([panels], titles, arguments.out, height=1.5)


if __name__ == "__main__":
    main()
