"""Where predictions come from: a folder, arrays, a function, a model.

Each source knows two things: `predict(numbers)` yields the number and map of
each of these images, or the file that a scoring process reads it from, and
`digest(i)` returns a text that changes with the map of image `i`.
"""

import contextlib
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from keras_saliency import images, inference
from keras_saliency._utils.errors import ModelNotFoundError
from keras_saliency._utils.folders import walk
from keras_saliency._utils.types import Array, PathName, Size
from keras_saliency.datasets import SaliencyDataset
from keras_saliency.densities import Fitted
from keras_saliency.models.names import get
from keras_saliency.models.pysaliency_models import density_of


class Source(Protocol):
    """Predictions of the images of a data set."""

    def predict(self, numbers: Iterable[int]) -> Iterator[tuple[int, Any]]:
        """Yield each image's number, and its map or the file that holds it."""

    def digest(self, i: int) -> str:
        """Return a text that changes with the map of one image."""


@contextlib.contextmanager
def naming(dataset: SaliencyDataset, i: int) -> Iterator[None]:
    """Add the image's name to a ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"image {dataset.names[i]!r}: {error}") from error


def source_of(
    predictions: Any,
    dataset: SaliencyDataset,
    image_size: Size | None,
    batch_size: int,
    raw: bool,
) -> Source:
    """Return the source for whatever `evaluate` was given."""
    if isinstance(predictions, (str, os.PathLike)):
        if Path(predictions).is_dir():
            return Folder(predictions, dataset)
        predictions = _named(predictions)
    predictions = inference.bare(predictions)
    is_network = hasattr(predictions, "predict_on_batch")
    if hasattr(predictions, "source") and not raw:
        # Such as a `FixationDensity`: it knows what its maps come from.
        return predictions.source(dataset, image_size, batch_size)
    if raw and not is_network:
        raise ValueError(
            "raw=True is for a Keras model; received "
            f"{type(predictions).__name__}."
        )
    has_own_map = hasattr(predictions, "saliency_map") and not hasattr(
        predictions, "finish_map"
    )
    if is_network and (raw or not has_own_map):
        return Model(predictions, dataset, image_size, batch_size, raw)
    if has_own_map:
        predictions = predictions.saliency_map
    elif hasattr(predictions, "log_density"):
        predictions = density_of(predictions)
    if callable(predictions):
        return Function(predictions, dataset, image_size)
    return Arrays(predictions, dataset)


def _named(name: PathName) -> Any:
    try:
        return get(name)
    except ModelNotFoundError as error:
        raise ModelNotFoundError(
            f"There is no folder {name}. {error}"
        ) from error


class Folder:
    """Maps in files named as the images."""

    def __init__(self, folder: PathName, dataset: SaliencyDataset) -> None:
        folder = Path(folder)
        found: dict[str, list[Path]] = {}
        for parent, names in walk(folder):
            for path in (parent / name for name in names):
                if path.suffix.lower() in (*images.EXTENSIONS, ".npy"):
                    name = path.relative_to(folder).as_posix()
                    found.setdefault(images.stem(name), []).append(path)
        self._paths, missing = [], []
        for name in dataset.names:
            paths = found.get(images.stem(name), [])
            if len(paths) > 1:
                raise ValueError(
                    f"the image {name!r} has several maps in {folder}: "
                    + ", ".join(path.name for path in paths)
                )
            if paths:
                self._paths.append(paths[0])
            else:
                missing.append(name)
        if missing:
            raise ValueError(
                f"{len(missing)} of the {len(dataset)} images have no map in "
                f"{folder}, such as {missing[0]!r}; a map is an image or a "
                ".npy file with the image's name"
            )

    def predict(self, numbers: Iterable[int]) -> Iterator[tuple[int, Path]]:
        """Yield each image's number and file."""
        for i in numbers:
            yield i, self._paths[i]

    def digest(self, i: int) -> str:
        """Return a text that changes with the map of one image."""
        return images.digest(self._paths[i])


