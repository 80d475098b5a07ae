"""The data sets and the network that the arguments ask for."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_saliency import datasets
from keras_saliency._utils import checksums
from keras_saliency._utils.types import PathName
from keras_saliency.datasets.formats.known import is_mit1003
from keras_saliency.experiments.heads import HeadTrainer
from keras_saliency.experiments.runs import slug

# Of the density maps, in pixels of the original, where it is not the data
# set's own, by the `slug` of its name: 19 gives SALICON's published maps.
SIGMAS = {"salicon": 19.0}


def head_trainer(
    arguments: argparse.Namespace, precision: str = "float32"
) -> HeadTrainer:
    """Return the `HeadTrainer` that the arguments about data ask for.

    Generated images are small, and get a small baseline.

    Args:
        arguments: The parsed arguments.
        precision: Precision of training.
    """
    small = arguments.data is None
    return HeadTrainer(
        arguments.results,
        backbone=_backbone(arguments),
        backbone_weights=arguments.backbone_weights,
        input_shape=(120, 160, 3) if small else (300, 400, 3),
        precision=precision,
    )


def network_weights(
    arguments: argparse.Namespace, name: str
) -> str | tuple[str, str] | None:
    """Return the weights of the backbone of a network of `models.MODELS`.

    With the backbone "tiny" the networks start from random weights. EML-NET
    has two backbones, and gets those of both.
    """
    if _backbone(arguments) == "tiny":
        return None
    if name in ("sam_resnet", "dsclrcn"):
        return arguments.resnet_weights
    if name == "eml_net":
        return arguments.resnet_weights, arguments.backbone_weights
    return arguments.backbone_weights


def told_weights(
    arguments: argparse.Namespace, name: str
) -> str | list[str | None] | None:
    """Return what tells the weights of `network_weights` from others.

    Args:
        arguments: The parsed arguments.
        name: As for `network_weights`.
    """
    return checksums.of_weights(network_weights(arguments, name))


def load_parts(
    path: PathName | None, name: str | None = None
) -> dict[str, datasets.SaliencyDataset]:
    """Return a data set's parts train, validation and test; see `parts_of`.

    Args:
        path: The folder; `None` generates 240 images.
        name: Name of the data set, where the folder may be in its publisher's
            layout.

    Raises:
        DatasetError: If there is no data set or it is damaged.
    """
    if path is None:
        return parts_of(datasets.generate(count=240))
    return parts_of(_load(path, name))


def parts_of(
    dataset: datasets.SaliencyDataset,
) -> dict[str, datasets.SaliencyDataset]:
    """Return the parts train, validation and test of a data set.

    MIT1003 has the paper's split; of any other data set a fifth, drawn by
    chance, is for validation and a fifth for the test.

    Args:
        dataset: All images.

    Raises:
        DatasetError: If there are fewer than 5.
    """
    # By what it holds, not by the name of a folder.
    if dataset.name == "MIT1003" or is_mit1003(dataset.names):
        split = datasets.paper_split()
    else:
        held_out = len(dataset) // 5
        if not held_out:
            raise datasets.DatasetError(
                f"The data set {dataset.name} has {len(dataset)} images; at "
                "least 5 are needed for the parts train, validation and test."
            )
        split = dataset.split(
            {
                "train": len(dataset) - 2 * held_out,
                "validation": held_out,
                "test": held_out,
            }
        )
    return {part: dataset.subset(names) for part, names in split.items()}


def load_sets(
    sets: Sequence[tuple[str, Path]],
) -> dict[str, datasets.SaliencyDataset]:
    """Return data sets by name.

    Args:
        sets: Names and folders, as `named_folder` reads them.

    Raises:
        DatasetError: If two have the same name, as results are kept by it, or
            one cannot be read.
    """
    slugs = [slug(name) for name, _ in sets]
    for name, _ in sets:
        if slugs.count(slug(name)) > 1:
            raise datasets.DatasetError(
                f"Two of the data sets are named {name}, or nearly so: give "
                "each NAME=PATH a name of its own."
            )
    return {name: _load(path, name) for name, path in sets}


def _load(path: PathName, name: str | None) -> datasets.SaliencyDataset:
    """Return a data set, its densities of the sigma in `SIGMAS`."""
    dataset: datasets.SaliencyDataset = datasets.load_path(path, name=name)
    sigma = SIGMAS.get(slug(dataset.name))
    if sigma is not None:
        dataset.default_sigma = sigma
    return dataset


def load_extra(
    sets: Sequence[tuple[str, Path]],
) -> list[datasets.SaliencyDataset]:
    """Return further data sets to learn from, their images with fixations.

    Args:
        sets: Names and folders, as `named_folder` reads them.
    """
    return [dataset.with_fixations() for dataset in load_sets(sets).values()]


def spread(
    dataset: datasets.SaliencyDataset, count: int | None
) -> datasets.SaliencyDataset:
    """Return some images of a data set, spread evenly over it.

    Args:
        dataset: The images.
        count: How many; `None` for all.
    """
    if count is None or count >= len(dataset):
        return dataset
    chosen = np.linspace(0, len(dataset) - 1, count).astype(int)
    return dataset.subset([dataset.names[i] for i in chosen])


def _backbone(arguments: argparse.Namespace) -> str:
    """Return the backbone that is named, or the one that suits the data."""
    return arguments.backbone or ("tiny" if arguments.data is None else "vgg16")
