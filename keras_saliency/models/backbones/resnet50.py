"""ResNet-50's convolutions, as published or dilated."""

import functools
from collections.abc import Sequence

import keras
from keras import layers

from keras_saliency.layers import ImageNetPreprocessing

# Of the four stages: filters of the narrow convolutions, and residual blocks.
FILTERS = (64, 128, 256, 512)
BLOCKS = (3, 4, 6, 3)
# Strides of the stages as published; and as SAM has them, dilated where they
# would halve a third time.
STRIDES = (1, 2, 2, 2)
DILATED_STRIDES = (1, 2, 1, 1)
# Of the network that the ImageNet weights come from.
EPSILON = 1.001e-5


def features(
    images: keras.KerasTensor,
    filters: Sequence[int] = FILTERS,
    blocks: Sequence[int] = BLOCKS,
    *,
    strides: Sequence[int] = DILATED_STRIDES,
    normalized: bool = True,
) -> tuple[list[keras.KerasTensor], list[keras.layers.Layer]]:
    """Apply the network without its last pooling.

    Args:
        images: Symbolic images, RGB in 0..255; the preprocessing (BGR minus
            the ImageNet mean) is the first step.
        filters: Filters of the narrow convolutions of the four stages.
        blocks: Number of residual blocks of the four stages.
        strides: Strides of the stages. Where the published network would
            halve and a stage does not, its convolutions are dilated.
        normalized: Whether there is batch normalization; without it the
            convolutions are to hold it (`folding.folded`).

    Returns:
        List of the outputs of the four stages, the last of `4 filters[3]`
        channels; and the list of layers with weights, whose names are those
        of `keras.applications`.
    """
    weighted: list[keras.layers.Layer] = []
    convolution = functools.partial(_convolution, weighted, normalized)
    x = ImageNetPreprocessing(architecture="resnet50")(images)
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = convolution(x, filters[0], 7, "conv1", strides=2)
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    outputs = []
    dilation = 1
    for stage, (count, width, halving, published) in enumerate(
        zip(blocks, filters, strides, STRIDES, strict=False), start=2
    ):
        dilation *= published // halving
        for block in range(1, count + 1):
            x = _residual(
                x,
                width,
                f"conv{stage}_block{block}",
                convolution,
                halving if block == 1 else 1,
                dilation,
                shortcut=block == 1,
            )
        outputs.append(x)
    return outputs, weighted


def _residual(x, width, name, convolution, strides, dilation, shortcut):
    y = convolution(x, width, 1, f"{name}_1", strides=strides)
    y = layers.ReLU(name=f"{name}_1_relu")(y)
    y = convolution(y, width, 3, f"{name}_2", dilation_rate=dilation)
    y = layers.ReLU(name=f"{name}_2_relu")(y)
    y = convolution(y, 4 * width, 1, f"{name}_3")
    if shortcut:
        x = convolution(x, 4 * width, 1, f"{name}_0", strides=strides)
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=f"{name}_out")(x)


def _convolution(weighted, normalized, x, filters, size, name, **options):
    layer = layers.Conv2D(
        filters,
        size,
        padding="same" if size == 3 else "valid",
        name=f"{name}_conv",
        **options,
    )
    weighted.append(layer)
    x = layer(x)
    if not normalized:
        return x
    norm = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")
    weighted.append(norm)
    return norm(x)
