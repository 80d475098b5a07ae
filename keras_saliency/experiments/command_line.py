"""What the examples share: arguments, data, and printing of tables."""

import os
from pathlib import Path

# Fewer lines of start-up notes from TensorFlow.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402

from keras_saliency import (  # noqa: E402
    cache_features,
    datasets,
    evaluation,
    models,
)

METRICS = {key: evaluation.METRICS[key].title for key in evaluation.SEVEN}


def add_arguments(parser):
    """The arguments that say what to train on."""
    parser.add_argument(
        "--data",
        type=Path,
        help="a data set in compact form (fixations.npz and stimuli/), or a "
        "folder with images/, and maps/ or fixations/ or both; by default "
        "a generated set",
    )
    parser.add_argument(
        "--backbone",
        help='"vgg16" (default with --data), any of keras.applications, or '
        '"tiny" (default without)',
    )
    parser.add_argument(
        "--backbone-weights",
        default="imagenet",
        help="a weights file; by default Keras downloads ImageNet's",
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        help="folder for figures and tables (default: results)",
    )
    parser.add_argument("--seed", type=int, default=0)


def load(path, name=None):
    """Parts train, validation and test, of a folder's data or generated.

    Args:
        path: The folder; `None` generates pictures.
        name: Name of a data set that may be there in its publisher's layout.
    """
    if path is None:
        dataset = datasets.generate(count=240)
    else:
        dataset = datasets.load_path(path, name=name)
    if dataset.name == "MIT1003":
        split = datasets.paper_split()
    else:
        held_out = len(dataset) // 5
        split = dataset.split(
            {
                "train": len(dataset) - 2 * held_out,
                "validation": held_out,
                "test": held_out,
            }
        )
    return {part: dataset.subset(names) for part, names in split.items()}


def make_model(arguments, **options):
    """The baseline, at the size that suits the data."""
    small = arguments.data is None
    backbone = arguments.backbone or ("tiny" if small else "vgg16")
    # The file may be given for the perceptual losses alone.
    weights = None if backbone == "tiny" else arguments.backbone_weights
    return models.Baseline(
        input_shape=(120, 160, 3) if small else (300, 400, 3),
        backbone=backbone,
        backbone_weights=weights,
        **options,
    )


def feature_batches(model, dataset, batch_size=10, **options):
    """Batches of cached features, on which the head trains alone."""
    return cache_features(
        model.backbone,
        datasets.SaliencySequence(
            dataset,
            batch_size=min(batch_size, len(dataset)),
            image_size=model.input_shape[1:3],
            map_size=model.map_size,
            **options,
        ),
    )


def print_table(rows, first_column="loss"):
    """Print a dictionary of name -> dictionary of metrics."""
    width = max(len(first_column), *(len(name) for name in rows))
    print(
        f"{first_column:{width}}",
        *(f"{title:>9}" for title in METRICS.values()),
    )
    for name, values in rows.items():
        cells = (
            f"{values[key]:9.4f}" if key in values else f"{'-':>9}"
            for key in METRICS
        )
        print(f"{name:{width}}", *cells)


def seed_everything(seed):
    """Initial weights and dropout; the data has seeds of its own."""
    keras.utils.set_random_seed(seed)
