"""Splits of a data set: stored as names, drawn from a seed."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from keras_saliency._utils.atomic import write_text
from keras_saliency._utils.checks import as_count
from keras_saliency._utils.types import PathName
from keras_saliency.images import normal, stem


class Split(dict[str, tuple[str, ...]]):
    """The names of the images of each part of a data set.

    A dict from part to tuple of names; `dataset.subset(split["train"])` is
    that part. Names are stored and not numbers, so a split still holds for a
    copy of the data set in another order or with other file extensions.

    Args:
        parts: Mapping from part to names. No name may be in two parts; names
            that differ in the extension of an image file are one.
        name: Name of the split.
        source: How it was made, for the file.

    Raises:
        ValueError: If a name is in two parts.
    """

    def __init__(
        self,
        parts: Mapping[str, Iterable[str]],
        *,
        name: str | None = None,
        source: str | None = None,
    ) -> None:
        super().__init__(
            (str(part), tuple(normal(str(n)) for n in names))
            for part, names in dict(parts).items()
        )
        self.name = name
        self.source = source
        seen: dict[str, str] = {}
        for part, names in self.items():
            for image in names:
                if stem(image) in seen:
                    raise ValueError(
                        f"The image {image!r} is twice in the split: in "
                        f"{seen[stem(image)]!r} and in {part!r} (names are "
                        "compared without extension)."
                    )
                seen[stem(image)] = part

    def __repr__(self) -> str:
        sizes = ", ".join(f"{part}: {len(self[part])}" for part in self)
        return f"Split({self.name or 'unnamed'}, {sizes})"

    @classmethod
    def draw(
        cls,
        names: Iterable[str],
        parts: Mapping[str, int],
        *,
        seed: int | list[int] = 0,
        name: str | None = None,
        categories: Iterable[str] | None = None,
    ) -> Self:
        """Draw parts of given sizes at random; see `SaliencyDataset.split`.

        Args:
            names: Names of the images.
            parts: Number of images per part.
            seed: Seed of the NumPy generator.
            name: Name of the split, for its file.
            categories: Category per image, of which each part takes the same
                number.

        Raises:
            ValueError: If the parts cannot be drawn.
        """
        names = list(names)
        if categories is not None:
            return cls._draw_by_category(names, categories, parts, seed, name)
        for part, size in parts.items():
            as_count(size, f"The size of part {part!r}")
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
    def _draw_by_category(
        cls,
        names: list[str],
        categories: Iterable[str],
        parts: Mapping[str, int],
        seed: Any,
        name: str | None,
    ) -> Self:
        groups = by_category(names, categories)
        drawn: dict[str, list[str]] = {part: [] for part in parts}
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
            for part in parts:
                drawn[part] += one[part]
        source = (
            f"Split.draw: {len(names)} sorted names in {len(groups)} "
            f"categories, {dict(parts)}, seed {seed}"
        )
        return cls(drawn, name=name, source=source)

    def save(self, path: PathName) -> None:
        """Write the split to a JSON file."""
        content = {
            "name": self.name,
            "source": self.source,
            "parts": {part: list(names) for part, names in self.items()},
        }
        text = json.dumps(content, indent=1) + "\n"
        write_text(path, text)

    @classmethod
    def load(cls, path: PathName) -> Self:
        """Read a split that `save` wrote.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is not a split.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(
                content["parts"],
                name=content.get("name"),
                source=content.get("source"),
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


def by_category(
    names: Iterable[str], categories: Iterable[str]
) -> dict[str, list[str]]:
    """Return category -> names, in the order of the names."""
    groups: dict[str, list[str]] = {}
    for name, category in zip(names, categories, strict=True):
        groups.setdefault(category, []).append(name)
    return groups
