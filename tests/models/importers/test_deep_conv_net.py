"""Weights of DeepConvNet from a file in Caffe's format."""

import struct

import numpy as np
import pytest

from keras_saliency import models
from keras_saliency.models import importers

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 16, 24, 3)).astype("uint8")


def model_of(seed=0):
    model = models.DeepConvNet((16, 24, 3), filters=(3, 4, 5, 6, 4, 3, 5, 2))
    generator = np.random.default_rng(seed)
    model.set_weights(
        [
            w + 0.1 * generator.standard_normal(w.shape)
            for w in model.get_weights()
        ]
    )
    return model


def varint(value):
    data = b""
    while value >= 0x80:
        data += bytes([value & 0x7F | 0x80])
        value >>= 7
    return data + bytes([value])


def field(number, value):
    """An integer, or anything of known length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(array, form):
    array = np.ascontiguousarray(array)
    data = field(6, bytes(4 * array.size))  # The gradient.
    if form == "double":
        data += field(8, array.astype("<f8").tobytes())
    else:
        data += field(5, array.astype("<f4").tobytes())
    if form == "old":
        shape = (1,) * (4 - array.ndim) + array.shape
        return data + b"".join(field(i + 1, s) for i, s in enumerate(shape))
    packed = b"".join(varint(side) for side in array.shape)
    return data + field(7, field(1, packed))


def caffemodel(model, form="new"):
    """The file as Caffe writes it: `form` "new", "old" or "double"."""
    data = field(1, b"SalNet")
    for layer in model.layers:
        weights = layer.get_weights()
        if weights:
            # (out, in, height, width), or (in, out, ...) if transposed.
            weights[0] = weights[0].transpose(3, 2, 0, 1)
        blobs = [blob(w, form) for w in weights]
        if form == "old":
            parts = field(2, b"below") + field(4, layer.name.encode())
            parts += field(5, 4)
            parts += b"".join(field(6, b) for b in blobs)
        else:
            parts = field(1, layer.name.encode()) + field(2, b"Convolution")
            # A fixed 32-bit field, as of the learning rates.
            parts += varint(5 << 3 | 5) + struct.pack("<f", 1.0)
            parts += b"".join(field(7, b) for b in blobs)
            parts += varint(40 << 3 | 1) + struct.pack("<d", 1.0)
        data += field(2 if form == "old" else 100, parts)
    return data


@pytest.mark.parametrize("form", ["new", "old", "double"])
@pytest.mark.quick("new")
def test_a_file_of_our_weights_gives_our_predictions(form, tmp_path):
    model, path = model_of(), tmp_path / "deep_net_model.caffemodel"
    path.write_bytes(caffemodel(model, form))
    fresh = model_of(seed=1)
    assert importers.load_deep_conv_net_weights(fresh, path) is fresh
    for a, b in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(
        *(m.predict(IMAGES, verbose=0) for m in (model, fresh))
    )


@pytest.mark.slow
def test_the_full_size(tmp_path):
    model = models.DeepConvNet((16, 24, 3))
    path = tmp_path / "model.caffemodel"
    path.write_bytes(caffemodel(model, "old"))
    importers.load_deep_conv_net_weights(model, path)
    assert 2e8 < path.stat().st_size < 2.1e8


def broken(how):
    model = model_of()
    data = caffemodel(model)
    if how == "truncated":
        return data[: len(data) // 2]
    if how == "text":
        return b"name: 'SalNet'\nlayer { name: 'conv1' }\n" * 20
    if how == "empty":
        return b""
    if how == "other network":
        return data.replace(b"conv4", b"fc_04")
    if how == "other sizes":
        return caffemodel(models.DeepConvNet((16, 24, 3), filters=(2,) * 8))
    if how == "not finite":
        weights = model.get_weights()
        weights[5][0] = np.inf
        model.set_weights(weights)
        return caffemodel(model)
    if how == "too long a field":
        return data + varint(100 << 3 | 2) + varint(2**40)
    if how == "too long a number":
        return data + b"\x80" * 20
    if how == "group":
        return data + varint(3 << 3 | 3)
    if how == "many fields":
        return data + field(9, 1) * 20_000
    if how == "many dimensions":
        extra = blob(np.zeros(3), "new") + field(7, field(1, b"\1" * 10_000))
        layer = field(1, b"conv1") + field(7, extra) * 2
        return data + field(100, layer)
    assert how == "values not packed"
    value = varint(5 << 3 | 5) + struct.pack("<f", 1.0)
    layer = field(1, b"conv1") + 2 * field(7, value * 3)
    return data + field(100, layer)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("truncated", "truncated"),
        ("text", "unknown type"),
        ("empty", "no layer conv1"),
        ("other network", "no layer conv4"),
        ("other sizes", "conv1 has an array of shape"),
        ("not finite", "not finite"),
        ("too long a field", "truncated"),
        ("too long a number", "64 bits"),
        ("group", "unknown type 3"),
        ("many fields", "more than 10000 fields"),
        ("many dimensions", "more than four dimensions"),
        ("values not packed", "not packed"),
    ],
)
@pytest.mark.quick("truncated|text")
def test_other_files_are_refused_and_the_model_stays(how, message, tmp_path):
    path = tmp_path / "damaged.caffemodel"
    path.write_bytes(broken(how))
    model = model_of(seed=1)
    before = model.get_weights()
    with pytest.raises(ValueError, match=rf"damaged\.caffemodel.*{message}"):
        importers.load_deep_conv_net_weights(model, path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_any_change_of_bytes_is_read_or_refused(tmp_path):
    path = tmp_path / "mutated.caffemodel"
    data = caffemodel(model_of())
    model = model_of(seed=1)
    refused = 0
    for _ in range(200):
        mutated = bytearray(data)
        for position in RNG.integers(0, len(data), 30):
            mutated[position] = RNG.integers(0, 256)
        path.write_bytes(bytes(mutated))
        try:
            importers.load_deep_conv_net_weights(model, path)
        except ValueError as error:
            assert "mutated.caffemodel" in str(error)
            refused += 1
    assert refused > 20


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "huge.caffemodel"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(ValueError, match="huge.*more than 512 MiB"):
        importers.load_deep_conv_net_weights(model_of(), path)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.caffemodel"):
        importers.load_deep_conv_net_weights(
            model_of(), tmp_path / "missing.caffemodel"
        )
