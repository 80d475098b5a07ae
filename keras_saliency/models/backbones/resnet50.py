"""ResNet-50's convolutions, dilated where they would halve a third time."""

import keras
from keras import layers

from keras_saliency.models import backbones

FILTERS = (64, 128, 256, 512)
BLOCKS = (3, 4, 6, 3)
# Of the four stages.
_STRIDES = (1, 2, 1, 1)
_DILATIONS = (1, 1, 2, 4)
# Of the network that the ImageNet weights come from.
EPSILON = 1.001e-5


def check(blocks, weights):
    """Refuse numbers of blocks that no network or weights file can have.

    Raises:
        ValueError: If so.
    """
    if len(blocks) != 4 or min(blocks) < 1:
        raise ValueError(
            "blocks must be four numbers, at least 1, "
            f"received {tuple(blocks)}."
        )
    if weights is not None and tuple(blocks) != BLOCKS:
        raise ValueError(
            f"backbone_weights={weights!r} are for the blocks {BLOCKS}, not "
            f"for {tuple(blocks)}. Give backbone_weights=None for random ones."
        )


def features(images, filters, blocks):
    """The network without its last pooling, 8 pixels to a feature.

    Args:
        images: Symbolic pictures, RGB in 0..255; the preprocessing (BGR minus
            the ImageNet mean) is the first step.
        filters: Of the four stages' narrow convolutions.
        blocks: Residual blocks of the four stages.

    Returns:
        Symbolic tensor of `4 filters[3]` channels, and the list of layers
        with weights, whose names are those of `keras.applications`.
    """
    weighted = []
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


def load(weighted, weights):
    """Give layers of ResNet-50's sizes its weights.

    Args:
        weighted: As `features` returns them.
        weights: `"imagenet"`, the path of a file, or `None` to do nothing.

    Raises:
        ValueError: If there is no such file.
    """
    if weights is None:
        return
    extractor, _ = backbones.build(
        "resnet50", (32, 32, 3), weights, ["conv5_block3_out"]
    )
    resnet50 = extractor.layers[-1]
    for layer in weighted:
        layer.set_weights(resnet50.get_layer(layer.name).get_weights())


def freeze(weighted, blocks, normalization):
    """Make the first `blocks` stages untrainable, and all normalizations.

    Args:
        weighted: As `features` returns them.
        blocks: Number of stages, the first convolution counted as one.
        normalization: Whether to freeze all normalizations.
    """
    stages = {f"conv{stage}" for stage in range(1, blocks + 1)}
    for layer in weighted:
        norm = isinstance(layer, layers.BatchNormalization)
        if layer.name.split("_")[0] in stages or (norm and normalization):
            layer.trainable = False
