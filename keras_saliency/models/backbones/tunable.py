"""Backbones whose stages can train, without batch normalization."""

from collections.abc import Sequence

import keras

from keras_saliency._utils.types import PathName
from keras_saliency.models.backbones import (
    efficientnet_lite,
    resnet50,
    vgg16,
)
from keras_saliency.models.backbones.build import build
from keras_saliency.models.backbones.folding import folded

# Of each backbone, the stages whose outputs are the levels, and of VGG-16 the
# names of these outputs.
_RESNET_LEVELS = (2, 3, 4)
_VGG_LEVELS = {3: "block3_pool", 4: "block4_pool", 5: "block5_conv3"}
NAMES = ("resnet50", "vgg16", *efficientnet_lite.VARIANTS)
# The last layers at 1/2, 1/4, 1/8, 1/16 and, but for VGG-16, 1/32.
_ALL_LEVELS = {
    "resnet50": (
        "conv1_relu",
        "conv2_block3_out",
        "conv3_block4_out",
        "conv4_block6_out",
        "conv5_block3_out",
    ),
    "vgg16": (
        *(f"block{block}_pool" for block in (1, 2, 3, 4)),
        "block5_conv3",
    ),
    **{
        variant: efficientnet_lite.level_names(variant, (1, 2, 3, 5, 7))
        for variant in efficientnet_lite.VARIANTS
    },
}


def features(
    images: keras.KerasTensor,
    name: str,
    weights: PathName | None,
    frozen_stages: int,
    levels: int,
) -> list[keras.KerasTensor]:
    """Apply a backbone up to its last level.

    Args:
        images: Symbolic images, RGB in 0..255.
        name: One of `NAMES`.
        weights: `"imagenet"`, the path of a weights file, or `None`.
        frozen_stages: Number of stages that do not train, from the first.
        levels: Number of levels, 1 to 3.

    Returns:
        List of symbolic tensors, at 1/8, 1/16, ... of the image's size.

    Raises:
        ValueError: If there is no such backbone or weights file, or a number
            is impossible.
    """
    if name not in NAMES:
        raise ValueError(
            f"The backbone must be one of {', '.join(NAMES)}, received "
            f"{name!r}."
        )
    if levels not in (1, 2, 3):
        raise ValueError(f"levels must be 1, 2 or 3, received {levels!r}.")
    make = {"resnet50": _resnet50, "vgg16": _vgg16}.get(name, _lite)
    tensors, layers, stages = make(images, name, levels)
    if frozen_stages not in range(stages + 1):
        raise ValueError(
            f"frozen_stages must be 0 to {stages}, the stages of {name} up to "
            f"the level {levels}, received {frozen_stages!r}."
        )
    if weights is not None:
        _set_weights(layers, name, weights)
    for layer in layers:
        if stage_of(layer.name) <= frozen_stages and frozen_stages:
            layer.trainable = False
    return tensors


def pyramid(
    input_shape: Sequence[int],
    name: str,
    weights: PathName | None,
    frozen_stages: int,
    title: str,
) -> keras.Model:
    """Return a backbone with five levels, as a model of its own.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255.
        name: One of `NAMES`.
        weights: As for `features`.
        frozen_stages: As for `features`.
        title: Name of the model.

    Returns:
        A model from images to a list of five tensors, at 1/2, 1/4, 1/8, 1/16
        and 1/32 (of VGG-16 1/16 again) of the image's size.

    Raises:
        ValueError: As for `features`.
    """
    images = keras.Input(tuple(input_shape), name=f"{title}_images")
    *_, last = features(images, name, weights, frozen_stages, 3)
    whole = keras.Model(images, last)
    levels = [whole.get_layer(layer).output for layer in _ALL_LEVELS[name]]
    return keras.Model(images, levels, name=title)


def stage_of(name: str) -> int:
    """Return the stage that a layer of a backbone belongs to, 0 for the stem.

    Args:
        name: Name of the layer: `conv2_block1_1_conv`, `block1_conv1` or
            `stage3_block1_expand`.
    """
    number = int("".join(filter(str.isdigit, name.split("_")[0])))
    # ResNet-50's stem is conv1, its first stage conv2.
    return number - name.startswith("conv")


def _resnet50(images, name, levels):
    last = _RESNET_LEVELS[levels - 1]
    tensors, layers = resnet50.features(
        images,
        resnet50.FILTERS[:last],
        resnet50.BLOCKS[:last],
        strides=resnet50.STRIDES[:last],
        normalized=False,
    )
    return [tensors[n - 1] for n in _RESNET_LEVELS[:levels]], layers, last


def _lite(images, name, levels):
    last = efficientnet_lite.LEVELS[levels - 1]
    tensors, layers = efficientnet_lite.features(images, name, last)
    return (
        [tensors[n - 1] for n in efficientnet_lite.LEVELS[:levels]],
        layers,
        last,
    )


def _vgg16(images, name, levels):
    tensors, layers = vgg16.features(images, vgg16.FILTERS, halvings=4)
    last = 2 + levels
    outputs = [tensors[_VGG_LEVELS[n]] for n in range(3, last + 1)]
    return outputs, [n for n in layers if stage_of(n.name) <= last], last


def _set_weights(
    layers: Sequence[keras.layers.Layer], name: str, weights: PathName
) -> None:
    """Give layers the weights of a file, normalizations folded in."""
    if name in efficientnet_lite.VARIANTS:
        efficientnet_lite.set_weights(layers, name, weights)
        return
    extractor, _ = build(name, (32, 32, 3), weights)
    source = extractor.layers[-1]
    for layer in layers:
        values = source.get_layer(layer.name).get_weights()
        if name == "resnet50":
            norm = source.get_layer(layer.name.replace("_conv", "_bn"))
            kernel, bias = values
            values = folded(kernel, bias, norm.get_weights(), resnet50.EPSILON)
        layer.set_weights(values)
