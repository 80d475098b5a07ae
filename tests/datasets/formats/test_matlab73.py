"""Version 7.3: honest structures, and files of a few kilobytes that lie."""

import json
import os
import resource
import time

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from keras_saliency import datasets
from keras_saliency._utils import hdf5
from keras_saliency.datasets import DatasetError
from keras_saliency.datasets.formats import matlab


@pytest.fixture
def folders(tmp_path):
    for name in ("images", "points"):
        (tmp_path / name).mkdir()
    image = np.full((40, 60, 3), 128, "uint8")
    cv2.imwrite(str(tmp_path / "images/a.png"), image)
    return tmp_path


def points(folders):
    dataset = datasets.load_folder(
        folders / "images", fixations=folders / "points"
    )
    x, y = dataset.fixation_points(0)
    return sorted(zip(x.tolist(), y.tolist(), strict=True))


def sparse_73(file, name, matrix):
    group = file.create_group(name)
    group.attrs["MATLAB_class"] = np.bytes_("double")
    group.attrs["MATLAB_sparse"] = np.uint64(matrix.shape[0])
    group["jc"] = matrix.indptr.astype("uint64")
    if matrix.nnz:
        group["ir"] = matrix.indices.astype("uint64")
        group["data"] = matrix.data


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_sparse_maps(folders, version):
    """What the two versions say about a sparse map of fixations."""
    map_ = np.zeros((40, 60))
    map_[5, 7] = map_[39, 0] = 1
    path = folders / "points/a.mat"
    for values in (map_, 0 * map_):
        if version == "5":
            savemat(path, {"fixLocs": csc_matrix(values)})
        else:
            with h5py.File(path, "w") as file:
                sparse_73(file, "fixLocs", csc_matrix(values))
        right = [(x + 0.5, y + 0.5) for y, x in np.argwhere(values)]
        assert points(folders) == sorted(right)


def test_structures_of_workers(folders):
    path = folders / "points/a.mat"
    with h5py.File(path, "w") as file:
        file["gaze/fixations"] = np.array([[8.0], [6.0]])
        file["gaze"].attrs["MATLAB_class"] = np.bytes_("struct")
    assert points(folders) == [(7, 5)]
    with h5py.File(path, "w") as file:
        refs = [
            file.create_dataset(f"#refs#/{k}", data=np.array([[8.0], [k]])).ref
            for k in (1, 6)
        ]
        column = np.array([refs], h5py.ref_dtype)
        for field in ("fixations", "location"):
            file.create_dataset(f"gaze/{field}", data=column)
        file["resolution"] = [[40.0], [60.0]]
    assert points(folders) == [(7, 0), (7, 5)]


def references(file, name, targets):
    cell = file.create_dataset(name, (len(targets), 1), dtype=h5py.ref_dtype)
    for k, target in enumerate(targets):
        cell[k, 0] = target.ref
    return cell


def shared(file):
    """Twelve levels of ten references each to the same object."""
    last = file.create_dataset("#refs#/leaf", data=np.zeros((1, 1)))
    for i in range(12):
        last = references(file, f"#refs#/c{i}", [last] * 10)
    file["c"] = last


def groups(file):
    found = [file.create_group(f"#refs#/g{i}") for i in range(13)]
    for above, below in zip(found, found[1:], strict=False):
        for k in range(10):
            above[f"l{k}"] = below
    file["a"] = found[0]


def circle(file):
    cell = file.create_dataset("c", (10, 1), dtype=h5py.ref_dtype)
    for k in range(10):
        cell[k, 0] = cell.ref


def circle_of_groups(file):
    group = file.create_group("a/b")
    group["a"] = file["a"]


def wide(file):
    file.create_dataset("a", (60_000_000,), "S64", chunks=(1_000_000,))


def chunk(file):
    file.create_dataset("a", (9, 9), "f8", maxshape=(None, None), chunks=(1, 1))
    file.create_dataset("b", (8,), "f8", maxshape=(None,), chunks=(2**28,))


