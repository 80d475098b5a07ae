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


def element(kind, data=b""):
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


FLAGS, SIZES, NAME = 6, 5, 1


def matrix(dimensions, kind=6, payload=b"", name=NAME):
    sizes = struct.pack(f"<{len(dimensions)}i", *dimensions)
    body = element(FLAGS, struct.pack("<II", kind, 0)) + element(SIZES, sizes)
    return element(14, body + element(name, b"a") + payload)


def array(*arguments, **options):
    return header() + matrix(*arguments, **options)


def nested(depth):
    inner = matrix((1, 1), payload=element(9, bytes(8)))
    for _ in range(depth):
        inner = matrix((1, 1), kind=1, payload=inner)
    return header() + inner


# Text, whose size is not compared with its data.
LARGE = matrix((2**13, 2**13), kind=4, payload=element(16, b"x"))
# A structure without fields, each element of which scipy would make.
NO_FIELDS = element(5, struct.pack("<i", 32)) + element(1)
# A sparse matrix whose one number lies far outside.
SPARSE = element(5, struct.pack("<i", 10**6))
SPARSE += element(5, struct.pack("<9i", *[0] * 8, 1)) + element(9, bytes(8))
CUT = zlib.compress(bytes(100))[:-9]


@pytest.mark.parametrize(
    "content, message",
    [
        (array((2**30, 2**30)), "claims the shape"),
        (array((-1, 3)), "negative dimension"),
        (array((1000, 1000), kind=1), "claims 1000000 elements"),
        (array((2, 2), kind=17), "MATLAB object"),
        (array((2, 2), kind=99), "unknown kind 99"),
        (array((1, 1), kind=5, payload=element(99)), "of the unknown kind 99"),
        (array((2, 2), payload=element(9, bytes(8))), "not that of"),
        (array((2, 2))[:-3], "truncated"),
        (array((2, 2), payload=struct.pack("<II", 9, 99)), "truncated"),
        (array((2, 2), name=2), "name is wrong"),
        (array((1, 1), kind=1, payload=element(9)), "cell holds no array"),
        (
            array((1, 1), payload=struct.pack("<II", 9 << 16 | 9, 0)),
            "too large",
        ),
        (array((1, 1), kind=2, payload=element(9)), "header is wrong"),
        (
            array((1, 1), kind=2, payload=element(5, bytes(4)) + element(1)),
            "fields are wrong",
        ),
        (
            array(
                (1, 1),
                kind=2,
                payload=element(5, b"\1\0\0\0") + element(1, b"a" * 264),
            ),
            "claims 264 fields",
        ),
        (array((1, 2), kind=1, payload=LARGE * 2), "absurdly large"),
        (array((1, 2**26), kind=4, payload=element(16)), "characters"),
        (array((1, 2**26), kind=2, payload=NO_FIELDS), "67108864 elements"),
        (array((8, 8), kind=5, payload=SPARSE), "cannot be read"),
        (nested(17), "nested too deeply"),
        (header() + element(14, element(7, bytes(8))), "flags are wrong"),
        (
            header() + element(14, element(FLAGS, bytes(8)) + element(9)),
            "dimensions are wrong",
        ),
        (header() + element(9, bytes(8)), "header is wrong"),
        (header() + element(15, CUT), "compressed data are truncated"),
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


def test_memory_that_there_is_not(tmp_path, monkeypatch):
    def read(data):
        raise MemoryError

    monkeypatch.setattr(matlab, "_read_version5", read)
    path = tmp_path / "a.mat"
    path.write_bytes(header())
    with pytest.raises(DatasetError, match=r"a\.mat asks for more memory"):
        matlab.read_mat(path)


def test_variables_of_another_kind(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"x": "text", "y": np.eye(2)})
    assert matlab.read_variable(path, "x").tolist() == ["text"]
    with pytest.raises(DatasetError, match="no variable 'z', but x, y"):
        matlab.read_variable(path, "z")
    assert matlab.numbers(np.zeros((0, 3)), "y", path, columns=2).shape == (
        0,
        2,
    )
    for value, columns, message in (
        (np.array("text"), None, "expected numbers[.]"),
        (np.eye(2), 3, "expected numbers in 3 columns"),
    ):
        with pytest.raises(DatasetError, match=rf"a\.mat holds y .*{message}"):
            matlab.numbers(value, "y", path, columns=columns)


def test_version_7_3_nested_too_deeply(tmp_path):
    path = tmp_path / "deep.mat"
    with h5py.File(path, "w") as file:
        file["/".join("abcdefghijklmnopqrs")] = 1.0
    with pytest.raises(DatasetError, match=r"deep\.mat .*too deeply"):
        matlab.read_mat(path)


def test_version_7_3_that_claims_too_much(tmp_path):
    path = tmp_path / "big.mat"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2**20, 2**20), "f8", chunks=(1024, 1024))
    with pytest.raises(DatasetError, match=r"big\.mat .*claims the shape"):
        matlab.read_mat(path)
