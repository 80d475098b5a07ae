"""Images of a model's predictions after each epoch."""

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_saliency import images, inference
from keras_saliency._utils.atomic import replacing
from keras_saliency._utils.console import message_of
from keras_saliency._utils.types import Array, PathName, Size, Tensor
from keras_saliency.callbacks.base import PeriodicCallback, knows_images
from keras_saliency.callbacks.reading import Batches, as_numpy


class MapSnapshots(PeriodicCallback):
    """The predicted maps of a few images, written as PNG after each epoch.

    The files are `directory/<image>/epoch_0001.png`, 8-bit gray, each map
    divided by its own maximum; negative values are black.

    Args:
        data: Input images, an array `(count, height, width, channels)` or a
            pair of arrays `(x, y)`; or batches, of which the first images are
            taken, in the order in which they stand there when the callback is
            made: a `keras.utils.PyDataset` such as a `SaliencySequence`, a
            `tf.data.Dataset`, a torch `DataLoader` or a generator (which
            loses these batches).
        directory: Where the files go; made if it is not there.
        every: Write after each n-th epoch, counted from epoch 0, also where
            a training goes on.
        count: Number of images. Defaults to 4 of batches and all of an
            array.
        size: Height and width of the files. Defaults to the model's output.

    Raises:
        ValueError: On data or arguments that do not fit.

    A file that cannot be written does not end the training: a warning names
    it and says why.
    """

    def __init__(
        self,
        data: Any,
        directory: PathName,
        *,
        every: int = 1,
        count: int | None = None,
        size: Size | None = None,
    ) -> None:
        super().__init__(every)
        if count is not None and count < 1:
            raise ValueError(f"count must be at least 1; received {count}")
        self.directory = Path(directory)
        self.size = size
        if _is_batches(data):
            self._batches = _first_of(data, count or 4)
        else:
            data = as_numpy(data[0] if isinstance(data, tuple) else data)
            data = data[:count] if data.ndim else data
            if data.ndim != 4 or not len(data):
                raise ValueError(
                    "images must have the shape (count, height, width, "
                    f"channels); received {data.shape}"
                )
            names = [f"image_{i:04d}" for i in range(len(data))]
            self._batches = [(data, names)]

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Predict and write the maps."""
        if not self.is_due(epoch):
            return
        for inputs, names in self._batches:
            maps = inference.raw_maps(self.model, inputs)
            for map_, name in zip(maps, names, strict=False):
                path = self.directory / name / f"epoch_{epoch + 1:04d}.png"
                try:
                    self._write(path, map_)
                except OSError as error:
                    message = message_of(error)
                    warnings.warn(f"MapSnapshots: {message}", stacklevel=2)

    def _write(self, path: Path, map_: Array) -> None:
        if self.size is not None:
            map_ = images.resize(map_, self.size)
        map_ = np.nan_to_num(map_).clip(min=0)
        peak = map_.max()
        gray = np.rint(map_ * (255 / peak) if peak > 0 else map_)
        _, png = cv2.imencode(".png", gray.astype(np.uint8))
        with replacing(path, flush=False) as new:
            new.write_bytes(png.tobytes())


def _is_batches(data: Any) -> bool:
    if isinstance(data, list) and data:
        return isinstance(data[0], (tuple, list)) and len(data[0]) in (2, 3)
    if isinstance(data, (tuple, list)) or hasattr(data, "shape"):
        return False
    return not isinstance(data, (str, bytes, dict))


def _first_of(data: Any, count: int) -> list[tuple[Tensor, list[str]]]:
    """Return batches of inputs and names that hold the first `count` images."""
    batches: list[tuple[Tensor, list[str]]] = []
    taken: set[str] = set()
    first = 0
    for number, batch in enumerate(Batches(data, whole=False)):
        inputs = batch[0] if isinstance(batch, (tuple, list)) else batch
        if knows_images(data):
            samples = data.samples(number)
            names = [data.dataset.names[index] for index, _ in samples]
        else:
            size = inference.count_of(inputs)
            names = [f"image_{first + i:04d}" for i in range(size)]
        names = [name.replace("/", "_") for name in names[: count - first]]
        # "a/b" and "a_b" have a folder each.
        for i, name in enumerate(names):
            if name in taken:
                names[i] = f"{name}_{first + i:04d}"
            taken.add(names[i])
        batches.append((inputs, names))
        first += len(names)
        if first >= count:
            break
    return batches
