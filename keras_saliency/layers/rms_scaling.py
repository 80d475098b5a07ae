"""Scaling of feature maps to a root mean square of 1."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Shape, Tensor
from keras_saliency.functional.maps import divide_by_peak


@keras.saving.register_keras_serializable("keras_saliency.layers")
class RMSScaling(SignatureConfig, keras.layers.Layer):
    """Division of the feature maps of each image by their root mean square.

    The levels of a backbone differ in scale: VGG-16's conv3_pool, conv4_pool
    and conv5_conv3 by a factor of 100 and more. This brings any level of any
    backbone to the same scale, without weights and without statistics of a
    data set. A level that is zero everywhere stays zero.

    Args:
        initial_scale: A number above 0: the result is multiplied by one weight
            that begins with it and trains. `None` for no weight.
        **kwargs: See `keras.layers.Layer`.

    Input and output: `(batch, height, width, channels)`.

    Raises:
        ValueError: If `initial_scale` is not above 0.
    """

    def __init__(
        self, *, initial_scale: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.initial_scale = initial_scale
        self.scale = None
        if initial_scale is None:
            return
        if not (np.isfinite(initial_scale) and initial_scale > 0):
            raise ValueError(
                "RMSScaling: initial_scale must be above 0, received "
                f"{initial_scale}."
            )
        self.scale = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(initial_scale),
            name="scale",
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Divide by the root mean square over height, width and channels."""
        # Dividing by the peak first keeps the squares within float32.
        x = divide_by_peak(ops.cast(inputs, "float32"))
        mean_square = ops.mean(ops.square(x), axis=(1, 2, 3), keepdims=True)
        x = x / ops.sqrt(mean_square + 1e-12)
        if self.scale is not None:
            x = x * ops.cast(self.scale, "float32")
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape
