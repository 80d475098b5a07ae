"""Reading arrays from files of PyTorch, without running what they hold.

A `.pth` file is a pickle, which may name any function to be called on reading.
Here a file may name nothing but what tensors are made of, and those names stand
for harmless stand-ins: PyTorch is not needed.
"""

import collections
import math
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from keras_saliency._utils.types import Array, PathName

# First number of a file as PyTorch wrote it before version 1.6.
_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "DoubleStorage": "<f8",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
# A file with more numbers than this is not the weights of a backbone.
_MOST_NUMBERS = 2**30


class _Storage(NamedTuple):
    dtype: str
    key: str
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_arrays(path: PathName) -> dict[str, Array]:
    """Return the tensors of a file that holds a dictionary of them.

    Args:
        path: A file written by `torch.save(model.state_dict(), path)`, of any
            version of PyTorch.

    Returns:
        Dictionary from names to NumPy arrays.

    Raises:
        ValueError: If it is no such file, is damaged, or names anything but
            tensors.
    """
    path = Path(path)
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return _from_zip(archive)
        with path.open("rb") as file:
            return _from_stream(file)
    except OSError:
        raise
    except Exception as error:
        # A pickle that is damaged fails in any way at all.
        raise ValueError(
            f"{path} is no file of tensors by PyTorch, or is damaged: {error}"
        ) from error


class _Reader(pickle.Unpickler):
    """Unpickler that knows tensors and nothing else."""

    def find_class(self, module: str, name: str) -> Callable:
        full = f"{module}.{name}"
        if full == "collections.OrderedDict":
            return collections.OrderedDict
        if full == "torch._utils._rebuild_tensor_v2":
            return _tensor
        if module == "torch" and name in _TYPES:
            return _StorageType(_TYPES[name])
        raise ValueError(f"it names {full}, which is no part of a tensor")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, storage, key, _, count = pid[:5]
        if kind != "storage" or not isinstance(storage, _StorageType):
            raise ValueError("it refers to what is no storage")
        if not 0 <= count <= _MOST_NUMBERS:
            raise ValueError(f"a storage of {count} numbers")
        return _Storage(storage.dtype, str(key), int(count))


class _StorageType:
    """Stand-in of a class of storages; calling it is an error."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def __call__(self, *args: Any) -> None:
        raise ValueError("it calls a class of storages")


def _tensor(storage, offset, shape, strides, *rest):
    return _Tensor(storage, int(offset), tuple(shape), tuple(strides))


def _from_zip(archive):
    (name,) = [n for n in archive.namelist() if n.endswith("/data.pkl")]
    folder = name.removesuffix("data.pkl")
    with archive.open(name) as file:
        tensors = _Reader(file).load()
    values = {}
    for tensor in _tensors(tensors).values():
        storage = tensor.storage
        if storage.key not in values:
            data = archive.read(f"{folder}data/{storage.key}")
            values[storage.key] = _numbers(data, storage)
    return _arrays(tensors, values)


def _from_stream(file: BinaryIO) -> dict[str, Array]:
    if _Reader(file).load() != _MAGIC:
        raise ValueError("it does not begin as one")
    _Reader(file).load()
    if not _Reader(file).load()["little_endian"]:
        raise ValueError("its numbers are big-endian")
    tensors = _Reader(file).load()
    keys = _Reader(file).load()
    storages = {t.storage.key: t.storage for t in _tensors(tensors).values()}
    values = {}
    for key in keys:
        storage = storages[key]
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        if count != storage.size:
            raise ValueError("a storage has another length")
        data = file.read(count * np.dtype(storage.dtype).itemsize)
        values[key] = _numbers(data, storage)
    return _arrays(tensors, values)


def _tensors(tensors: Any) -> dict[str, _Tensor]:
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(tensor, _Tensor)
        for name, tensor in tensors.items()
    ):
        raise ValueError("it holds no dictionary of tensors")
    return tensors


def _numbers(data: bytes, storage: _Storage) -> Array:
    values = np.frombuffer(data, storage.dtype)
    if len(values) != storage.size:
        raise ValueError("a storage ends early")
    return values


def _arrays(tensors, values):
    return {
        name: _array(tensor, values[tensor.storage.key])
        for name, tensor in _tensors(tensors).items()
    }


def _array(tensor, values):
    sides = zip(tensor.shape, tensor.strides, strict=True)
    places = list(sides)
    if tensor.offset < 0 or any(min(place) < 0 for place in places):
        raise ValueError("a tensor has impossible sides")
    last = tensor.offset + sum((side - 1) * stride for side, stride in places)
    if math.prod(tensor.shape) and last >= len(values):
        raise ValueError("a tensor ends outside its storage")
    bytes_ = values.itemsize
    return np.lib.stride_tricks.as_strided(
        values[tensor.offset :],
        tensor.shape,
        [stride * bytes_ for stride in tensor.strides],
    ).copy()
