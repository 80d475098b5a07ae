"""Parts that several networks end with."""

import keras
import numpy as np
from keras import layers, ops


def projection(
    x: keras.KerasTensor, *, use_bias: bool = True
) -> keras.KerasTensor:
    """Return one map of feature maps, by a 1x1 convolution in float32.

    Its weights start small, so that a softmax or sigmoid after it begins with
    a map that is nearly the same everywhere.

    Args:
        x: Symbolic feature maps `(batch, height, width, channels)`.
        use_bias: Whether a number is added. A softmax does not change by it.
    """
    return layers.Conv2D(
        1,
        1,
        use_bias=use_bias,
        kernel_initializer=keras.initializers.VarianceScaling(0.01),
        dtype="float32",
        name="projection",
    )(x)


def resized(
    x: keras.KerasTensor, size: tuple[int, int], interpolation: str = "bilinear"
) -> keras.KerasTensor:
    """Return maps brought to a size; those that have it, as they are.

    Args:
        x: Symbolic maps `(batch, height, width, channels)`.
        size: `(height, width)`.
        interpolation: `"bilinear"` or `"nearest"`.
    """
    if tuple(x.shape[1:3]) == tuple(size):
        return x
    if interpolation == "nearest":
        # Not by ops.image.resize, whose gradient TensorFlow's XLA lacks.
        for axis, (old, new) in enumerate(
            zip(x.shape[1:3], size, strict=True), start=1
        ):
            nearest = (2 * np.arange(new) + 1) * old // (2 * new)
            x = _taken(x, nearest.tolist(), axis)
        return x
    return ops.image.resize(
        x, size, interpolation=interpolation, data_format="channels_last"
    )


def _taken(
    x: keras.KerasTensor, places: list[int], axis: int
) -> keras.KerasTensor:
    """Return places along an axis, as `ops.take` does.

    On PyTorch that of more than two axes has a squeeze that ONNX refuses.
    """
    x = ops.moveaxis(x, axis, 0)
    rows = ops.take(ops.reshape(x, (x.shape[0], -1)), places, axis=0)
    rows = ops.reshape(rows, (len(places), -1, *x.shape[2:]))
    return ops.moveaxis(rows, 0, axis)


def softmax(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the softmax over all places of each map, divided by its peak.

    As all maps of the package the density has no unit: the losses that
    compare densities divide it by its sum.

    Args:
        x: Symbolic float32 maps `(batch, height, width, 1)`.
    """
    return ops.exp(x - ops.max(x, axis=(1, 2, 3), keepdims=True))
