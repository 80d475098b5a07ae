import struct
import zlib

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from keras_saliency.datasets import DatasetError
from keras_saliency.datasets.formats import matlab


def header():
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\x01IM"


@pytest.mark.parametrize("compress", [False, True])
def test_version_5(tmp_path, compress):
    path = tmp_path / "a.mat"
    cells = np.empty((1, 2), object)
    cells[0] = [np.eye(3, dtype="uint8"), "text"]
    variables = {
        "x": np.arange(6.0).reshape(2, 3),
        "s": {"field": np.int16(7), "nested": {"deep": cells}},
        "empty": np.zeros((0, 0)),
        "z": np.array([[1 + 2j]]),
    }
    savemat(path, variables, do_compression=compress)
    read = matlab.read_mat(path)
    assert set(read) == set(variables)
    np.testing.assert_array_equal(read["x"], variables["x"])
    assert matlab.field(read["s"], "field", path).item() == 7
    deep = matlab.field(matlab.field(read["s"], "nested", path), "deep", path)
    first, second = matlab.items(deep)
    assert first.tolist() == np.eye(3).tolist() and second == "text"
    with pytest.raises(DatasetError, match=r"a\.mat .*field, nested.*'none'"):
        matlab.field(read["s"], "none", path)


def test_version_7_3(tmp_path):
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        cell = file.create_dataset(
            "#refs#/a", data=np.arange(6.0).reshape(3, 2)
        )
        references = np.array([[cell.ref, cell.ref]], h5py.ref_dtype)
        file.create_dataset("c", data=references)
        file.create_dataset("s/field", data=[[3.0]])
        empty = file.create_dataset("e", data=[0, 0])
        empty.attrs["MATLAB_empty"] = 1
    read = matlab.read_mat(path)
    # MATLAB stores the other order of dimensions.
    assert read["c"].shape == (2, 1) and read["c"][0, 0].shape == (2, 3)
    assert read["s"]["field"].item() == 3
    assert read["e"].size == 0


def test_bomb_of_compressed_data(tmp_path, monkeypatch):
    monkeypatch.setattr(matlab, "MAX_BYTES", 2**20)
    bomb = zlib.compress(struct.pack("<II", 14, 2**24) + bytes(2**24), 9)
    path = tmp_path / "bomb.mat"
    path.write_bytes(header() + struct.pack("<II", 15, len(bomb)) + bomb)
    with pytest.raises(DatasetError, match=r"bomb\.mat .*more than 1 MiB"):
        matlab.read_mat(path)


def array(dimensions, kind=6, payload=b""):
    flags = struct.pack("<IIII", 6, 8, kind, 0)
    sizes = struct.pack(
        f"<II{len(dimensions)}i", 5, 4 * len(dimensions), *dimensions
    )
    sizes += b"\0" * (-len(sizes) % 8)
    name = struct.pack("<II", 1, 1) + b"a".ljust(8, b"\0")
    body = flags + sizes + name + payload
    return header() + struct.pack("<II", 14, len(body)) + body


@pytest.mark.parametrize(
    "content, message",
    [
        (array((2**30, 2**30)), "claims the shape"),
        (array((-1, 3)), "negative dimension"),
        (array((1000, 1000), kind=1), "claims 1000000 elements"),
        (array((2, 2), kind=17), "MATLAB object"),
        (array((2, 2), kind=99), "unknown kind 99"),
        (array((2, 2), payload=struct.pack("<IId", 9, 8, 1.0)), "not that of"),
        (array((2, 2))[:-3], "truncated"),
        (b"x" * 200, "header"),
        (b"x", "truncated"),
        (b"\x89HDF\r\n\x1a\n" + b"x" * 900, "cannot be read"),
    ],
)
def test_what_is_refused(tmp_path, content, message):
    path = tmp_path / "bad.mat"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=rf"bad\.mat .*{message}"):
        matlab.read_mat(path)


def test_version_7_3_that_claims_too_much(tmp_path):
    path = tmp_path / "big.mat"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2**20, 2**20), "f8", chunks=(1024, 1024))
    with pytest.raises(DatasetError, match=r"big\.mat .*claims the shape"):
        matlab.read_mat(path)
