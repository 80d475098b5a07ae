"""Pictures of a model's predictions after each epoch."""

from pathlib import Path

import cv2
import keras
import numpy as np

from keras_saliency import images, inference


class MapSnapshots(keras.callbacks.Callback):
    """Writes the predicted maps of a few images as PNG after each epoch.

    The files are `directory/<image>/epoch_0001.png`, 8-bit gray, each map
    divided by its own maximum; negative values are black.

    Args:
        data: Input images, an array `(count, height, width, channels)`, or a
            `keras.utils.PyDataset` such as a `SaliencySequence`, whose first
            images are taken, in the order in which they stand there when the
            callback is made.
        directory: Where the files go; made if it is not there.
        every: Write after each n-th epoch, counted from the first.
        count: Number of images. Defaults to 4 of a `PyDataset` and all of an
            array.
        size: Height and width of the pictures. Defaults to the model's output.

    Raises:
        ValueError: On data or arguments that do not fit.
        OSError: If a file cannot be written.
    """

    def __init__(self, data, directory, every=1, count=None, size=None):
        super().__init__()
        if int(every) != every or every < 1:
            raise ValueError(f"every must be 1, 2, ...; received {every!r}")
        if count is not None and count < 1:
            raise ValueError(f"count must be at least 1; received {count}")
        self.directory = Path(directory)
        self.every = int(every)
        self.size = size
        if isinstance(data, keras.utils.PyDataset):
            self._batches = _first_of(data, count or 4)
        else:
            data = np.asarray(data)[:count]
            if data.ndim != 4 or not len(data):
                raise ValueError(
                    "images must have the shape (count, height, width, "
                    f"channels); received {data.shape}"
                )
            names = [f"image_{i:04d}" for i in range(len(data))]
            self._batches = [(data, names)]
        self._first_epoch = None

    def on_train_begin(self, logs=None):
        """Starts counting epochs."""
        self._first_epoch = None

    def on_epoch_end(self, epoch, logs=None):
        """Predicts and writes the maps."""
        if self._first_epoch is None:
            self._first_epoch = epoch
        if (epoch - self._first_epoch) % self.every:
            return
        for inputs, names in self._batches:
            maps = inference.predict(self.model, inputs)
            for map_, name in zip(maps, names, strict=False):
                path = self.directory / name / f"epoch_{epoch + 1:04d}.png"
                self._write(path, map_)

    def _write(self, path, map_):
        if self.size is not None:
            map_ = images.resize(map_, self.size)
        map_ = np.nan_to_num(map_).clip(min=0)
        peak = map_.max()
        gray = np.rint(map_ * (255 / peak) if peak > 0 else map_)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", gray.astype(np.uint8))[1])


def _first_of(dataset, count):
    """Batches of inputs and file names that hold the first `count` images."""
    batches, number = [], 0
    while count > 0 and number < (dataset.num_batches or np.inf):
        batch = dataset[number]
        inputs = batch[0] if isinstance(batch, (tuple, list)) else batch
        size = inference.count_of(inputs)
        first = sum(len(names) for _, names in batches)
        names = [f"image_{first + i:04d}" for i in range(size)]
        if hasattr(dataset, "dataset") and hasattr(dataset, "samples"):
            samples = dataset.samples(number)
            names = [dataset.dataset.names[index] for index, _ in samples]
        names = [name.replace("/", "_") for name in names[:count]]
        batches.append((inputs, names))
        count -= size
        number += 1
    return batches
