"""A small network for images on a CPU, without a pretrained backbone."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_saliency import losses
from keras_saliency.layers import GaussianSmoothing
from keras_saliency.models.arguments import ConfiguredModel, check_input_shape
from keras_saliency.models.base import SaliencyModel


@keras.saving.register_keras_serializable("keras_saliency.models")
class FastNet(ConfiguredModel, SaliencyModel):
    """Five strided stages with residuals, gathered at an eighth of the size.

    It is trained to give the maps of a larger model (`examples/distil.py`);
    the model that `keras_saliency.predict` uses by default is one. The last
    activation is a sigmoid; there is no learned prior.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255,
            divisible by 8. The preprocessing is inside the model.
        filters: Filters of the stages at 1/2, 1/4, 1/8, 1/16 and 1/32 of the
            size.
        depth: Filters of each stage where they are gathered.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Raises:
        ValueError: If `input_shape` is impossible.
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (240, 320, 3),
        *,
        filters: Sequence[int] = (16, 32, 64, 96, 128),
        depth: int = 48,
        name: str = "fast_net",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=8, multiple=8)
        images = keras.Input(tuple(input_shape), name="images")
        x = layers.Rescaling(1 / 127.5, offset=-1.0, name="to_unit_range")(
            images
        )
        stages = []
        for index, count in enumerate(filters):
            x = _convolution(x, count, f"stage{index + 1}_down", strides=2)
            if index >= 2:
                x = _residual(x, count, f"stage{index + 1}")
                stages.append(x)
        size = stages[0].shape[1:3]
        gathered = []
        for index, stage in enumerate(stages):
            reduced = _convolution(stage, depth, f"gather{index + 3}", 1)
            if index:
                reduced = _resized(reduced, size)
            gathered.append(reduced)
        x = layers.Concatenate(name="gathered")(gathered)
        x = _convolution(x, depth, "fuse", 3)
        x = layers.Conv2D(1, 1, dtype="float32", name="projection")(x)
        x = GaussianSmoothing(dtype="float32", name="smoothing")(x)
        saliency = layers.Activation(
            "sigmoid", dtype="float32", name="saliency"
        )(x)
        super().__init__(images, saliency, name=name, trainable=trainable)
        self.filters = tuple(filters)
        self.depth = depth

    def recommended_loss(self) -> keras.losses.Loss:
        """Return 10 KLD + 2 CC + NSS, the terms of LC1 that need no prior."""
        return losses.get("KLD + CC + NSS")

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return Adam at 1e-3."""
        return keras.optimizers.Adam(1e-3)


def _convolution(x, filters, name, kernel_size=3, strides=1, activation=True):
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        name=name,
    )(x)
    x = layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if activation else x


def _residual(x, filters, name):
    y = _convolution(x, filters, f"{name}_conv1")
    y = _convolution(y, filters, f"{name}_conv2", activation=False)
    y = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=f"{name}_out")(y)


def _resized(x, size):
    return keras.ops.image.resize(
        x, size, interpolation="bilinear", data_format="channels_last"
    )
