"""What all classic models share: one call, batches, several processes."""

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from keras_saliency._utils.checks import as_number
from keras_saliency._utils.pool import map_in_order, progress_bar
from keras_saliency._utils.skipping import Skipping
from keras_saliency._utils.types import Array, ArrayLike, Verbose
from keras_saliency.images import check_image, divide_by_peak, resize

# Side of an image that is enlarged.
_LONGEST = 2**16


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassicModel:
    """A model without weights, from an image to its saliency map.

    It is called as the deep models are: `saliency_map(image)` for an image
    of any size, `predict(images)` for a batch. Its parameters are the
    constructor's arguments; they show in the `repr` and do not change.
    Models are compared by their parameters and can be pickled.

    A gray image is one whose three channels are equal: color then adds
    nothing. An image with a side below `smallest_side` is enlarged before
    anything else, up to 8 times with its proportions kept and beyond that by
    stretching the shorter side. Its longer side then has at most 65536
    pixels, so that a thin strip takes no more memory than a photo.

    A model implements `_map(image)`: from float32 `(height, width, 3)` in
    0..255 to a finite map `(height, width)` of any size; and `_check()`, where
    its arguments have ranges. That they are of the types which the class
    declares has been checked before.
    """

    # Shortest side in pixels at which the model's filters make sense.
    smallest_side = 1

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            value = _as_declared(field.name, value, field.type)
            object.__setattr__(self, field.name, value)
        self._check()

    def saliency_map(self, image: ArrayLike) -> Array:
        """Return the map of one image, at its size.

        Args:
            image: Array as `images.check_image` takes it: uint8 or float
                `(height, width, 3)` in 0..255 and others.

        Returns:
            float32 array `(height, width)`, finite and not negative. Its
            largest value is 1 unless the map is zero everywhere.

        Raises:
            ValueError: If the image has another shape, type or range.
        """
        image = check_image(image).astype(np.float32)
        size = image.shape[:2]
        least = self.smallest_side
        factor = min(max(least / min(size), 1), 8)
        working = tuple(max(round(factor * side), least) for side in size)
        if factor > 1:
            working = tuple(min(side, _LONGEST) for side in working)
        map_ = self._map(resize(image, working))
        map_ = resize(np.asarray(map_, np.float32), size)
        return divide_by_peak(np.maximum(map_, 0))

    def predict(
        self,
        images: Array | Sequence[ArrayLike],
        *,
        workers: int = 1,
        verbose: Verbose = 0,
        errors: str = "skip",
    ) -> Any:
        """Return the maps of several images.

        Args:
            images: One of

                - A batch `(N, height, width, 3)`.
                - One image `(height, width, 3)`.
                - A list of images of any sizes, or a `SaliencyDataset`,
                  whose images are taken at the size at which they are stored.
            workers: Number of processes; the maps do not depend on it. With
                more than one, a script needs the usual
                `if __name__ == "__main__":`.
            verbose: 1 shows a progress bar, 0 nothing.
            errors: What happens to an image of a list or data set that cannot
                be read or that `saliency_map` refuses. `"skip"` goes on: a
                warning says which one was skipped and why, and the list has
                `None` in its place. `"raise"` raises its error, as a batch
                always does.

        Returns:
            float32: an array `(N, height, width, 1)` for a batch, a map
            `(height, width)` for one image, else a list of maps
            `(height, width)`.

        Raises:
            ValueError: On an image that is refused, with its number; of a
                list or data set, if all are.
        """
        if isinstance(images, np.ndarray) and images.ndim != 4:
            return self.saliency_map(images)
        skipping = Skipping(
            "raise" if isinstance(images, np.ndarray) else errors
        )
        maps: list[Any] = []
        bar = progress_bar(len(images), verbose)
        for i, made in enumerate(self._maps(images, workers)):
            map_ = None
            with skipping.item(f"Image number {i}"):
                if isinstance(made, Exception):
                    raise made
                map_ = made
            maps.append(map_)
            if bar is not None:
                bar.update(len(maps))
        skipping.finish()
        if not isinstance(images, np.ndarray):
            return maps
        if not maps:
            return np.zeros((0, *images.shape[1:3], 1), np.float32)
        return np.stack(maps)[..., np.newaxis]

    def _check(self) -> None:
        """Raise a ValueError if an argument is out of its range."""

    def _map(self, image: Array) -> Array:
        raise NotImplementedError

    def _maps(self, images: Any, workers: int) -> Iterator[Array | Exception]:
        """Yield the maps in order, and errors in the place of maps."""
        return map_in_order(
            functools.partial(_map_of, self),
            ((_image(images, i), i) for i in range(len(images))),
            min(workers, max(len(images), 1)),
        )


def require(condition: Any, name: str, value: Any, expected: str) -> None:
    """Raise a ValueError that names an argument unless a condition holds."""
    if not condition:
        raise ValueError(f"{name} must be {expected}; received {value!r}.")


def _as_declared(name: str, value: Any, kind: Any) -> Any:
    """Return an argument of the type of its field, or raise a ValueError.

    Numbers are finite, whole ones integers, and several of them a tuple.
    Other types are the model's to check.
    """
    arguments = typing.get_args(kind)
    if isinstance(kind, types.UnionType):
        kind = arguments[0]
        return None if value is None else _as_declared(name, value, kind)
    if kind is int or kind is float:
        number = as_number(value)
        finite = number is not None and math.isfinite(number)
        whole = kind is int
        require(
            finite and not (whole and value % 1),
            name,
            value,
            "a whole number" if whole else "a finite number",
        )
        return int(value) if whole else value
    if kind is str:
        require(isinstance(value, str), name, value, "a string")
    elif typing.get_origin(kind) is tuple and arguments[0] in (int, float):
        several = isinstance(value, (list, tuple, np.ndarray))
        require(several, name, value, "several numbers, such as (2, 3)")
        return tuple(_as_declared(name, one, arguments[0]) for one in value)
    return value


def require_longest(value: Any, least: int) -> None:
    """Raise a ValueError unless a model can work at this longer side."""
    require(least <= value <= 4096, "longest", value, f"from {least} to 4096")


def _image(images, i):
    """Return an image or the error in its place."""
    try:
        # A data set reads its images one by one.
        return images.image(i) if hasattr(images, "image") else images[i]
    except ValueError as error:
        return _with_number(error, i)


def _map_of(model, image, i):
    if isinstance(image, Exception):
        return image
    try:
        return model.saliency_map(image)
    except ValueError as error:
        return _with_number(error, i)


def _with_number(error, i):
    numbered = ValueError(f"Image number {i}: {error}")
    numbered.__cause__ = error
    return numbered
