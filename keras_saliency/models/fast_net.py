"""A small network for pictures on a CPU, without a pretrained backbone."""

import keras
from keras import layers

from keras_saliency.layers import GaussianSmoothing
from keras_saliency.losses import (
    CorrelationCoefficient,
    KLDivergence,
    NormalizedScanpathSaliency,
)
from keras_saliency.models.base import ConfiguredModel


@keras.saving.register_keras_serializable("keras_saliency.models")
class FastNet(ConfiguredModel):
    """Five strided stages with residuals, gathered at an eighth of the size.

    It is trained to give the maps of a larger model (`examples/distil.py`);
    the model that `keras_saliency.predict` uses by default is one. The last
    activation is a sigmoid; there is no learned prior.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255,
            divisible by 8. The preprocessing is inside the model.
        filters: Of the stages at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size.
        depth: Filters of each stage where they are gathered.
        name: Of the model.
        trainable: Whether the weights train.

    Raises:
        ValueError: If `input_shape` is none of the above.
    """

    def __init__(
        self,
        input_shape=(240, 320, 3),
        filters=(16, 32, 64, 96, 128),
        depth=48,
        name="fast_net",
        trainable=True,
    ):
        height, width, channels = input_shape
        if channels != 3 or height % 8 or width % 8:
            raise ValueError(
                "input_shape must be (height, width, 3) with sides divisible "
                f"by 8, received {tuple(input_shape)}."
            )
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
        super().__init__(images, saliency, name=name)
        if not trainable:
            self.trainable = False
        self._config = {
            "input_shape": list(input_shape),
            "filters": list(filters),
            "depth": depth,
        }

    def recommended_loss(self):
        """10 KLD + 2 CC + NSS, the paper's combination without its priors."""
        return (
            10 * KLDivergence()
            + 2 * CorrelationCoefficient()
            + NormalizedScanpathSaliency()
        )

    def recommended_optimizer(self):
        """Adam at 1e-3."""
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
