"""One object from images to maps."""

import collections
import functools
import importlib.util
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency import images, videos, weights
from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.memory import keep_freed
from keras_saliency._utils.types import Array, ArrayLike, PathName
from keras_saliency.prediction import runtimes
from keras_saliency.prediction.inputs import check_path
from keras_saliency.prediction.outcome import Outcome
from keras_saliency.steps import Mapper, Network, of_one_size

# Threads that read, resize and finish while the network runs.
_THREADS = 2
# Batches that are prepared ahead, and batches that are finished ahead.
_AHEAD = 1
# Of the images of a batch: those of a large photo go one by one.
_MOST_BYTES = 2**26


class Predictor:
    """Makes the maps of images: a network, and what runs it.

    One object may be asked in several threads at once. It can be pickled, for
    processes and machines of a cluster: what it was made of travels, a name
    or path as such, a Keras model with its weights.

    Args:
        model: One of

            - `None` or `"bundled"`: the small model of the package. ONNX
              Runtime runs it where that is installed, else Keras.
            - The name of another published or classic model.
            - The path of a `.keras` file, or of one that `models.export` or
              `keras-saliency export` wrote: `.onnx` (with `onnxruntime`),
              `.tflite` (`ai-edge-litert`), `.xml` (`openvino`), or the folder
              of a SavedModel (`tensorflow`). Keras is not needed for these,
              except for SavedModels. Of another's file the input must be RGB
              in 0..255 `(batch, height, width, 3)`, the output
              `(batch, height, width, 1)`.
            - A Keras model, or an object with a method `saliency_map(image)`.
        batch_size: Number of images that `maps` gives the network at a time.

    Raises:
        ValueError: If there is no such model, or it takes no images.
        NotInstalledError: If what runs it is not installed; the message says
            what to install.

    Example:
    >>> import numpy as np
    >>> predictor = Predictor("center_bias")
    >>> predictor(np.zeros((30, 40, 3), "uint8")).shape
    (30, 40)
    """

    def __init__(self, model: Any = None, *, batch_size: int = 8) -> None:
        self.model = model
        self.batch_size = whole_number("Predictor", "batch_size", batch_size)
        # A Predictor of a Predictor asks the same network.
        shared = isinstance(model, Predictor)
        self._lock = model._lock if shared else threading.Lock()
        self._how = _how(model)

    def __call__(self, image: ArrayLike | PathName | bytes) -> Array:
        """Return the map of one image.

        Args:
            image: The path of an image; the bytes of its file; or an array as
                `images.check_image` takes it: `(height, width, 3)`, RGB.

        Returns:
            float32 array `(height, width)` in [0, 1], its largest value 1
            unless it is zero everywhere.

        Raises:
            ValueError: If the image cannot be read, or its map holds NaN; the
                message names the file.
        """
        return self._ask([_prepared(image, self._how)])[0].outcome().get()

    @property
    def mapper(self) -> Mapper | None:
        """The network and the steps around it; see `steps.Mapper`.

        `None` for an object with a method `saliency_map` of its own.
        """
        return self._how if isinstance(self._how, Mapper) else None

    def maps(
        self, images: Iterable[ArrayLike | PathName | bytes]
    ) -> Iterator[Array]:
        """Yield the map of each image, in order.

        Networks get `batch_size` images at a time, prepared and finished by
        two threads while the network runs; images are taken from the
        iterable up to four batches ahead, smaller ones if they are large. A
        small network of ONNX Runtime gets them one by one on each core
        instead, which is faster. A model that is an object with a method of
        its own gets them one by one, as the maps are taken.

        Args:
            images: Paths, bytes or arrays, as for a single one. Their sizes
                may differ.

        Raises:
            ValueError: At the first image that has no map.
        """
        for outcome in self.outcomes(images):
            yield outcome.get()

    def outcomes(
        self, images: Iterable[ArrayLike | PathName | bytes]
    ) -> Iterator[Outcome]:
        """Yield what became of each image; see `maps`, which raises."""
        keep_freed()
        if not isinstance(self._how, Mapper):
            for image in images:
                yield self._ask([_prepared(image, self._how)])[0].outcome()
            return
        if self._how.solo is not None:
            yield from self._one_a_core(images, self._how.solo)
        else:
            yield from self._in_batches(images)

    def _one_a_core(
        self, images: Iterable[Any], network: Network
    ) -> Iterator[Outcome]:
        """Yield outcomes; a thread for each core does all for an image."""

        def work(image: Any) -> Outcome:
            (item,) = self._ask([_prepared(image, self._how)], network)
            return item.outcome()

        cores = os.cpu_count() or 1
        pool = ThreadPoolExecutor(cores, "keras_saliency")
        waiting: collections.deque[Future[Outcome]] = collections.deque()
        try:
            for image in images:
                waiting.append(pool.submit(work, image))
                if len(waiting) > cores + _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _in_batches(self, images: Iterable[Any]) -> Iterator[Outcome]:
        """Yield outcomes; threads prepare and finish, the network runs here."""
        images = iter(images)
        pool = ThreadPoolExecutor(_THREADS, "keras_saliency")
        waiting: collections.deque[Future[list[_Item]]] = collections.deque()
        ready: collections.deque[Future[list[Outcome]]] = collections.deque()

        count = self.batch_size

        def run() -> None:
            nonlocal count
            items = waiting.popleft().result()
            read = [item.image for item in items if item.image is not None]
            largest = max((image.nbytes for image in read), default=1)
            count = max(1, min(self.batch_size, _MOST_BYTES // largest))
            # In the caller's thread, whose settings of devices hold there.
            ready.append(pool.submit(_outcomes, self._ask(items)))

        try:
            while batch := [*islice(images, count)]:
                waiting.append(pool.submit(self._prepare, batch))
                if len(waiting) > _AHEAD:
                    run()
                while len(ready) > _AHEAD:
                    yield from ready.popleft().result()
            while waiting:
                run()
            while ready:
                yield from ready.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _prepare(self, batch: list[Any]) -> "list[_Item]":
        return [_prepared(image, self._how) for image in batch]

    def _ask(
        self, items: "list[_Item]", network: Network | None = None
    ) -> "list[_Item]":
        """Let the network answer where an image could be prepared."""
        good = [item for item in items if item.error is None]
        if not isinstance(self._how, Mapper):
            for item in good:
                try:
                    with self._lock:
                        item.map = self._how(item.image)  # type: ignore[arg-type]
                except Exception as error:
                    item.fail(error)
            return items
        network = network or self._how.network
        for members in of_one_size([item.input for item in good]):
            group = [good[i] for i in members]
            try:
                maps = network(np.stack([i.input for i in group]))
                for item, map_ in zip(group, maps, strict=True):
                    item.map = map_
            except Exception as error:
                for item in group:
                    item.fail(error)
        return items

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model, "batch_size": self.batch_size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"Predictor({self.model!r}, batch_size={self.batch_size})"


class _Item:
    """One image on its way."""

    def __init__(self, given: Any, how: Any) -> None:
        self.given = given
        self.how = how
        self.image: Array | None = None
        self.input: Any = None
        self.map: Any = None
        self.error: Exception | None = None

    def fail(self, error: Exception) -> None:
        """Note an error, with the file's name."""
        is_path = isinstance(self.given, (str, os.PathLike))
        if (
            is_path
            and isinstance(error, ValueError)
            and str(self.given) not in str(error)
        ):
            named = ValueError(f"{self.given}: {error}")
            named.__cause__ = error
            error = named
        self.error = error

    def outcome(self) -> Outcome:
        """Return the finished map."""
        if self.error is None:
            assert self.image is not None
            size = self.image.shape[:2]
            try:
                if not isinstance(self.how, Mapper):
                    own = _as_map(self.map)
                    return Outcome(
                        self.image, _scaled(images.resize(own, size))
                    )
                finished = self.how.finish(self.map, size)
                map_ = images.resize(finished, size)
                ours = map_ is not finished
                return Outcome(self.image, _scaled(map_, in_place=ours))
            except Exception as error:
                self.fail(error)
        return Outcome(self.image, None, self.error)


def _prepared(given: Any, how: Any) -> _Item:
    item = _Item(given, how)
    try:
        if isinstance(given, (str, os.PathLike)):
            check_path(given)
            for what, found in (
                ("folder", Path(given).is_dir()),
                ("video", videos.is_video(given)),
            ):
                if found:
                    raise ValueError(f"{given} is a {what}: pass it by itself.")
            item.image = images.read_image(given)
        elif isinstance(given, bytes):
            item.image = images.decode_image(given)
        else:
            item.image = images.check_image(given)
        if isinstance(how, Mapper):
            item.input = how.prepare(item.image)
    except Exception as error:
        item.fail(error)
    return item


def _outcomes(items: list[_Item]) -> list[Outcome]:
    return [item.outcome() for item in items]


def _as_map(given: ArrayLike) -> Array:
    """Return what a model of somebody's gave as a map `(height, width)`."""
    values = np.asarray(given)
    map_ = images.plain_map(values)
    if map_ is None:
        raise ValueError(
            "The model's map must be an array (height, width) of numbers; "
            f"received {values.dtype} of shape {values.shape}."
        )
    return np.ascontiguousarray(map_, np.float32)


def _scaled(map_: Array, in_place: bool = False) -> Array:
    lowest, peak = map_.min(), map_.max()
    if not (np.isfinite(lowest) and np.isfinite(peak)):
        raise ValueError("The model's map holds NaN or infinity.")
    scaled = map_
    # To look is quicker than to write.
    if not in_place or lowest < 0:
        scaled = np.maximum(map_, 0, out=map_ if in_place else None)
    if peak > 0:
        scaled /= peak
    return scaled


def _how(model: Any) -> Mapper | Callable[[Array], Array]:
    """Return how a model's maps are made: steps, or a function of its own."""
    if isinstance(model, Predictor):
        return model._how
    if model is None:
        return _bundled()
    if isinstance(model, (str, os.PathLike)):
        name = os.fspath(model)
        if name == weights.BUNDLED:
            return _bundled()
        if runtimes.is_exported(name):
            return runtimes.open_model(name)
        return _get(name) if name.lower().endswith(".keras") else _named(name)
    return _get(model)


def _get(model: Any) -> Mapper | Callable[[Array], Array]:
    from keras_saliency import inference, models  # and with them Keras

    model = models.get(inference.bare(model))
    own = getattr(model, "saliency_map", None)
    if own is not None and not hasattr(model, "finish_map"):
        return own
    return inference.mapper_of(model)


_named = functools.cache(_get)


@functools.cache
def _exported(name: str, kind: str) -> Mapper:
    return runtimes.open_model(weights.find(name, kind=kind, download=False))


def _bundled() -> Mapper | Callable[[Array], Array]:
    bundled = {entry.name: entry for entry in weights.entries()}.get(
        weights.BUNDLED
    )
    if bundled is None:
        raise weights.WeightsError(
            "This version of the package holds no model of its own. Name one "
            "by model=: of weights.entries(), a .keras file, or a classic "
            "model."
        )
    if "onnx" in bundled.exports and importlib.util.find_spec("onnxruntime"):
        return _exported(bundled.name, "onnx")
    return _named(bundled.name)
