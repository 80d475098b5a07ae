"""ResNet-50's convolutions, dilated where they would halve a third time."""

from collections.abc import Sequence

import keras
from keras import layers

# Of the four stages: filters of the narrow convolutions, and residual blocks.
FILTERS = (64, 128, 256, 512)
BLOCKS = (3, 4, 6, 3)
_STRIDES = (1, 2, 1, 1)
_DILATIONS = (1, 1, 2, 4)
# Of the network that the ImageNet weights come from.
EPSILON = 1.001e-5


def features(
    images: keras.KerasTensor, filters: Sequence[int], blocks: Sequence[int]
) -> tuple[keras.KerasTensor, list[keras.layers.Layer]]:
    """Apply the network without its last pooling, 8 pixels to a feature.

    Args:
        images: Symbolic images, RGB in 0..255; the preprocessing (BGR minus
            the ImageNet mean) is the first step.
        filters: Filters of the narrow convolutions of the four stages.
        blocks: Number of residual blocks of the four stages.

    Returns:
        Symbolic tensor of `4 filters[3]` channels, and the list of layers
        with weights, whose names are those of `keras.applications`.
    """
    weighted: list[keras.layers.Layer] = []
    x = keras.applications.resnet.preprocess_input(images)
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = _normalized(x, filters[0], 7, "conv1", weighted, strides=2)
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stage, (count, width, strides, dilation) in enumerate(
        zip(blocks, filters, _STRIDES, _DILATIONS, strict=True), start=2
    ):
        for block in range(1, count + 1):
            x = _residual(
                x,
                width,
                f"conv{stage}_block{block}",
                weighted,
                strides if block == 1 else 1,
                dilation,
                shortcut=block == 1,
            )
    return x, weighted


def _residual(x, width, name, weighted, strides, dilation, shortcut):
    y = _normalized(x, width, 1, f"{name}_1", weighted, strides=strides)
    y = layers.ReLU(name=f"{name}_1_relu")(y)
    y = _normalized(y, width, 3, f"{name}_2", weighted, dilation_rate=dilation)
    y = layers.ReLU(name=f"{name}_2_relu")(y)
    y = _normalized(y, 4 * width, 1, f"{name}_3", weighted)
    if shortcut:
        x = _normalized(x, 4 * width, 1, f"{name}_0", weighted, strides=strides)
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=f"{name}_out")(x)


def _normalized(x, filters, size, name, weighted, **options):
    layer = layers.Conv2D(
        filters,
        size,
        padding="same" if size == 3 else "valid",
        name=f"{name}_conv",
        **options,
    )
    norm = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")
    weighted += [layer, norm]
    return norm(layer(x))
