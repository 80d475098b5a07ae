"""From a model to its maps: the one place where a network is asked.

The *map* of an image is made in three steps: the image is prepared for the
network's input, the network predicts, its output is finished. The steps are
methods of `SaliencyModel`, and have names (`MapSteps`). Any other Keras model
has the default steps.

A network is asked on any number of devices and from any number of threads:
each input gets one output, in order (`outputs_of`).

A *raw map* is the output alone, at its own size, for a batch of inputs as they
are: what a loss sees in training.
"""

import functools
import threading
import weakref
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import keras
import numpy as np

from keras_saliency._utils.types import Array, ArrayLike, Size, Tensor
from keras_saliency.images import check_image, resize
from keras_saliency.steps import Mapper, MapSteps

# One prediction at a time of a model, and on JAX of all of them: there Keras
# gives the variables away for the length of a call, and another model may
# share them.
_LOCK = threading.RLock()
_LOCKS: "weakref.WeakKeyDictionary[Any, Any]" = weakref.WeakKeyDictionary()
# What JAX's errors say of variables that another thread has taken.
_TAKEN = ("donat", "has been deleted")


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
            differ.
        batch_size: Number of images at a time. A network that takes any size
            gets those of one size in one call.

    Yields:
        float32 arrays `(height, width)`: by default the network's output.

    Raises:
        ValueError: As for `saliency_map`.
    """
    mapper = mapper_of(model)
    images = iter(images)
    while batch := [*islice(images, batch_size)]:
        yield from mapper.finished_maps(batch)


def mapper_of(model: keras.Model) -> Mapper:
    """Return how a Keras model makes the map of an image.

    Args:
        model: As for `finished_maps`.

    Raises:
        ValueError: If the model does not take images.
    """
    model = bare(model)
    size = input_size(model)
    network = model.map_network() if hasattr(model, "map_network") else model
    plain = MapSteps().mapper(functools.partial(raw_maps, network), size)
    return plain._replace(
        prepare=getattr(model, "prepare_image", plain.prepare),
        finish=getattr(model, "finish_map", plain.finish),
    )


def raw_maps(model: keras.Model, inputs: Tensor) -> Array:
    """Return a model's output for one batch of inputs as they are.

    Returns:
        float32 array `(batch, height, width)`.

    Raises:
        ValueError: If the model does not return maps.
    """
    maps = outputs_of(model, inputs)
    if isinstance(maps, (list, tuple, dict)):
        raise ValueError(
            f"The model has {len(maps)} outputs; a saliency model has one."
        )
    if maps.ndim != 4 or maps.shape[-1] != 1:
        raise ValueError(
            "The model must return maps (batch, height, width, 1); received "
            f"the shape {maps.shape}."
        )
    return maps[..., 0].astype(np.float32, copy=False)


def outputs_of(model: keras.Model, inputs: Tensor) -> Any:
    """Return a network's output for one batch: one row per input, in order.

    This holds under every `tf.distribute` strategy and
    `keras.distribution`, whatever the number of inputs, and in several
    threads at once. Each device computes the whole batch.

    Returns:
        NumPy array, or the model's structure of them.

    Raises:
        RuntimeError: If the model is trained in another thread meanwhile.
    """
    model = bare(model)
    try:
        with _lock_of(model):
            outputs = model.predict_on_batch(inputs)
    except (ValueError, RuntimeError) as error:
        # JAX raises both.
        if not any(word in str(error).lower() for word in _TAKEN):
            raise
        raise RuntimeError(
            "The model was trained, or asked past keras_saliency, in another "
            "thread at the same time, which Keras does not allow on "
            f"{keras.backend.backend()}. Train in one thread, and predict "
            "afterwards or with a copy of the model (type(model).from_config("
            "model.get_config()), then set_weights; keras.models.clone_model "
            "copies the layers only)."
        ) from error
    count = count_of(inputs)
    # Under a strategy of TensorFlow each replica is given the whole batch,
    # and the rows of all stand one after the other.
    return keras.tree.map_structure(
        lambda rows: keras.ops.convert_to_numpy(rows)[:count], outputs
    )


def bare(model: Any) -> Any:
    """Return the Keras model inside torch's `DistributedDataParallel`."""
    inner = getattr(model, "module", None)
    return inner if isinstance(inner, keras.Model) else model


def _lock_of(model):
    if keras.backend.backend() == "jax":
        return _LOCK
    with _LOCK:
        return _LOCKS.setdefault(model, threading.RLock())


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


def count_of(inputs: Tensor) -> int:
    """Return the number of samples in a batch, whatever its structure."""
    return len(keras.tree.flatten(inputs)[0])
