"""The largest of each group of features."""

from typing import Any

import keras
from keras import ops

from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_saliency.layers")
class Maxout(SignatureConfig, keras.layers.Layer):
    """Maximum of each `pool_size` consecutive features of the last axis.

    Args:
        pool_size: Number of features in a group, at least 1.
        **kwargs: See `keras.layers.Layer`.

    Input: `(..., features)`, their number divisible by `pool_size`.
    Output: `(..., features // pool_size)`.

    Raises:
        ValueError: If `pool_size` is not a whole number, at least 1, or does
            not divide the number of features.

    References:
        Goodfellow et al., Maxout networks, ICML 2013.
    """

    def __init__(self, *, pool_size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size = whole_number("Maxout", "pool_size", pool_size)

    def build(self, input_shape: Shape) -> None:
        """Check that the features divide into groups."""
        if input_shape[-1] % self.pool_size:
            raise ValueError(
                f"Maxout: {input_shape[-1]} features do not divide into "
                f"groups of {self.pool_size}."
            )

    def call(self, inputs: Tensor) -> Tensor:
        """Take the largest of each group."""
        shape = ops.shape(inputs)
        groups = inputs.shape[-1] // self.pool_size
        return ops.max(
            ops.reshape(inputs, (*shape[:-1], groups, self.pool_size)), axis=-1
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return `(..., features // pool_size)`."""
        return (*input_shape[:-1], input_shape[-1] // self.pool_size)
