"""VGG-16's convolutions with the strides of other systems."""

import keras
from keras import layers

from keras_saliency.models import backbones

FILTERS = (64, 128, 256, 512, 512)
_CONVOLUTIONS = (2, 2, 3, 3, 3)


def check(input_shape, least, filters, frozen_blocks, weights, own=FILTERS):
    """Refuse arguments that the models built on a backbone cannot take.

    Args:
        input_shape: Argument of the model.
        least: Smallest side of the pictures.
        filters: Argument of the model.
        frozen_blocks: Argument of the model.
        weights: Argument `backbone_weights` of the model.
        own: The filters that such weights are for.

    Raises:
        ValueError: If one is none of what the model's docstring allows.
    """
    if (
        len(input_shape) != 3
        or input_shape[2] != 3
        or any(side is None or side < least for side in input_shape[:2])
    ):
        raise ValueError(
            f"input_shape must be (height, width, 3) with sides of at least "
            f"{least}, received {tuple(input_shape)}."
        )
    if len(filters) != len(own):
        raise ValueError(
            f"filters must be {len(own)} numbers, received {tuple(filters)}."
        )
    if frozen_blocks not in range(6):
        raise ValueError(
            f"frozen_blocks must be one of 0 to 5, received {frozen_blocks}."
        )
    if weights is not None and tuple(filters) != own:
        raise ValueError(
            f"backbone_weights={weights!r} are for the filters {own}, not for "
            f"{tuple(filters)}. Give backbone_weights=None for random ones."
        )


def features(images, filters, same_pools=(), dilation=1):
    """The thirteen convolutions, 8 pixels of the picture to a feature.

    The first three poolings halve, the fourth takes the largest of 2x2 at
    each place, and there is no fifth.

    Args:
        images: Symbolic pictures, RGB in 0..255; the preprocessing (BGR minus
            the ImageNet mean) is the first step.
        filters: Of the five blocks.
        same_pools: Numbers of the poolings that halve with padding; see
            `pool`.
        dilation: Of the fifth block.

    Returns:
        Dictionary of the blocks' last tensors by name (`block3_pool`, ...,
        `block5_conv3`), and the list of convolutions.
    """
    x = keras.applications.vgg16.preprocess_input(images)
    tensors, convolutions = {}, []
    for block, (count, width) in enumerate(
        zip(_CONVOLUTIONS, filters, strict=True), start=1
    ):
        for index in range(1, count + 1):
            layer = layers.Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                dilation_rate=dilation if block == 5 else 1,
                name=f"block{block}_conv{index}",
            )
            convolutions.append(layer)
            x = tensors[layer.name] = layer(x)
        if block < 5:
            name = f"block{block}_pool"
            if block == 4:
                x = pool(x, 1, name)
            elif block in same_pools:
                x = pool(x, 2, name)
            else:
                x = layers.MaxPooling2D(2, name=name)(x)
            tensors[name] = x
    return tensors, convolutions


def pool(x, strides, name):
    """Largest of 2x2, padded as the authors' Theano pads it.

    It adds a row above and a column to the left, which TensorFlow adds below
    and to the right: with their weights that would shift all features by one
    place. The values are not negative, so the padding's zeros do not show.
    """
    x = layers.ZeroPadding2D(((1, 0), (1, 0)), name=f"{name}_pad")(x)
    return layers.MaxPooling2D(2, strides=strides, name=name)(x)


def load(convolutions, weights):
    """Give convolutions of VGG-16's sizes its weights.

    Args:
        convolutions: As `features` returns them.
        weights: `"imagenet"`, the path of a file, or `None` to do nothing.

    Raises:
        ValueError: If there is no such file.
    """
    if weights is None:
        return
    extractor, _ = backbones.build(
        "vgg16", (32, 32, 3), weights, ["block5_conv3"]
    )
    vgg16 = extractor.layers[-1]
    for layer in convolutions:
        layer.set_weights(vgg16.get_layer(layer.name).get_weights())


def freeze(convolutions, blocks):
    """Make the convolutions of the first `blocks` blocks untrainable."""
    for layer in convolutions[: sum(_CONVOLUTIONS[:blocks])]:
        layer.trainable = False
