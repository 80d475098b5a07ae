"""Batches of validation data, with the ground truth of each image."""

import math
from collections.abc import Collection, Iterator
from typing import Any, Protocol

import keras
import numpy as np

from keras_saliency import images, inference
from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.types import Array, Size, Tensor
from keras_saliency.callbacks.base import knows_images
from keras_saliency.callbacks.reading import Batches, as_numpy

# Inputs of the network, and the ground-truth maps of each image by name.
Batch = tuple[Tensor, list[dict[str, Array]]]

# Above this, ground-truth maps are made anew each epoch instead of kept.
_KEPT_BYTES = 2**30

_FLIPPED = (
    "validation data must not be mirrored or augmented: make its sequence with "
    "flip=False and without augment="
)
_DROPPED = (
    "validation data must hold every image: make its sequence with "
    "drop_last=False (a smaller last batch is predicted on any number of "
    "devices)"
)


class ValidationBatches(Protocol):
    """Validation data, batch by batch.

    Attributes:
        given: Names of the ground-truth maps there are.
    """

    given: tuple[str, ...]

    @property
    def count(self) -> int | None:
        """Number of batches."""

    def read(self, wanted: Collection[str]) -> Iterator[Batch]:
        """Yield inputs, and the wanted maps of each image."""

    def check(self, wanted: Collection[str]) -> None:
        """Raise a ValueError for maps that can be seen to be no such maps."""


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
    if _is_pair(data):
        return _ArrayBatches(data[0], data[1], batch_size)
    return _AnyBatches(Batches(data))


def _is_pair(data: Any) -> bool:
    """Return whether data are `(x, y)`, rather than a list of batches."""
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        return False
    of_batches = isinstance(data, list) and all(
        isinstance(part, (tuple, list)) and len(part) in (2, 3) for part in data
    )
    return not of_batches


class _SequenceBatches:
    """Batches of a sequence that knows its data set."""

    def __init__(self, sequence: Any, size: Size | None) -> None:
        # Cached features are batches of a sequence, which knows the rest.
        origin = getattr(sequence, "sequence", sequence)
        augment = getattr(origin, "augment", None)
        if getattr(origin, "flip", False) or augment is not None:
            raise ValueError(_FLIPPED)
        if getattr(origin, "drop_last", False):
            raise ValueError(_DROPPED)
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

    @property
    def count(self) -> int:
        return len(self._sequence)

    def read(self, wanted: Collection[str]) -> Iterator[Batch]:
        for number in range(self.count):
            samples = self._sequence.samples(number)
            if any(flipped for _, flipped in samples):
                raise ValueError(_FLIPPED)
            truths = [self._truth(index, wanted) for index, _ in samples]
            yield self._sequence[number][0], truths

    def check(self, wanted: Collection[str]) -> None:
        """Do nothing: a data set has checked its maps."""

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


class _AnyBatches:
    """Batches of any kind with targets of two channels, or one."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self.count = batches.count
        self._first = _split(batches.first())[1]
        self.given = _channels(self._first)

    def read(self, wanted: Collection[str]) -> Iterator[Batch]:
        for batch in self._batches:
            inputs, targets = _split(batch)
            yield inputs, _truths(inputs, targets, wanted)

    def check(self, wanted: Collection[str]) -> None:
        for k, target in enumerate(self._first):
            _check(f"image {k} of the first batch", target, wanted)


class _ArrayBatches:
    """Batches cut from arrays, or images of different sizes in a list."""

    def __init__(
        self, inputs: Tensor, targets: Tensor, batch_size: int
    ) -> None:
        batch_size = whole_number("SaliencyMetrics", "batch_size", batch_size)
        self._inputs: Any
        self._targets: Any
        self._of_any_size = _is_list_of_images(targets)
        if self._of_any_size:
            self._inputs = [as_numpy(each)[None] for each in inputs]
            self._targets = [as_numpy(each)[None] for each in targets]
            first, self.count, images = self._targets[0], len(targets), len
        else:
            self._inputs = keras.tree.map_structure(as_numpy, inputs)
            self._targets = first = as_numpy(targets)
            self.count = math.ceil(len(first) / batch_size)
            images = inference.count_of
        self._batch_size = batch_size
        self.given = _channels(first)
        if images(self._inputs) != len(self._targets):
            raise ValueError(
                f"there are {images(self._inputs)} inputs but "
                f"{len(self._targets)} targets"
            )

    def read(self, wanted: Collection[str]) -> Iterator[Batch]:
        for number in range(self.count):
            inputs, targets = self._batch(number)
            yield inputs, _truths(inputs, targets, wanted)

    def _batch(self, number: int) -> tuple[Tensor, Array]:
        if self._of_any_size:
            return self._inputs[number], self._targets[number]
        start = number * self._batch_size
        part = slice(start, start + self._batch_size)
        inputs = keras.tree.map_structure(lambda x: x[part], self._inputs)
        return inputs, self._targets[part]

    def check(self, wanted: Collection[str]) -> None:
        found = set()
        for k, target in enumerate(self._targets):
            target = target[0] if self._of_any_size else target
            found |= _check(f"image {k}", target, wanted)
        for name in set(wanted) & set(self.given) - found:
            raise ValueError(
                f"the {name} channel of the validation targets is zero in "
                "every image, so nothing can be measured by it"
            )


def _is_list_of_images(targets: Any) -> bool:
    return isinstance(targets, (tuple, list)) and all(
        len(np.shape(as_numpy(target))) == 3 for target in targets
    )


def _split(batch: Any) -> tuple[Tensor, Array]:
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise ValueError("validation data must give (inputs, targets)")
    return batch[0], batch[1]


def _channels(targets: Array) -> tuple[str, ...]:
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


def _truths(
    inputs: Tensor, targets: Array, wanted: Collection[str]
) -> list[dict[str, Array]]:
    names = _channels(targets)
    if inference.count_of(inputs) != len(targets):
        raise ValueError(
            f"a batch of validation data has {inference.count_of(inputs)} "
            f"inputs but {len(targets)} targets"
        )
    missing = [n for n in ("density", "fixations") if n not in names]
    if any(name in wanted for name in missing):
        raise ValueError(
            "a batch of validation data has no fixations, though the first "
            "one has"
        )
    return [
        {
            name: target[..., channel]
            for channel, name in enumerate(names)
            if name in wanted
        }
        for target in targets
    ]


def _check(image: str, target: Array, wanted: Collection[str]) -> set[str]:
    """Check a target; return the names of the maps that are not empty."""
    found = set()
    for channel, name in enumerate(
        ("density", "fixations")[: target.shape[-1]]
    ):
        if name not in wanted:
            continue
        map_ = target[..., channel]
        problem = ""
        if not np.isfinite(map_).all():
            problem = "holds NaN or infinity"
        elif map_.min() < 0:
            problem = "holds negative values"
        elif name == "fixations" and (map_ != np.floor(map_)).any():
            problem = (
                "holds no numbers of fixations (0, 1, 2, ...); it looks like "
                "a density map, or like a map that was resized"
            )
        if problem:
            raise ValueError(
                f"validation targets, {image}: the {name} channel {problem}"
            )
        if map_.any():
            found.add(name)
    return found
