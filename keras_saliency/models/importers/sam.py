"""SAM's and ML-Net's released weights, HDF5 files of Keras 1 on Theano."""

from typing import Any

import numpy as np
from keras import layers

from keras_saliency._utils.types import PathName
from keras_saliency.models.importers import _files, _keras1
from keras_saliency.models.ml_net import MLNet
from keras_saliency.models.sam import SAM

# Order of the ConvLSTM's convolutions in the file, and of its gates here.
_GATES = ("i", "f", "c", "o")
_CONVOLUTIONS = ("W_a", "U_a", "V_a") + tuple(
    f"{kind}_{gate}" for gate in _GATES for kind in "WU"
)
# Those that see the features; the others see the hidden state.
_SEES_INPUT = ("U_a", *(f"W_{gate}" for gate in _GATES))
# Numbers of ResNet-50's branches in `keras.applications`, and in the file.
_BRANCHES = {"0": "1", "1": "2a", "2": "2b", "3": "2c"}


def load_sam_weights(
    model: SAM,
    path: PathName,
    *,
    flip_filters: bool = True,
    epsilon: float = 1e-5,
) -> SAM:
    """Load the authors' weights of SAM (`sam-vgg_salicon_weights.pkl` etc.).

    The file is no pickle, in spite of its name.

    Args:
        model: A `SAMVGG` or `SAMResNet`. Its input may have any size.
        path: The file.
        flip_filters: Whether the kernels are to be turned by 180 degrees.
            Keras 1 on Theano, which the authors used, turns each kernel
            before it applies it, Keras 3 none. `False` is for files that
            have been converted.
        epsilon: Epsilon of the batch normalizations of SAM-ResNet where the
            file was made; 1e-5 in the authors' Keras 1.1.0, 1e-3 from Keras
            1.2. It becomes part of the variances.

    See `models.importers` for what is returned and raised.
    """
    targets: dict[str, list[Any]] = {}
    for layer in model.layers:
        if layer.weights:
            targets.setdefault(_sam_name(layer.name), []).append(layer)
    what = f"SAM ({type(model).__name__})"
    _load(path, targets, what, flip_filters, epsilon)
    return model


def load_ml_net_weights(
    model: MLNet, path: PathName, *, flip_filters: bool = True
) -> MLNet:
    """Load the authors' weights of ML-Net (`mlnet_salicon_weights.pkl`).

    The file is no pickle, in spite of its name.

    Args:
        model: An `MLNet`, of the input size that the prior in the file is
            for, the authors' 480x640.
        path: The file.
        flip_filters: As for `load_sam_weights`.

    See `models.importers` for what is returned and raised.
    """
    targets = {
        "convolution2d": [
            layer for layer in model.layers if isinstance(layer, layers.Conv2D)
        ],
        "eltwiseproduct": [model.get_layer("prior")],
    }
    _load(path, targets, "ML-Net", flip_filters)
    return model


def _sam_name(name):
    """Return the name, or kind, in the file of a layer of ours."""
    if name == "attentive_conv_lstm":
        return "attentiveconvlstm"
    if name.startswith("prior"):
        maps = name.endswith("_maps")
        return "learningprior" if maps else "atrousconvolution2d"
    if name in ("features", "projection"):
        return "convolution2d"
    if name.startswith("block"):
        return name
    stage, *middle, kind = name.split("_")
    if not middle:
        return "conv1" if kind == "conv" else "bn_conv1"
    block, number = middle
    letter = "abcdefghijklmnopqrstuvwxyz"[int(block.removeprefix("block")) - 1]
    prefix = "res" if kind == "conv" else "bn"
    stage = stage.removeprefix("conv")
    return f"{prefix}{stage}{letter}_branch{_BRANCHES[number]}"


def _load(path, targets, what, flip, epsilon=None):
    expected = {
        key: [_shapes(layer) for layer in found]
        for key, found in targets.items()
    }
    arrays = _keras1.read(path, expected, what)
    pairs = [
        (layer, _weights(layer, values, flip, epsilon))
        for key, found in targets.items()
        for layer, values in zip(found, arrays[key], strict=True)
    ]
    for layer, weights in pairs:
        layer.set_weights(weights)


def _shapes(layer):
    """Return the shapes of a layer's arrays in the file."""
    if isinstance(layer, layers.Conv2D):
        return _files.convolution_shapes(layer)
    shapes = [tuple(weight.shape) for weight in layer.weights]
    name = _sam_name(layer.name) if layer.name != "prior" else None
    if name == "learningprior":
        return [(int(np.prod(shapes[0])),)]
    if name != "attentiveconvlstm":
        return shapes
    size, _, channels, depth = layer.attention_input_kernel.shape
    shapes = []
    for convolution in _CONVOLUTIONS:
        seen = channels if convolution in _SEES_INPUT else depth
        if convolution == "V_a":
            shapes.append((1, depth, size, size))
        else:
            shapes += [(depth, seen, size, size), (depth,)]
    return shapes


def _weights(layer, arrays, flip, epsilon):
    """Return a layer's weights, in its order, from the file's arrays."""
    if isinstance(layer, layers.Conv2D):
        kernel, bias = arrays
        return [_files.convolution_kernel(kernel, flip), bias]
    if isinstance(layer, layers.BatchNormalization):
        gamma, beta, mean, variance = arrays
        variance = np.maximum(variance + (epsilon - layer.epsilon), 0.0)
        return [gamma, beta, mean, variance]
    if len(arrays) == 1:
        return [arrays[0].reshape(layer.weights[0].shape)]
    arrays = iter(arrays)
    kernels, biases = {}, {}
    for name in _CONVOLUTIONS:
        kernels[name] = _files.convolution_kernel(next(arrays), flip)
        if name != "V_a":
            biases[name] = next(arrays)
    inputs = [f"W_{gate}" for gate in _GATES]
    states = ["W_a", *(f"U_{gate}" for gate in _GATES)]
    values = {
        "attention_input_kernel": kernels["U_a"],
        "attention_input_bias": biases["U_a"],
        "attention_kernel": kernels["V_a"],
        "kernel": np.concatenate([kernels[n] for n in inputs], axis=-1),
        "bias": np.concatenate([biases[n] for n in inputs]),
        "recurrent_kernel": np.concatenate(
            [kernels[n] for n in states], axis=-1
        ),
        "recurrent_bias": np.concatenate([biases[n] for n in states]),
    }
    return [values[weight.name] for weight in layer.weights]
