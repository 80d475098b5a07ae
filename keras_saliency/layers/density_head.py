"""A light head that returns densities: feature maps in, one map out."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Shape, Tensor
from keras_saliency.layers.aspp import ASPP
from keras_saliency.layers.gaussian_smoothing import GaussianSmoothing
from keras_saliency.layers.rms_scaling import RMSScaling
from keras_saliency.layers.saliency_head import (
    as_list,
    as_list_of_shapes,
)


@keras.saving.register_keras_serializable("keras_saliency.layers")
class DensityHead(SignatureConfig, keras.layers.Layer):
    """Levels summed at the first one's size, context, and a density.

    Each level is scaled (`RMSScaling`) and brought to `filters` channels; they
    are resized to the size of the first and added to what the mean over the
    last level says of the whole image. A convolution and an ASPP follow. A 1x1
    convolution over both makes the logarithm of the density, to which a
    learned map of the place in the image is added; a fixed Gaussian smooths
    it. The output is its exponential, divided by its peak.

    Resizing after the 1x1 convolutions, not before, makes the head light: at
    384x512 on ResNet-50 it takes a twentieth of `SaliencyHead`'s operations.

    Args:
        filters: Channels of the sum and of the convolution after it.
        depth: Filters of each branch of the ASPP.
        dilation_rates: Dilation rates of the branches of the ASPP.
        dropout: Rate of the dropout before the last convolution.
        prior_size: `(height, width)` of the learned map of places.
        **kwargs: See `keras.layers.Layer`.

    Input: a list of tensors `(batch, height, width, channels)`, or one.
    Output: float32 `(batch, height, width, 1)` of the first level's size, in
    (0, 1], its peak 1.

    Raises:
        ValueError: If a number is not positive.
    """

    def __init__(
        self,
        *,
        filters: int = 128,
        depth: int = 32,
        dilation_rates: Sequence[int] = (1, 3, 6, 12),
        dropout: float = 0.1,
        prior_size: Sequence[int] = (12, 16),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        name = type(self).__name__
        self.filters = whole_number(name, "filters", filters)
        self.depth = whole_number(name, "depth", depth)
        self.dilation_rates = tuple(dilation_rates)
        self.dropout = dropout
        self.prior_size = tuple(
            whole_number(name, "prior_size", side) for side in prior_size
        )
        policy = self.dtype_policy
        self.scaling = RMSScaling(dtype=policy)
        self.laterals: list[keras.layers.Layer] = []
        self.context = keras.layers.Dense(filters, dtype=policy, name="context")
        self.fusion = keras.layers.Conv2D(
            filters,
            3,
            padding="same",
            activation="relu",
            data_format="channels_last",
            dtype=policy,
            name="fusion",
        )
        self.aspp = ASPP(
            depth=depth,
            dilation_rates=dilation_rates,
            dtype=policy,
            name="aspp",
        )
        self.drop = keras.layers.Dropout(dropout, dtype=policy)
        self.projection = keras.layers.Conv2D(
            1,
            1,
            kernel_initializer=keras.initializers.VarianceScaling(0.01),
            data_format="channels_last",
            dtype="float32",
            name="projection",
        )
        self.smoothing = GaussianSmoothing(dtype="float32", name="smoothing")

    def build(self, input_shape: Any) -> None:
        """Build the layers for the channels of the levels."""
        shapes = as_list_of_shapes(input_shape)
        self.laterals = [
            keras.layers.Conv2D(
                self.filters,
                1,
                use_bias=index == 0,
                data_format="channels_last",
                dtype=self.dtype_policy,
                name=f"lateral_{index + 1}",
            )
            for index in range(len(shapes))
        ]
        for lateral, level in zip(self.laterals, shapes, strict=True):
            lateral.build(level)
        self.context.build((None, shapes[-1][-1]))
        shape: Shape = (*shapes[0][:-1], self.filters)
        self.fusion.build(shape)
        self.aspp.build(shape)
        channels = self.filters + self.depth * len(self.dilation_rates)
        self.projection.build((*shape[:-1], channels))
        self.prior = self.add_weight(
            shape=(1, *self.prior_size, 1),
            initializer="zeros",
            dtype="float32",
            name="prior",
        )

    def call(
        self, inputs: Tensor | Sequence[Tensor], training: bool | None = None
    ) -> Tensor:
        """Return the map of a list of feature levels."""
        levels = [self.scaling(level) for level in as_list(inputs)]
        size = tuple(ops.shape(levels[0])[1:3])
        x = self.context(ops.mean(levels[-1], axis=(1, 2), keepdims=True))
        for level, lateral in zip(levels, self.laterals, strict=True):
            x = x + _resized(lateral(level), size)
        x = self.fusion(ops.relu(x))
        x = ops.concatenate([x, self.aspp(x)], axis=-1)
        x = self.projection(self.drop(x, training=training))
        prior = ops.convert_to_tensor(self.prior, dtype="float32")
        x = self.smoothing(x + _resized(prior, size))
        return ops.exp(x - ops.max(x, axis=(1, 2, 3), keepdims=True))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return `(batch, height, width, 1)` of the first level."""
        return (*as_list_of_shapes(input_shape)[0][:-1], 1)

    def compute_output_spec(
        self, inputs: Tensor | Sequence[Tensor], training: bool | None = None
    ) -> keras.KerasTensor:
        """Return a float32 tensor, whatever the precision of the layers."""
        shapes = [level.shape for level in as_list(inputs)]
        shape = self.compute_output_shape(shapes)
        return keras.KerasTensor(shape, dtype="float32")


def _resized(level, size):
    if tuple(level.shape[1:3]) == size:
        return level
    return ops.image.resize(
        level, size, interpolation="bilinear", data_format="channels_last"
    )
