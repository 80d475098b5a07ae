"""Batches of whatever a callback is given, read as often as needed."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np

# Batches of a generator, which can be read once only, are kept up to this.
_KEPT_BYTES = 2**30


class Batches:
    """Batches that can be gone through again and again, as NumPy arrays.

    Args:
        data: A `keras.utils.PyDataset`, a `tf.data.Dataset`, a torch
            `DataLoader`, a list of batches, a function that returns a
            generator of batches, or a generator, whose batches are kept.
        whole: Whether all batches will be read. If not, data may have no end,
            and a generator loses the batches that are read, and no others.

    Attributes:
        count: Number of batches, `None` where it is not known.

    Raises:
        ValueError: If it is nothing of this, or has no end.
    """

    def __init__(self, data: Any, *, whole: bool = True) -> None:
        self.count: int | None = None
        self._start: Callable[[], Iterable[Any]] = lambda: data
        endless = False
        if isinstance(data, keras.utils.PyDataset):
            self.count = data.num_batches
            endless = self.count is None
            self._start = functools.partial(_in_order, data, self.count)
        elif hasattr(data, "__next__"):
            if whole:
                kept = _kept(data)
                self.count = len(kept)
                self._start = lambda: kept
        elif callable(data) and not hasattr(data, "__iter__"):
            self._start = data
        elif not hasattr(data, "__iter__") or _is_no_list(data):
            raise ValueError(
                "validation_data must be a SaliencySequence, CachedFeatures, "
                "keras.utils.PyDataset, tf.data.Dataset, torch DataLoader, a "
                "generator of batches or a pair of arrays (x, y); received "
                f"{type(data).__name__}"
            )
        elif hasattr(data, "cardinality"):
            endless = int(data.cardinality()) == -1
        if endless and whole:
            raise ValueError(
                "validation data must have an end; received a "
                f"{type(data).__name__} that goes on for ever"
            )

    def __iter__(self) -> Iterator[Any]:
        for batch in self._start():
            yield keras.tree.map_structure(as_numpy, batch)

    def first(self) -> Any:
        """Return the first batch.

        Raises:
            ValueError: If there is none.
        """
        for batch in self:
            return batch
        raise ValueError("validation data holds no batch")


def as_numpy(values: Any) -> Any:
    """Return a tensor of any backend as a NumPy array."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    if hasattr(values, "numpy"):
        values = values.numpy()
    return np.asarray(values)


def _in_order(
    dataset: keras.utils.PyDataset, count: int | None
) -> Iterator[Any]:
    for number in itertools.count() if count is None else range(count):
        yield dataset[number]


def _is_no_list(data: Any) -> bool:
    return hasattr(data, "shape") or isinstance(data, (str, bytes, dict))


def _kept(batches: Iterator[Any]) -> list[Any]:
    kept, size = [], 0
    for batch in batches:
        kept.append(keras.tree.map_structure(as_numpy, batch))
        size += sum(array.nbytes for array in keras.tree.flatten(kept[-1]))
        if size > _KEPT_BYTES:
            raise ValueError(
                f"The first {len(kept)} batches of the generator take more "
                "than 1 GiB, or it has no end. Give it an end "
                "(itertools.islice(generator, steps)), or give data that can "
                "be read again: a keras.utils.PyDataset, a tf.data.Dataset, a "
                "DataLoader, or a function that returns the generator"
            )
    return kept
