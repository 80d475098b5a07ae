"""The head of the paper's network: feature maps in, one saliency map out."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.resizing import resize_bilinear
from keras_saliency._utils.types import Shape, Tensor
from keras_saliency.layers.aspp import ASPP
from keras_saliency.layers.density_output import DensityOutput
from keras_saliency.layers.gaussian_smoothing import GaussianSmoothing
from keras_saliency.layers.recovering_relu import RecoveringReLU
from keras_saliency.layers.rms_scaling import RMSScaling

ACTIVATIONS = ("relu", "sigmoid", "density")
FEATURE_SCALINGS = ("rms", None)


@keras.saving.register_keras_serializable("keras_saliency.layers")
class SaliencyHead(SignatureConfig, keras.layers.Layer):
    """Shallow network of the paper's section 3.1, without a learned prior.

    The levels are resized to the size of the first and concatenated; a
    convolution reduces the channels; an ASPP gathers context; after dropout a
    1x1 convolution makes one map; a fixed Gaussian smooths it; the output
    activation comes last.

    Args:
        filters: Filters of the reducing convolution.
        kernel_size: Side of the kernels of the reducing convolution and of
            the ASPP's branches.
        depth: Filters of each branch of the ASPP.
        dilation_rates: Dilation rates of the branches of the ASPP.
        dropout: Rate of the dropout before the last convolution.
        smoothing_size: Side of the Gaussian's kernel in pixels of the map.
        smoothing_sigma: Standard deviation of the Gaussian in pixels of the
            map; `None` for no smoothing.
        activation: `"relu"`, or `"sigmoid"` for losses that take the map as
            probabilities. `"density"` is `DensityOutput`, whose learned blur
            and center bias take the place of the fixed Gaussian.
        feature_scaling: `"rms"` divides each level of each image by its root
            mean square (`RMSScaling`); `None` takes the features as they are.
        initial_value: Output before training, up to small noise, in (0, 1).
            It is near the mean of density maps, so that no loss begins with a
            step that makes the map zero. `None` for Keras' own initialization
            of the last convolution.
        recovery: Whether the ReLU keeps a gradient that would raise a zero
            (`RecoveringReLU`), so that a map of zeros can recover.
        **kwargs: See `keras.layers.Layer`.

    Input: a list of tensors `(batch, height, width, channels)`, or one.
    Output: float32 `(batch, height, width, 1)` of the first level's size, not
    negative; with `"sigmoid"` in (0, 1), with `"density"` of peak 1.

    Raises:
        ValueError: If `activation` or `feature_scaling` is unknown or
            `initial_value` not between 0 and 1.
    """

    def __init__(
        self,
        *,
        filters: int = 128,
        kernel_size: int = 3,
        depth: int = 32,
        dilation_rates: Sequence[int] = (1, 3, 6, 12),
        dropout: float = 0.25,
        smoothing_size: int = 5,
        smoothing_sigma: float | None = 1.0,
        activation: Literal["relu", "sigmoid", "density"] = "relu",
        feature_scaling: Literal["rms"] | None = "rms",
        initial_value: float | None = 0.1,
        recovery: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {ACTIVATIONS}, "
                f"received {activation!r}."
            )
        if feature_scaling not in FEATURE_SCALINGS:
            raise ValueError(
                f"feature_scaling must be one of {FEATURE_SCALINGS}, received "
                f"{feature_scaling!r}."
            )
        if initial_value is not None and not 0 < initial_value < 1:
            raise ValueError(
                "initial_value must be between 0 and 1, the range of maps, "
                f"received {initial_value!r}."
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.depth = depth
        self.dilation_rates = tuple(dilation_rates)
        self.dropout = dropout
        self.smoothing_size = smoothing_size
        self.smoothing_sigma = smoothing_sigma
        self.activation = activation
        self.feature_scaling = feature_scaling
        self.initial_value = initial_value
        self.recovery = recovery

        policy = self.dtype_policy
        self.scaling = (
            RMSScaling(dtype=policy) if feature_scaling == "rms" else None
        )
        self.reduction = keras.layers.Conv2D(
            filters,
            kernel_size,
            padding="same",
            activation="relu",
            data_format="channels_last",
            dtype=policy,
            name="reduction",
        )
        self.aspp = ASPP(
            depth=depth,
            dilation_rates=dilation_rates,
            kernel_size=kernel_size,
            dtype=policy,
            name="aspp",
        )
        self.drop = keras.layers.Dropout(dropout, dtype=policy)
        self.projection = keras.layers.Conv2D(
            1,
            1,
            **_initializers(initial_value, activation),
            data_format="channels_last",
            dtype="float32",
            name="projection",
        )
        self.smoothing = (
            None
            if smoothing_sigma is None or activation == "density"
            else GaussianSmoothing(
                size=smoothing_size, sigma=smoothing_sigma, dtype="float32"
            )
        )
        self.output_activation = _output(activation, recovery)

    def build(self, input_shape: Any) -> None:
        """Build the convolutions for the channels of the levels."""
        shapes = as_list_of_shapes(input_shape)
        first = shapes[0]
        shape: Shape = (*first[:-1], sum(s[-1] for s in shapes))
        self.reduction.build(shape)
        shape = (*first[:-1], self.filters)
        self.aspp.build(shape)
        shape = self.aspp.compute_output_shape(shape)
        self.projection.build(shape)
        self.output_activation.build((*first[:-1], 1))

    def call(
        self, inputs: Tensor | Sequence[Tensor], training: bool | None = None
    ) -> Tensor:
        """Return the map of a list of feature levels."""
        levels = as_list(inputs)
        if self.scaling is not None:
            levels = [self.scaling(level) for level in levels]
        size = ops.shape(levels[0])[1:3]
        levels = [
            level
            if index == 0 or _same_size(level, levels[0])
            else resize_bilinear(level, size)
            for index, level in enumerate(levels)
        ]
        x = ops.concatenate(levels, axis=-1)
        x = self.aspp(self.reduction(x))
        x = self.projection(self.drop(x, training=training))
        if self.smoothing is not None:
            x = self.smoothing(x)
        return self.output_activation(x)

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


def _same_size(level: Tensor, other: Tensor) -> bool:
    """Return whether two levels surely have the same height and width."""
    size = tuple(level.shape[1:3])
    return None not in size and size == tuple(other.shape[1:3])


def _output(activation, recovery):
    """Return the last layer."""
    if activation == "density":
        return DensityOutput(dtype="float32", name="density")
    if activation == "relu" and recovery:
        return RecoveringReLU(dtype="float32")
    return keras.layers.Activation(activation, dtype="float32")


def _initializers(value, activation):
    """Return those of the last convolution, for an output near `value`."""
    if value is None:
        return {}
    bias = value
    if activation == "sigmoid":
        bias = math.log(value / (1.0 - value))
    return {
        "kernel_initializer": keras.initializers.VarianceScaling(0.01),
        "bias_initializer": keras.initializers.Constant(bias),
    }


def as_list(inputs: Any) -> list[Tensor]:
    """Return a list of tensors, also of a single one."""
    return list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]


def as_list_of_shapes(shape: Any) -> list[Shape]:
    """Return a list of shapes, also of a single one."""
    single = not isinstance(shape[0], (list, tuple))
    return [tuple(shape)] if single else [tuple(s) for s in shape]
