"""Which image a name means, and which images a selection means."""

import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_saliency.images import stem

# Names (with or without extension), numbers, a boolean mask or a slice.
Selection = str | int | slice | Iterable[Any]


class ImageNames:
    """The names of a data set's images, matched without their extensions.

    Args:
        names: One name per image.
        dataset: Name of the data set, for errors.

    Raises:
        ValueError: If two names are the same, extension aside.
    """

    def __init__(self, names: Sequence[str], dataset: str) -> None:
        self.names = names
        self.dataset = dataset
        self._numbers: dict[str, int] = {}
        for i, name in enumerate(names):
            other = self._numbers.setdefault(stem(name), i)
            if other != i:
                raise ValueError(
                    f"Two images of {dataset} have the same name, extension "
                    f"aside: {names[other]!r} and {name!r}."
                )

    def index(self, name: str) -> int:
        """Return the number of the image of this name."""
        try:
            return self._numbers[stem(name)]
        except KeyError:
            raise ValueError(
                f"The data set {self.dataset} has no image {name!r}; its "
                f"{len(self.names)} names begin with {_listing(self.names)}."
            ) from None

    def select(self, which: Selection) -> list[int]:
        """Return the numbers of the images that are selected, in that order.

        Args:
            which: Names (with or without extension), numbers, a boolean mask
                or a slice.

        Raises:
            ValueError: If an image is not there, or none is selected.
        """
        count = len(self.names)
        if isinstance(which, slice):
            items: list[Any] = list(range(count)[which])
        elif isinstance(which, str | numbers.Integral):
            items = [which]
        else:
            items = list(which)  # type: ignore[arg-type]
        if items and all(isinstance(item, bool | np.bool_) for item in items):
            if len(items) != count:
                raise ValueError(
                    f"A mask of {len(items)} values does not fit the {count} "
                    f"images of {self.dataset}."
                )
            items = np.flatnonzero(items).tolist()
        missing = [
            item
            for item in items
            if isinstance(item, str) and stem(item) not in self._numbers
        ]
        if missing:
            raise ValueError(
                f"The data set {self.dataset} lacks {len(missing)} of the "
                f"{len(items)} images asked for, such as {_listing(missing)}. "
                f"Its {count} names begin with {_listing(self.names)}."
            )
        chosen = [self._number(item) for item in items]
        if not chosen:
            raise ValueError(
                f"The subset of {self.dataset} asked for has no images."
            )
        return chosen

    def _number(self, item: Any) -> int:
        if isinstance(item, str):
            return self.index(item)
        try:
            return range(len(self.names))[item]
        except (IndexError, TypeError):
            raise ValueError(
                f"The data set {self.dataset} has no image number {item!r}; "
                f"it has {len(self.names)} images."
            ) from None


def _listing(names: Sequence[str], count: int = 3) -> str:
    shown = ", ".join(repr(name) for name in names[:count])
    return shown + (", ..." if len(names) > count else "")
