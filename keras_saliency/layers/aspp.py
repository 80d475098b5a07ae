"""Atrous spatial pyramid pooling."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.initializers import fresh
from keras_saliency._utils.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_saliency.layers")
class ASPP(SignatureConfig, keras.layers.Layer):
    """Parallel dilated convolutions of one input, concatenated.

    Args:
        depth: Filters of each branch.
        dilation_rates: Dilation rate of each branch; one branch per rate.
        kernel_size: Side of the kernels.
        activation: Activation of each branch.
        kernel_initializer: Initializer of each branch's kernel.
        **kwargs: See `keras.layers.Layer`.

    Input: `(batch, height, width, channels)`. Output: `(batch, height,
    width, depth * len(dilation_rates))`, the branches in the order given.

    Raises:
        ValueError: If there is no dilation rate.

    References:
        Chen et al., DeepLab, TPAMI 2018; the paper's section 3.1: 3x3, depth
        32, rates 1, 3, 6, 12.
    """

    def __init__(
        self,
        *,
        depth: int = 32,
        dilation_rates: Sequence[int] = (1, 3, 6, 12),
        kernel_size: int = 3,
        activation: str | Callable | None = "relu",
        kernel_initializer: Any = "he_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.depth = depth
        self.dilation_rates = tuple(dilation_rates)
        if not self.dilation_rates:
            raise ValueError("ASPP: dilation_rates is empty.")
        self.kernel_size = kernel_size
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.branches = [
            keras.layers.Conv2D(
                depth,
                kernel_size,
                padding="same",
                dilation_rate=rate,
                activation=self.activation,
                # An initializer draws the same numbers each time: each
                # branch needs one of its own.
                kernel_initializer=fresh(self.kernel_initializer),
                data_format="channels_last",
                dtype=self.dtype_policy,
                name=f"branch_{i}_rate_{rate}",
            )
            for i, rate in enumerate(self.dilation_rates)
        ]

    def build(self, input_shape: Shape) -> None:
        """Build the branches."""
        for branch in self.branches:
            branch.build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """Apply all branches to `(batch, height, width, channels)`."""
        return ops.concatenate(
            [branch(inputs) for branch in self.branches], axis=-1
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return `(batch, height, width, depth * branches)`."""
        return (*input_shape[:-1], self.depth * len(self.dilation_rates))
