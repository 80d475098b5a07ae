"""Convolution that learns length and direction of its filters apart."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_saliency.layers")
class WeightNormalizedConv2D(SignatureConfig, keras.layers.Layer):
    """Convolution with the kernel `gain * direction / |direction|`.

    Each filter has a norm and a gain. The gain starts at 1.

    Args:
        filters: Number of filters.
        kernel_size: Side of the square kernel; the padding is "same".
        activation: Activation of the output; see `keras.activations`.
        **kwargs: See `keras.layers.Layer`.

    Input: `(batch, height, width, channels)`.
    Output: `(batch, height, width, filters)`.

    References:
        Salimans and Kingma, Weight normalization, NIPS 2016, eq. 2. Without
        its data-dependent initialization.
    """

    def __init__(
        self,
        *,
        filters: int,
        kernel_size: int = 3,
        activation: str | Callable | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Shape) -> None:
        """Make direction, gain and bias."""
        size = self.kernel_size
        self.direction = self.add_weight(
            shape=(size, size, input_shape[-1], self.filters),
            initializer="glorot_uniform",
            autocast=False,
            name="direction",
        )
        self.gain = self.add_weight(
            shape=(self.filters,),
            initializer="ones",
            autocast=False,
            name="gain",
        )
        self.bias = self.add_weight(
            shape=(self.filters,), initializer="zeros", name="bias"
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Convolve `(batch, height, width, channels)`."""
        direction = ops.convert_to_tensor(self.direction)
        length = ops.sqrt(ops.sum(ops.square(direction), axis=(0, 1, 2)) + 1e-6)
        kernel = ops.cast(
            direction * (ops.convert_to_tensor(self.gain) / length),
            self.compute_dtype,
        )
        x = ops.conv(
            inputs, kernel, padding="same", data_format="channels_last"
        )
        return self.activation(x + self.bias)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return `(batch, height, width, filters)`."""
        return (*input_shape[:-1], self.filters)