class Arrays:
    """Maps in memory."""

    def __init__(
        self, maps: Mapping[str, Any] | Any, dataset: SaliencyDataset
    ) -> None:
        if isinstance(maps, dict):
            given = {}
            for name, map_ in maps.items():
                if images.stem(name) in given:
                    raise ValueError(
                        f"the image {images.stem(name)!r} has several "
                        f"predictions, the last of them named {name!r}"
                    )
                given[images.stem(name)] = map_
            maps = given
            missing = [n for n in dataset.names if images.stem(n) not in maps]
            if missing:
                raise ValueError(
                    f"there are no predictions for {len(missing)} of the "
                    f"{len(dataset)} images, such as {missing[0]!r}"
                )
            maps = [maps[images.stem(name)] for name in dataset.names]
        if len(maps) != len(dataset):
            raise ValueError(
                f"there are {len(maps)} predictions for {len(dataset)} images"
            )
        self._maps = [np.asarray(map_) for map_ in maps]

    def predict(self, numbers: Iterable[int]) -> Iterator[tuple[int, Array]]:
        """Yield each image's number and map."""
        for i in numbers:
            yield i, self._maps[i]

    def digest(self, i: int) -> str:
        """Return a text that changes with the map of one image."""
        return images.digest(self._maps[i])


class Function:
    """Maps from a function of one image."""

    def __init__(
        self,
        function: Callable[[Array], Any],
        dataset: SaliencyDataset,
        image_size: Size | None,
    ) -> None:
        self._function, self._dataset = function, dataset
        self._image_size = image_size
        # The number and map that were asked for last: by `digest`, and then
        # by `predict` if it is not known.
        self._last: tuple[int | None, Any] = None, None

    def _map(self, i: int) -> Array:
        if self._last[0] != i:
            with naming(self._dataset, i):
                image = self._dataset.image(i, self._image_size)
                self._last = i, np.asarray(self._function(image))
        return self._last[1]

    def predict(self, numbers: Iterable[int]) -> Iterator[tuple[int, Array]]:
        """Yield each image's number and map."""
        for i in numbers:
            yield i, self._map(i)

    def digest(self, i: int) -> str:
        """Return a text that changes with the map of one image."""
        return images.digest(self._map(i))


class Model:
    """Maps from a Keras model, batch by batch."""

    def __init__(
        self,
        model: Any,
        dataset: SaliencyDataset,
        image_size: Size | None,
        batch_size: int,
        raw: bool,
    ) -> None:
        self._model, self._dataset, self._raw = model, dataset, raw
        input_size = inference.input_size(model)
        if image_size is None and input_size is None:
            # Images of their own sizes, which no batch can hold.
            batch_size = 1
        elif image_size is None and raw:
            image_size = input_size
        self._image_size = image_size
        self._batch_size = batch_size
        self._weights: str | None = None

    def predict(self, numbers: Iterable[int]) -> Iterator[tuple[int, Array]]:
        """Yield each image's number and map."""
        numbers = iter(numbers)
        while part := list(itertools.islice(numbers, self._batch_size)):
            batch = [self._dataset.image(i, self._image_size) for i in part]
            maps: Iterable[Array]
            if self._raw:
                maps = inference.raw_maps(self._model, np.stack(batch))
            else:
                maps = inference.finished_maps(
                    self._model, batch, self._batch_size
                )
            yield from zip(part, maps, strict=True)

    def digest(self, i: int) -> str:
        """Return a text that changes with the map of one image."""
        if self._weights is None:
            state = hashlib.blake2b(digest_size=16)
            state.update(self._model.to_json().encode())
            for weight in self._model.get_weights():
                state.update(np.ascontiguousarray(weight).data)
            self._weights = state.hexdigest()
        size = None if self._image_size is None else list(self._image_size)
        kind = "raw" if self._raw else "finished"
        return f"{self._weights} {self._dataset.digest(i)} {size} {kind}"


class Densities:
    """The densities of a source's maps, one per image.

    Args:
        maps: The source of the maps.
        fitted: What makes densities of them.
        dataset: The images.
    """

    def __init__(
        self, maps: Source, fitted: Fitted, dataset: SaliencyDataset
    ) -> None:
        self.maps, self.fitted, self._dataset = maps, fitted, dataset

    def predict(self, numbers: Iterable[int]) -> Iterator[tuple[int, Array]]:
        """Yield each image's number and density."""
        for i, map_ in self.maps.predict(numbers):
            with naming(self._dataset, i):
                size = tuple(self._dataset.sizes[i].tolist())
                logs = self.fitted.log_density(as_array(map_), size)
                yield i, np.exp(logs)

    def digest(self, i: int) -> str:
        """Return a text that changes with the density of one image."""
        return f"{self.maps.digest(i)} {self.fitted.transform}"


def as_array(map_: Array | Path) -> Array:
    """Return a map that a source yields, read if it is a file."""
    return images.read_values(map_) if isinstance(map_, Path) else map_
