"""Networks of KerasHub as backbones."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_saliency._utils import optional


def hub_backbone(
    backbone: Any,
    *,
    converter: Any = None,
    levels: Sequence[str] = ("P3", "P4", "P5"),
) -> keras.Model:
    """Return a network of KerasHub as what `backbone=` takes.

    Args:
        backbone: The name or the folder of a preset, such as
            `"resnet_50_imagenet"`, which KerasHub downloads; or a
            `keras_hub.models.Backbone` that has pyramid outputs.
        converter: The `keras_hub.layers.ImageConverter` whose scale and offset
            images in 0..255 get. Defaults to the preset's; for a backbone that
            is no preset images are left as they are.
        levels: Names of the pyramid's outputs, the finest first; `"P3"` is at
            1/8 of the image's height and width, `"P4"` at 1/16.

    Returns:
        A frozen `keras.Model` from images `(batch, height, width, 3)`, RGB in
            0..255, of any size, to a list of features. A file of a model with
            it is read after `import keras_hub`.

    Raises:
        NotInstalledError: If KerasHub is not installed.
        ValueError: If the network has no pyramid, or not these levels, or
            takes images with the channels first.
    """
    if isinstance(backbone, str):
        library = optional.load("keras_hub", "hub_backbone")
        if converter is None:
            converter = library.layers.ImageConverter.from_preset(backbone)
        backbone = library.models.Backbone.from_preset(backbone)
    pyramid = getattr(backbone, "pyramid_outputs", None)
    if not pyramid:
        raise ValueError(
            "backbone must be a network of KerasHub that has pyramid outputs, "
            f"such as ResNetBackbone; received {type(backbone).__name__}."
        )
    missing = [level for level in levels if level not in pyramid]
    if missing or not levels:
        raise ValueError(
            f"The pyramid of {backbone.name} has the levels "
            f"{', '.join(pyramid)}; received levels={list(levels)!r}."
        )
    if getattr(backbone, "data_format", None) == "channels_first":
        raise ValueError(
            f"{backbone.name} takes images with the channels first; make it "
            'with data_format="channels_last".'
        )
    images = keras.Input((None, None, 3), name="images")
    x = images
    if converter is not None:
        x = keras.layers.Rescaling(
            _numbers(converter.scale, 1.0),
            offset=_numbers(converter.offset, 0.0),
            name="to_network_range",
        )(images)
    network = keras.Model(backbone.inputs, [pyramid[level] for level in levels])
    model = keras.Model(images, network(x), name=f"{backbone.name}_features")
    model.trainable = False
    return model


def _numbers(value: Any, default: float) -> Any:
    """Return a number, or a list of one for each channel."""
    if value is None:
        return default
    return list(value) if isinstance(value, Sequence) else value
