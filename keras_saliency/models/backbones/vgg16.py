"""VGG's convolutions with the strides of other systems."""

from collections.abc import Collection, Sequence

import keras
from keras import layers

from keras_saliency.layers import ImageNetPreprocessing

FILTERS = (64, 128, 256, 512, 512)
# Number of convolutions of each block, of VGG-16 and of VGG-19.
CONVOLUTIONS = (2, 2, 3, 3, 3)
VGG19_CONVOLUTIONS = (2, 2, 4, 4, 4)


def features(
    images: keras.KerasTensor,
    filters: Sequence[int],
    *,
    halvings: int = 3,
    same_pools: Collection[int] = (),
    dilation: int = 1,
    convolutions: Sequence[int] = CONVOLUTIONS,
    linear: Collection[str] = (),
) -> tuple[dict[str, keras.KerasTensor], list[keras.layers.Layer]]:
    """Apply the convolutions and four poolings; there is no fifth.

    Args:
        images: Symbolic images, RGB in 0..255; the preprocessing (BGR minus
            the ImageNet mean) is the first step.
        filters: Filters of the five blocks.
        halvings: Number of poolings that halve, from the first. The others
            take the largest of 2x2 at each place.
        same_pools: Numbers of the poolings that halve with padding; see
            `pool`.
        dilation: Dilation rate of the fifth block.
        convolutions: Number of convolutions of each block.
        linear: Names of convolutions whose ReLU is a layer of its own, so that
            their values before it are among the tensors (`block5_conv1`, and
            after it `block5_relu1`).

    Returns:
        Dictionary of the tensors of convolutions and poolings by name
        (`block3_pool`, ..., `block5_conv3`), and the list of convolutions,
        whose names are those of `keras.applications`.
    """
    x = ImageNetPreprocessing(architecture="vgg16")(images)
    tensors, weighted = {}, []
    for block, (count, width) in enumerate(
        zip(convolutions, filters, strict=True), start=1
    ):
        for index in range(1, count + 1):
            name = f"block{block}_conv{index}"
            layer = layers.Conv2D(
                width,
                3,
                padding="same",
                activation=None if name in linear else "relu",
                dilation_rate=dilation if block == 5 else 1,
                name=name,
            )
            weighted.append(layer)
            x = tensors[name] = layer(x)
            if name in linear:
                name = f"block{block}_relu{index}"
                x = tensors[name] = layers.ReLU(name=name)(x)
        if block < 5:
            name = f"block{block}_pool"
            if block > halvings:
                x = pool(x, 1, name)
            elif block in same_pools:
                x = pool(x, 2, name)
            else:
                x = layers.MaxPooling2D(2, name=name)(x)
            tensors[name] = x
    return tensors, weighted


def pool(x: keras.KerasTensor, strides: int, name: str) -> keras.KerasTensor:
    """Take the largest of 2x2, padded as Theano pads.

    It adds a row above and a column to the left, which TensorFlow adds below
    and to the right: with weights trained on Theano that would shift all
    features by one place. The values are not negative, so the zeros of the
    padding do not show.
    """
    x = layers.ZeroPadding2D(((1, 0), (1, 0)), name=f"{name}_pad")(x)
    return layers.MaxPooling2D(2, strides=strides, name=name)(x)
