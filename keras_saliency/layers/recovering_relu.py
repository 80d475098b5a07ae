"""ReLU that a map cannot die in."""

import keras
from keras import ops


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
    map that has become zero everywhere stays so for good: the mean squared
    error alone drives an untrained network there in an epoch, most pixels of
    a density map being near zero. This layer blocks the gradient only where
    it would push an output further below zero, which is the projected
    gradient of a map constrained to be non-negative.

    Args:
        **kwargs: See `keras.layers.Layer`.

    Input and output: any shape.
    """

    def call(self, inputs):
        """Clip at zero from below."""
        return _recovering_relu(inputs)

    def compute_output_shape(self, input_shape):
        """Same as the input's."""
        return input_shape