def empty_rows(file):
    file.create_dataset("a", (2**40, 0), "f8")


def attribute(file):
    file.create_dataset("a", data=[1.0]).attrs.create(
        "MATLAB_empty", np.zeros(8000)
    )


def pipe(file):
    path = os.path.splitext(file.filename)[0] + ".pipe"
    os.mkfifo(path)
    file.create_dataset("a", (100,), "u1", external=[(path, 0, 100)])


def local_file(file):
    file.create_dataset("a", (100,), "u1", external=[(__file__, 0, 100)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("a", layout)


def external_link(file):
    file["a"] = h5py.ExternalLink("other.h5", "x")


def soft_link(file):
    file["a"] = h5py.SoftLink("/b")


def null_reference(file):
    file.create_dataset("c", (3, 1), dtype=h5py.ref_dtype)


def long_names(file):
    file.create_dataset("c", (9999,), dtype=h5py.string_dtype())


@pytest.mark.parametrize(
    "make",
    [
        *(shared, groups, circle, circle_of_groups, wide, chunk),
        *(empty_rows, attribute, pipe, local_file, virtual, external_link),
        *(soft_link, null_reference, long_names),
    ],
)
def test_small_files_that_lie(tmp_path, make):
    path = tmp_path / f"{make.__name__}.mat"
    with h5py.File(path, "w") as file:
        make(file)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    if make in (shared, groups, empty_rows, attribute):  # odd but harmless
        matlab.read_mat(path)
    else:
        with pytest.raises(DatasetError, match=path.name):
            matlab.read_mat(path)
    assert time.process_time() - start < 3
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert more < 2**19  # kilobytes


@pytest.mark.parametrize("damage", ["rows", "columns"])
def test_sparse_map_with_wrong_indices(tmp_path, damage):
    matrix = csc_matrix(np.eye(4))
    if damage == "rows":
        matrix.indices[2] = 10**6
    else:
        matrix.indptr[1:4] = 10**6
    with h5py.File(tmp_path / "a.mat", "w") as file:
        sparse_73(file, "a", matrix)
    with pytest.raises(DatasetError, match=r"a\.mat"):
        matlab.read_mat(tmp_path / "a.mat")


def test_another_process_reads_first(tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.zeros(1000), chunks=(10,))
        file["y"] = 1.0
    assert hdf5.check(path, most_bytes=2**20) == 1001
    first = hdf5._running()
    assert hdf5.check(path, most_bytes=2**20) == 1001
    assert hdf5._running() is first
    with pytest.raises(ValueError, match="claims the shape"):
        hdf5.check(path, most_bytes=1000)
    with pytest.raises(ValueError, match="too many"):
        hdf5.check(path, most_bytes=2**20, most_objects=2)
    # One that ends is replaced; where none can be started none is asked.
    first.kill()
    first.wait()
    assert hdf5.check(path, most_bytes=2**20) == 1001
    hdf5._stop()

    def fail(*_, **__):
        raise OSError

    monkeypatch.setattr(hdf5.subprocess, "Popen", fail)
    assert hdf5.check(path, most_bytes=2**20) == 1001


def test_an_interrupt_leaves_no_answer_for_the_next_file(tmp_path, monkeypatch):
    for name, count in (("a", 10), ("b", 20)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["x"] = np.zeros(count)
    (tmp_path / "bad.h5").write_bytes(b"no HDF5")

    def interrupted(process, question):
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hdf5, "_ask", interrupted)
        with pytest.raises(KeyboardInterrupt):
            hdf5.check(tmp_path / "a.h5", most_bytes=2**20)
    with pytest.raises(ValueError, match="."):
        hdf5.check(tmp_path / "bad.h5", most_bytes=2**20)
    assert hdf5.check(tmp_path / "b.h5", most_bytes=2**20) == 20
    # Ctrl-C in a terminal is not for the process that reads.
    if hasattr(os, "getpgid"):
        assert os.getpgid(hdf5._running().pid) != os.getpgid(0)
