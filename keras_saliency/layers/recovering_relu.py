"""ReLU from whose zeros a map can recover."""

import keras
from keras import ops

from keras_saliency._utils.types import Shape, Tensor


@ops.custom_gradient
def _recovering_relu(x):
    positive = ops.cast(x > 0, x.dtype)

    def grad(*args, upstream=None):
        if upstream is None:
            (upstream,) = args
        return upstream * positive + ops.minimum(upstream, 0.0) * (
            1.0 - positive
        )

    return ops.relu(x), grad


@keras.saving.register_keras_serializable("keras_saliency.layers")
class RecoveringReLU(keras.layers.Layer):
    """ReLU whose zeros keep the gradient that would raise them.

    The output is that of a ReLU. Where it is 0 a ReLU has no gradient, so a
    map that has become zero everywhere stays zero for good. The mean squared
    error alone makes the map of an untrained network zero in an epoch, because
    most pixels of a density map are near zero. This layer blocks the gradient
    only where it would push an output further below zero, which is the
    projected gradient of a map that must not be negative.

    Args:
        **kwargs: See `keras.layers.Layer`.

    Input and output: any shape.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """Clip at zero from below."""
        return _recovering_relu(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape
