"""SalNet's released weights, a `.caffemodel` file.

OpenCV 5 no longer reads Caffe's files. This reads the few fields that hold
weights and skips all others, whatever they are.
"""

import math
from pathlib import Path

import numpy as np

from keras_saliency._utils.types import PathName
from keras_saliency.models.deep_conv_net import DeepConvNet
from keras_saliency.models.importers import _files

# SalNet's file has 103 MB, twice that with gradients.
_MAX_BYTES = 2**29
# Far more than a layer has, or layers a network.
_MAX_FIELDS = 10_000
# Numbers of the fields in Caffe's definition (caffe.proto), of the current and
# of the older form of a layer.
_LAYERS = {100: {"name": 1, "blobs": 7}, 2: {"name": 4, "blobs": 6}}
_SHAPE, _FLOATS, _DOUBLES = 7, 5, 8
_OLD_SHAPE = (1, 2, 3, 4)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}


def load_deep_conv_net_weights(
    model: DeepConvNet, path: PathName
) -> DeepConvNet:
    """Load the authors' weights (`deep_net_model.caffemodel`).

    Args:
        model: A `DeepConvNet`. Its input may have any size.
        path: The file, with the layers conv1 to conv9 and deconv1.

    See `models.importers` for what is returned and raised.
    """
    layers = [layer for layer in model.layers if layer.weights]
    what = "DeepConvNet (SalNet) in Caffe's format"
    with _files.reading(path, what, _MAX_BYTES):
        blobs = _read(
            memoryview(Path(path).read_bytes()), {x.name for x in layers}
        )
        weights = [_weights(layer, blobs) for layer in layers]
    for layer, values in zip(layers, weights, strict=True):
        layer.set_weights(values)
    return model


def _weights(layer, blobs):
    if layer.name not in blobs:
        raise ValueError(f"there is no layer {layer.name}")
    parts = blobs[layer.name]
    if len(parts) != len(layer.weights):
        raise ValueError(
            f"{layer.name} has {len(parts)} arrays instead of "
            f"{len(layer.weights)}"
        )
    weights = []
    for weight, part in zip(layer.weights, parts, strict=True):
        # Keras has (height, width, in, out), Caffe (out, in, height, width);
        # of a transposed convolution both exchange in and out.
        wanted = tuple(weight.shape)
        if len(wanted) == 4:
            wanted = (wanted[3], wanted[2], *wanted[:2])
        shape, values = _blob(part)
        # The older form has four dimensions also for a bias.
        leading, fitting = shape[: -len(wanted)], shape[-len(wanted) :]
        if fitting != wanted or math.prod(leading) != 1:
            raise ValueError(
                f"{layer.name} has an array of shape {shape} where {wanted} "
                "belongs"
            )
        if len(values) != math.prod(wanted):
            raise ValueError(
                f"{layer.name} has {len(values)} values for the shape {wanted}"
            )
        array = _files.finite(values, layer.name).reshape(wanted)
        if array.ndim == 4:
            array = array.transpose(2, 3, 1, 0)
        weights.append(array)
    return weights


def _read(data, wanted):
    """Return the unread blobs of the layers `wanted`, by name."""
    blobs = {}
    for number, wire, value in _fields(data):
        if number in _LAYERS and wire == _BYTES:
            fields = _LAYERS[number]
            name, found = None, []
            for inner, inner_wire, part in _fields(value):
                if inner_wire != _BYTES:
                    continue
                if inner == fields["name"]:
                    name = bytes(part[:64]).decode("utf-8", "replace")
                elif inner == fields["blobs"]:
                    found.append(part)
            if name in wanted and found:
                blobs[name] = found
    return blobs


def _blob(data):
    """Return shape and values of an array."""
    shape, old_shape, values = None, {}, None
    for number, wire, value in _fields(data):
        if number == _SHAPE and wire == _BYTES:
            shape = _dimensions(value)
        elif number in _OLD_SHAPE and wire == _VARINT:
            old_shape[number] = value
        elif number in (_FLOATS, _DOUBLES) and wire == _BYTES:
            dtype = "<f4" if number == _FLOATS else "<f8"
            if len(value) % np.dtype(dtype).itemsize:
                raise ValueError("an array ends within a number")
            values = np.frombuffer(value, dtype)
    if shape is None:
        shape = tuple(old_shape.get(k, 1) for k in _OLD_SHAPE)
    if values is None:
        raise ValueError("an array has no values, or they are not packed")
    return shape, values


def _dimensions(data):
    dimensions = []
    for number, wire, value in _fields(data):
        if number == 1 and wire == _BYTES:
            position = 0
            while position < len(value):
                dimension, position = _varint(value, position)
                dimensions.append(dimension)
        elif number == 1 and wire == _VARINT:
            dimensions.append(value)
        if len(dimensions) > 4:
            raise ValueError("an array has more than four dimensions")
    return tuple(dimensions)


def _fields(data):
    """Yield number, wire type and value of each field of a message."""
    position = count = 0
    while position < len(data):
        count += 1
        if count > _MAX_FIELDS:
            raise ValueError(f"a message has more than {_MAX_FIELDS} fields")
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, position = _varint(data, position)
        else:
            if wire == _BYTES:
                length, position = _varint(data, position)
            elif wire in _FIXED:
                length = _FIXED[wire]
            else:
                raise ValueError(f"a field has the unknown type {wire}")
            if length > len(data) - position:
                raise ValueError("it ends within a field: it is truncated")
            value = data[position : position + length]
            position += length
        yield number, wire, value


def _varint(data, position):
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(data):
            raise ValueError("it ends within a number: it is truncated")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number has more than 64 bits")
