"""Size of the perceptual losses for features in two units.

    python tools/perceptual_scale.py --data PATH --backbone-weights FILE

Prints DF and GM between 40 density maps and, in turn, an empty map, the map of
another image, and nine tenths of the map itself.
"""

import argparse

import numpy as np

from keras_saliency import datasets, losses, targets


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--backbone-weights", default="imagenet")
    arguments = parser.parse_args()
    dataset = datasets.load_compact(arguments.data)
    maps = np.stack([dataset.density(i, (37, 50)) for i in range(40)])
    others = {
        "an empty map": np.zeros_like(maps),
        "another image's map": np.roll(maps, 1, axis=0),
        "0.9 of the map": 0.9 * maps,
    }
    for scale in (1.0, 1 / 255):
        for loss in (losses.DeepFeatures, losses.GramMatrices):
            term = loss(arguments.backbone_weights, feature_scale=scale)
            values = [
                (name, float(term(targets.pack(maps), other[..., None])))
                for name, other in others.items()
            ]
            print(
                f"{term.name}, features times {scale:.4g}:",
                *(f"{name} {value:.3g};" for name, value in values),
            )


if __name__ == "__main__":
    main()
