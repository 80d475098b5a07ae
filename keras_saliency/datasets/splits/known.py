"""Splits known by name: the package's own of MIT1003, and MSI-Net's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency.datasets.splits.split import Split, by_category

_FOLDER = Path(__file__).parent


def paper_split() -> Split:
    """Return the 500/200/303 split of MIT1003 that the package is tested on.

    The paper gives the sizes but not the images; these were drawn once, by
    `load_compact(path).split({"train": 500, "validation": 200, "test": 303})`
    with seed 0.

    Returns:
        A `Split` with parts "train", "validation" and "test".
    """
    return Split.load(_FOLDER / "mit1003_500_200_303.json")


def msi_net_split(dataset: Any) -> Split:
    """Return MSI-Net's split of MIT1003 (803/200) or CAT2000 (1600/400).

    Their code sorts the files and shuffles their numbers by NumPy's old
    generator with seed 42. The first 803 images of MIT1003 train. In each
    category of CAT2000 the first 80 train and the last 20 validate: the same
    places in all categories.

    Args:
        dataset: A data set with 1003 images, or with 100 images in each
            of 20 categories.

    Returns:
        A `Split` with parts "train" and "validation".

    Raises:
        ValueError: If the data set is neither.
    """
    if len(dataset) == 1003:
        return _fitting(Split.load(_FOLDER / "mit1003_803_200.json"), dataset)
    categories = dataset.categories or [""] * len(dataset)
    groups = by_category(dataset.names, categories)
    if len(groups) != 20 or {len(g) for g in groups.values()} != {100}:
        raise ValueError(
            "MSI-Net's splits are of MIT1003 (1003 images) and of CAT2000 (20 "
            f"categories of 100); {dataset.name} has {len(dataset)} images in "
            f"{len(groups)} categories."
        )
    order = np.arange(100)
    np.random.RandomState(42).shuffle(order)
    parts: dict[str, list[str]] = {"train": [], "validation": []}
    for category in sorted(groups):
        names = sorted(groups[category])
        parts["train"] += [names[i] for i in order[:80]]
        parts["validation"] += [names[i] for i in order[80:]]
    return Split(
        parts,
        name="CAT2000 1600/400",
        source="MSI-Net: seed 42, the same places of each category",
    )


def _paper_split_of(dataset: Any) -> Split:
    return _fitting(paper_split(), dataset)


def _fitting(split: Split, dataset: Any) -> Split:
    """Return a split, or raise if the data set lacks an image of it."""
    dataset.subset([name for names in split.values() for name in names])
    return split


# Functions from a data set to its split.
SPLITS: dict[str, Callable[[Any], Split]] = {
    "paper": _paper_split_of,
    "msi-net": msi_net_split,
}


def named_split(name: str, dataset: Any) -> Split:
    """Return a known split of a data set; see `SaliencyDataset.split`.

    Raises:
        ValueError: If the split is not known or is of another data set.
    """
    if name not in SPLITS:
        raise ValueError(
            f"There is no split {name!r}; known are {', '.join(SPLITS)}."
        )
    return SPLITS[name](dataset)
