"""A linear output brought to the range of maps."""

from typing import Any

import keras

from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Shape, Tensor
from keras_saliency.functional.maps import bounded


@keras.saving.register_keras_serializable("keras_saliency.layers")
class ClippedRescaling(SignatureConfig, keras.layers.Layer):
    """`scale * x + offset`, clipped to [0, 1], the range of maps.

    For networks that end in a linear layer and were trained on targets of
    another range: [-1, 1] becomes [0, 1] with scale and offset 1/2.

    A value that is clipped keeps a gradient that would bring it back into the
    range, and loses one that would not, as in `RecoveringReLU`. So with the
    squared error and targets in [0, 1] the gradient has the sign that it has
    without clipping.

    Args:
        scale: Factor of the input.
        offset: Number that is added to the product.
        **kwargs: See `keras.layers.Layer`.

    Input and output: any shape.
    """

    def __init__(
        self, *, scale: float = 0.5, offset: float = 0.5, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.scale = float(scale)
        self.offset = float(offset)

    def call(self, inputs: Tensor) -> Tensor:
        """Rescale and clip."""
        return bounded(self.scale * inputs + self.offset, 0.0, 1.0)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape
