"""What the callbacks ask of the model they watch."""

import keras
import numpy as np


def predict(model, inputs):
    """A model's maps for one batch.

    Returns:
        float32 array of shape `(batch, height, width)`.
    """
    maps = model.predict_on_batch(inputs)
    if isinstance(maps, (list, tuple, dict)):
        raise ValueError(
            f"the model has {len(maps)} outputs; a saliency model has one"
        )
    maps = keras.ops.convert_to_numpy(maps)
    if maps.ndim != 4 or maps.shape[-1] != 1:
        raise ValueError(
            "the model must predict maps of shape (batch, height, width, 1); "
            f"received {maps.shape}"
        )
    return maps[..., 0].astype(np.float32, copy=False)


def count_of(inputs):
    """Number of samples in a batch of inputs, whatever its structure."""
    return len(keras.tree.flatten(inputs)[0])
