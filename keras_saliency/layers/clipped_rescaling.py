"""A linear output brought to the range of maps."""

import keras
from keras import ops


@ops.custom_gradient
def _recovering_clip(x):
    below = ops.cast(x < 0, x.dtype)
    above = ops.cast(x > 1, x.dtype)

    def grad(*args, upstream=None):
        if upstream is None:
            (upstream,) = args
        return (
            upstream * (1.0 - below - above)
            + ops.minimum(upstream, 0.0) * below
            + ops.maximum(upstream, 0.0) * above
        )

    return ops.clip(x, 0.0, 1.0), grad


@keras.saving.register_keras_serializable("keras_saliency.layers")
class ClippedRescaling(keras.layers.Layer):
    """`scale * x + offset`, clipped to [0, 1], the range of maps.

    For networks that end in a linear layer and were trained on targets of
    another range: [-1, 1] becomes [0, 1] with scale and offset 1/2.

    A value that is clipped keeps the gradient that would bring it back into
    the range and loses the other, as in `RecoveringReLU`. With the squared
    error and targets in [0, 1] the gradient so has the sign that it has
    without clipping.

    Args:
        scale: Factor.
        offset: Added after it.
        **kwargs: See `keras.layers.Layer`.

    Input and output: any shape.
    """

    def __init__(self, scale=0.5, offset=0.5, **kwargs):
        super().__init__(**kwargs)
        self.scale = float(scale)
        self.offset = float(offset)

    def call(self, inputs):
        """Rescale and clip."""
        return _recovering_clip(self.scale * inputs + self.offset)

    def compute_output_shape(self, input_shape):
        """Same as the input's."""
        return input_shape

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "offset": self.offset,
        }
