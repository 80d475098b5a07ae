"""Feature maps brought to one scale."""

import keras
from keras import ops

from keras_saliency.functional.maps import divide_by_peak


@keras.saving.register_keras_serializable("keras_saliency.layers")
class RMSScaling(keras.layers.Layer):
    """Feature maps divided, image by image, by their root mean square.

    The levels of a backbone differ in scale: VGG-16's conv3_pool, conv4_pool
    and conv5_conv3 by 100 times and more. Without weights and without
    statistics to gather, this brings any level of any backbone to the same
    scale. A level that is zero everywhere stays zero.

    Args:
        **kwargs: See `keras.layers.Layer`.

    Input and output: `(batch, height, width, channels)`.
    """

    def call(self, inputs):
        """Divide by the root mean square over height, width and channels."""
        # Dividing by the peak first keeps the squares within float32.
        x = divide_by_peak(ops.cast(inputs, "float32"))
        mean_square = ops.mean(ops.square(x), axis=(1, 2, 3), keepdims=True)
        x = x / ops.sqrt(mean_square + 1e-12)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Same as the input's."""
        return input_shape
