"""Batches of validation data, with the ground truth of each image."""

import math
from collections.abc import Collection
from typing import Any, Protocol

import keras
import numpy as np

from keras_saliency import images, inference
from keras_saliency._utils.types import Array, Size, Tensor
from keras_saliency.callbacks.base import knows_images

# Above this, ground-truth maps are made anew each epoch instead of kept.
_KEPT_BYTES = 2**30

_FLIPPED = (
    "validation data must not be mirrored: make its sequence with flip=False"
)


class ValidationBatches(Protocol):
    """Validation data, batch by batch.

    Attributes:
        given: Names of the ground-truth maps there are.
    """

    given: tuple[str, ...]

    def __len__(self) -> int: ...

    def batch(
        self, number: int, wanted: Collection[str]
    ) -> tuple[Tensor, list[dict[str, Array]]]:
        """Return a batch of inputs, and the wanted maps of each image."""


def batches_of(
    data: Any, size: Size | None, batch_size: int
) -> ValidationBatches:
    """Return the batches of whatever `SaliencyMetrics` was given."""
    if knows_images(data):
        return _SequenceBatches(data, size)
    if size is not None:
        raise ValueError(
            "size= is for a SaliencySequence or CachedFeatures; other data is "
            "evaluated at the size of its targets"
        )
    if isinstance(data, keras.utils.PyDataset):
        return _DatasetBatches(data)
    if isinstance(data, (tuple, list)) and len(data) in (2, 3):
        return _ArrayBatches(data[0], data[1], batch_size)
    raise ValueError(
        "validation_data must be a SaliencySequence, CachedFeatures, "
        "keras.utils.PyDataset or a pair of arrays (x, y); received "
        f"{type(data).__name__}"
    )


class _SequenceBatches:
    """Batches of a sequence that knows its data set."""

    def __init__(self, sequence: Any, size: Size | None) -> None:
        # Cached features are batches of a sequence, which knows the rest.
        origin = getattr(sequence, "sequence", sequence)
        if getattr(origin, "flip", False):
            raise ValueError(_FLIPPED)
        self._sequence = sequence
        self._size = images.as_size(size or origin.image_size)
        has_fixations = sequence.dataset.has_fixations
        self.given = ("density", "fixations")[: 1 + bool(has_fixations)]
        # The blur of the targets is that of the evaluation.
        sigma = getattr(origin, "sigma", None)
        self._options = {} if sigma is None else {"sigma": sigma}
        needed = len(sequence.dataset) * 4 * math.prod(self._size)
        self._keeps = needed <= _KEPT_BYTES
        self._kept: dict[int, dict[str, Array]] = {}

    def __len__(self) -> int:
        return len(self._sequence)

    def batch(
        self, number: int, wanted: Collection[str]
    ) -> tuple[Tensor, list[dict[str, Array]]]:
        samples = self._sequence.samples(number)
        if any(flipped for _, flipped in samples):
            raise ValueError(_FLIPPED)
        truths = [self._truth(index, wanted) for index, _ in samples]
        return self._sequence[number][0], truths

    def _truth(self, index: int, wanted: Collection[str]) -> dict[str, Array]:
        truth = self._kept.get(index)
        if truth is None:
            truth = self._small_truth(index, wanted)
            if self._keeps:
                self._kept[index] = truth
        maps = {}
        if "density" in truth:
            maps["density"] = truth["density"]
        if "fixated" in truth:
            maps["fixations"] = np.zeros(self._size, np.float32)
            maps["fixations"].ravel()[truth["fixated"]] = truth["counts"]
        return maps

    def _small_truth(
        self, index: int, wanted: Collection[str]
    ) -> dict[str, Array]:
        """Return the maps in a form to keep: few pixels are fixated."""
        dataset, truth = self._sequence.dataset, {}
        if "density" in wanted:
            truth["density"] = dataset.density(
                index, size=self._size, **self._options
            )
        if "fixations" in wanted:
            counts = dataset.fixation_map(index, size=self._size).ravel()
            truth["fixated"] = np.flatnonzero(counts)
            truth["counts"] = counts[truth["fixated"]]
        return truth


class _DatasetBatches:
    """Batches of any PyDataset with targets of two channels, or one."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self.given = _channels(self._read(0)[1])

    def __len__(self) -> int:
        count = self._dataset.num_batches
        if count is None:
            raise ValueError("validation data must have an end")
        return count

    def batch(
        self, number: int, wanted: Collection[str]
    ) -> tuple[Tensor, list[dict[str, Array]]]:
        inputs, targets = self._read(number)
        return inputs, _truths(targets, wanted)

    def _read(self, number: int) -> tuple[Tensor, Tensor]:
        batch = self._dataset[number]
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise ValueError("validation data must give (inputs, targets)")
        return batch[0], batch[1]


class _ArrayBatches:
    """Batches cut from arrays."""

    def __init__(
        self, inputs: Tensor, targets: Tensor, batch_size: int
    ) -> None:
        self._inputs, self._targets = inputs, targets
        self._batch_size = batch_size
        self.given = _channels(targets)
        if inference.count_of(inputs) != len(targets):
            raise ValueError(
                f"there are {inference.count_of(inputs)} inputs but "
                f"{len(targets)} targets"
            )

    def __len__(self) -> int:
        return math.ceil(len(self._targets) / self._batch_size)

    def batch(
        self, number: int, wanted: Collection[str]
    ) -> tuple[Tensor, list[dict[str, Array]]]:
        start = number * self._batch_size
        part = slice(start, start + self._batch_size)
        inputs = keras.tree.map_structure(lambda x: x[part], self._inputs)
        return inputs, _truths(self._targets[part], wanted)


def _channels(targets: Tensor) -> tuple[str, ...]:
    """Return the names of the maps in targets `(batch, height, width, 1 or 2)`.

    They are in the order of `keras_saliency.targets`.
    """
    shape = np.shape(targets)
    if len(shape) != 4 or shape[-1] not in (1, 2) or 0 in shape:
        raise ValueError(
            "validation targets must have the shape (batch, height, width, 2), "
            "density and fixations, or (batch, height, width, 1), density "
            f"alone; received {shape}"
        )
    return ("density", "fixations")[: shape[-1]]


def _truths(targets: Tensor, wanted: Collection[str]) -> list[dict[str, Array]]:
    targets = keras.ops.convert_to_numpy(targets)
    return [
        {
            name: target[..., channel]
            for channel, name in enumerate(_channels(targets))
            if name in wanted
        }
        for target in targets
    ]
