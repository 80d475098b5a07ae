"""From a model to its maps: the one place where a network is asked.

The *map* of an image is made in three steps: the image is prepared for the
network's input, the network predicts, its output is finished. The steps are
methods of `SaliencyModel`, overridden by models whose authors do more than
stretch the image. Any other Keras model has the default steps.

A *raw map* is the output alone, at its own size, for a batch of inputs as they
are: what a loss sees in training.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

import keras
import numpy as np

from keras_saliency._utils.types import Array, ArrayLike, Size, Tensor
from keras_saliency.images import check_image, resize


def saliency_map(
    model: keras.Model, image: ArrayLike, size: Size | None = None
) -> Array:
    """Return the map of one image; see `models.SaliencyModel.saliency_map`.

    Args:
        model: A Keras model, as for `finished_maps`.
        image: Array as `images.check_image` takes it.
        size: `(height, width)` of the map. Defaults to the image's.

    Returns:
        float32 array of that size.

    Raises:
        ValueError: If the image has another shape, or if the model does not
            take images or does not return maps.
    """
    image = check_image(image)
    (map_,) = finished_maps(model, [image])
    return resize(map_, image.shape[:2] if size is None else size)


def finished_maps(
    model: keras.Model, images: Iterable[ArrayLike], batch_size: int = 1
) -> Iterator[Array]:
    """Yield the finished map of each image, not yet resized to its size.

    Args:
        model: A Keras model from images `(batch, height, width, 3)`, RGB in
            0..255, to maps `(batch, height, width, 1)`.
        images: Arrays as `images.check_image` takes them. Their sizes may
            differ, unless the model takes images of any size in batches.
        batch_size: Number of images per call of the network.

    Yields:
        float32 arrays `(height, width)`: by default the network's output.

    Raises:
        ValueError: As for `saliency_map`.
    """
    size = input_size(model)
    prepare = getattr(model, "prepare_image", None)
    finish = getattr(model, "finish_map", None)
    network = model.map_network() if hasattr(model, "map_network") else model
    images = iter(images)
    while batch := [*map(check_image, islice(images, batch_size))]:
        inputs = [
            stretch(image, size) if prepare is None else prepare(image)
            for image in batch
        ]
        maps = raw_maps(network, np.stack(inputs))
        for image, map_ in zip(batch, maps, strict=True):
            yield map_ if finish is None else finish(map_, image.shape[:2])


def raw_maps(model: keras.Model, inputs: Tensor) -> Array:
    """Return a model's output for one batch of inputs as they are.

    Returns:
        float32 array `(batch, height, width)`.

    Raises:
        ValueError: If the model does not return maps.
    """
    maps = model.predict_on_batch(inputs)
    if isinstance(maps, (list, tuple, dict)):
        raise ValueError(
            f"The model has {len(maps)} outputs; a saliency model has one."
        )
    maps = keras.ops.convert_to_numpy(maps)
    if maps.ndim != 4 or maps.shape[-1] != 1:
        raise ValueError(
            "The model must return maps (batch, height, width, 1); received "
            f"the shape {maps.shape}."
        )
    return maps[..., 0].astype(np.float32, copy=False)


def input_size(model: keras.Model) -> Size | None:
    """Return `(height, width)` of a model's input, `None` if it takes any.

    Raises:
        ValueError: If the model does not take images.
    """
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] != 3:
        raise ValueError(
            "The model must take images (batch, height, width, 3); its input "
            f"is {shape}. (The head of a model takes features: call the "
            "whole.)"
        )
    return None if None in shape[1:3] else shape[1:3]


def stretch(image: Array, size: Size | None) -> Array:
    """Return an image resized to a network's input, or as it is for `None`."""
    return image if size is None else resize(image, size)


def count_of(inputs: Tensor) -> int:
    """Return the number of samples in a batch, whatever its structure."""
    return len(keras.tree.flatten(inputs)[0])
