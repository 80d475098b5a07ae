"""Files of PyTorch are read without PyTorch, and run nothing."""

import collections
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from keras_saliency.models.backbones.torch_file import read_arrays


class Named:
    """Pickled as a function of another module, called with arguments."""

    def __init__(self, module, name, *arguments):
        self.module, self.name, self.arguments = module, name, arguments


class Storage:
    """A storage of PyTorch's, by its type and key."""

    def __init__(self, kind, key, count):
        self.pid = ("storage", Named("torch", kind), key, "cpu", count)


class Pickler(pickle._Pickler):
    """Writes `Named` as the global it stands for, or a call of it."""

    def persistent_id(self, item):
        return item.pid if isinstance(item, Storage) else None

    def save(self, item, save_persistent_id=True):
        if not isinstance(item, Named):
            return super().save(item, save_persistent_id)
        self.write(f"c{item.module}\n{item.name}\n".encode())
        if item.arguments:
            super().save(item.arguments)
            self.write(pickle.REDUCE)


def pickled(item):
    import io

    file = io.BytesIO()
    Pickler(file, 2).dump(item)
    return file.getvalue()


def tensor(storage, offset, shape, strides):
    return Named(
        "torch._utils",
        "_rebuild_tensor_v2",
        *(storage, offset, shape, strides, False, collections.OrderedDict()),
    )


VALUES = np.arange(24, dtype="<f4")


def old(tensors, storages, magic=0x1950A86A20F9469CFC6C):
    """Bytes as PyTorch wrote them before version 1.6."""
    parts = [pickled(magic), pickled(1001), pickled({"little_endian": True})]
    parts += [pickled(tensors), pickled(list(storages))]
    for values in storages.values():
        parts += [struct.pack("<q", len(values)), values.tobytes()]
    return b"".join(parts)


@pytest.mark.parametrize("is_zip", [False, True])
def test_tensors_in_any_order_of_axes(is_zip, tmp_path):
    storage = Storage("FloatStorage", "7", 24)
    tensors = {
        "plain": tensor(storage, 0, (2, 3, 4), (12, 4, 1)),
        "turned": tensor(storage, 0, (4, 6), (1, 4)),
        "part": tensor(storage, 20, (4,), (1,)),
        "count": tensor(Storage("LongStorage", "8", 1), 0, (), ()),
    }
    path = tmp_path / "file.pth"
    counts = np.array([5], "<i8")
    if is_zip:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/data.pkl", pickled(tensors))
            archive.writestr("model/data/7", VALUES.tobytes())
            archive.writestr("model/data/8", counts.tobytes())
    else:
        path.write_bytes(old(tensors, {"7": VALUES, "8": counts}))
    found = read_arrays(path)
    np.testing.assert_array_equal(found["plain"], VALUES.reshape(2, 3, 4))
    np.testing.assert_array_equal(found["turned"], VALUES.reshape(6, 4).T)
    np.testing.assert_array_equal(found["part"], VALUES[20:])
    assert found["count"].shape == () and found["count"] == 5


def test_a_file_that_names_a_function_is_refused(tmp_path):
    mark = tmp_path / "mark"
    path = tmp_path / "file.pth"
    call = Named(os.mkdir.__module__, "mkdir", str(mark))
    for content in (old({"a": call}, {}), pickled(call)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is no file of tensors"):
            read_arrays(path)
        assert not mark.exists()


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [((24, 24), (24, 1), 0), ((4,), (-1,), 3), ((4,), (1,), 21)],
)
def test_a_tensor_stays_in_its_storage(shape, strides, offset, tmp_path):
    storage = Storage("FloatStorage", "7", 24)
    path = tmp_path / "file.pth"
    content = old({"a": tensor(storage, offset, shape, strides)}, {"7": VALUES})
    path.write_bytes(content)
    with pytest.raises(ValueError, match="a tensor"):
        read_arrays(path)


def test_a_damaged_file_is_said_to_be_one(tmp_path):
    storage = Storage("FloatStorage", "7", 24)
    content = old({"a": tensor(storage, 0, (24,), (1,))}, {"7": VALUES})
    path = tmp_path / "file.pth"
    for bad in (b"", b"nothing", content[:-5], content[:100]):
        path.write_bytes(bad)
        with pytest.raises(ValueError, match="damaged"):
            read_arrays(path)
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none.pth")
