"""Named splits of a data set, stored as names."""

import json
import numbers
from pathlib import Path

import numpy as np

from keras_saliency.images import stem


class Split(dict):
    """The names of the images of each part of a data set.

    A dict from part to tuple of names; `dataset.subset(split["train"])` is
    that part. Names are stored and not numbers, so a split still holds for a
    copy of the data set in another order or with other file extensions.

    Args:
        parts: Mapping from part to names. No name may be in two parts.
        name: Name of the split.
        source: How it was made, for the file.
    """

    def __init__(self, parts, name=None, source=None):
        super().__init__(
            (str(part), tuple(str(n) for n in names))
            for part, names in dict(parts).items()
        )
        self.name = name
        self.source = source
        seen = {}
        for part, names in self.items():
            for image in names:
                if image in seen:
                    raise ValueError(
                        f"The image {image!r} is twice in the split: in "
                        f"{seen[image]!r} and in {part!r}."
                    )
                seen[image] = part

    def __repr__(self):
        sizes = ", ".join(f"{part}: {len(self[part])}" for part in self)
        return f"Split({self.name or 'unnamed'}, {sizes})"

    @classmethod
    def draw(cls, names, parts, seed=0, name=None, categories=None):
        """Draw parts of given sizes at random; see `SaliencyDataset.split`."""
        names = list(names)
        if categories is not None:
            return cls._draw_by_category(names, categories, parts, seed, name)
        for part, size in parts.items():
            if (
                not isinstance(size, numbers.Integral)
                or isinstance(size, bool)
                or size < 1
            ):
                raise ValueError(
                    f"The size of part {part!r} must be a positive integer, "
                    f"received {size!r}."
                )
        wanted = sum(parts.values())
        if wanted > len(names):
            raise ValueError(
                f"The parts {dict(parts)} add up to {wanted} images, but the "
                f"data set has {len(names)}."
            )
        # Sorting first makes the split independent of the order of loading.
        names.sort(key=stem)
        order = np.random.default_rng(seed).permutation(len(names))
        drawn, start = {}, 0
        for part, size in parts.items():
            chosen = sorted(order[start : start + size])
            drawn[part] = [names[i] for i in chosen]
            start += size
        source = (
            f"Split.draw: {len(names)} sorted names, {dict(parts)}, seed {seed}"
        )
        return cls(drawn, name=name, source=source)

    @classmethod
    def _draw_by_category(cls, names, categories, parts, seed, name):
        groups = {}
        for image, category in zip(names, categories, strict=True):
            groups.setdefault(category, []).append(image)
        drawn = {part: [] for part in parts}
        for k, category in enumerate(sorted(groups)):
            share = {}
            for part, size in parts.items():
                share[part], rest = divmod(size, len(groups))
                if rest:
                    raise ValueError(
                        f"The size {size} of part {part!r} is no multiple of "
                        f"the {len(groups)} categories."
                    )
            one = cls.draw(groups[category], share, seed=[seed, k])
            for part, chosen in one.items():
                drawn[part] += chosen
        source = (
            f"Split.draw: {len(names)} sorted names in {len(groups)} "
            f"categories, {dict(parts)}, seed {seed}"
        )
        return cls(drawn, name=name, source=source)

    def save(self, path):
        """Write the split to a JSON file."""
        content = {
            "name": self.name,
            "source": self.source,
            "parts": {part: list(names) for part, names in self.items()},
        }
        Path(path).write_text(
            json.dumps(content, indent=1) + "\n", encoding="utf-8"
        )

    @classmethod
    def load(cls, path):
        """Read a split that `save` wrote."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(
                content["parts"], content.get("name"), content.get("source")
            )
        except FileNotFoundError:
            raise FileNotFoundError(f"There is no split file {path}.") from None
        except (OSError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"The file {path} is not a split: expected JSON with "
                f'"parts" from part to names ({error!r}).'
            ) from error
        except ValueError as error:
            raise ValueError(
                f"The file {path} is not a split: {error}"
            ) from error


def paper_split():
    """Return the 500/200/303 split of MIT1003 that the package is tested on.

    The paper gives the sizes but not the images; these were drawn once, by
    `load_compact(path).split({"train": 500, "validation": 200, "test": 303})`
    with seed 0.

    Returns:
        A `Split` with parts "train", "validation" and "test".
    """
    return Split.load(Path(__file__).parent / "mit1003_500_200_303.json")


def msi_net_split(dataset):
    """Return MSI-Net's split of MIT1003 (803/200) or CAT2000 (1600/400).

    Their code sorts the files and shuffles their numbers by NumPy's old
    generator with seed 42: of MIT1003 the first 803 train; of each category
    of CAT2000, 80 train and the last 20 validate, the same places in all.

    Args:
        dataset: A data set with 1003 images, or with 100 images in each
            of 20 categories.

    Returns:
        A `Split` with parts "train" and "validation".
    """
    if len(dataset) == 1003:
        split = Split.load(Path(__file__).parent / "mit1003_803_200.json")
        dataset.subset([n for names in split.values() for n in names])
        return split
    groups = {}
    for name, category in zip(
        dataset.names, dataset.categories or [None] * len(dataset), strict=True
    ):
        groups.setdefault(category, []).append(name)
    if len(groups) != 20 or {len(g) for g in groups.values()} != {100}:
        raise ValueError(
            "MSI-Net's splits are of MIT1003 (1003 images) and of CAT2000 (20 "
            f"categories of 100); {dataset.name} has {len(dataset)} images in "
            f"{len(groups)} categories."
        )
    order = np.arange(100)
    np.random.RandomState(42).shuffle(order)
    parts = {"train": [], "validation": []}
    for category in sorted(groups):
        names = sorted(groups[category])
        parts["train"] += [names[i] for i in order[:80]]
        parts["validation"] += [names[i] for i in order[80:]]
    return Split(
        parts,
        name="CAT2000 1600/400",
        source="MSI-Net: seed 42, the same places of each category",
    )


def _paper(dataset):
    split = paper_split()
    dataset.subset([n for names in split.values() for n in names])
    return split


SPLITS = {"paper": _paper, "msi-net": msi_net_split}


def named_split(name, dataset):
    """Return a known split of a data set; see `SaliencyDataset.split`."""
    if name not in SPLITS:
        raise ValueError(
            f"There is no split {name!r}; known are {', '.join(SPLITS)}."
        )
    return SPLITS[name](dataset)
