"""MATLAB files of version 7.3, which are HDF5 files.

What they hold comes out as scipy gives the older version. Nothing is trusted:
another process has read the file to its end before it is opened here, objects
that are referred to often are read once, and circles are an error.
"""

import io
import math
from typing import Any

import numpy as np

from keras_saliency._utils import hdf5
from keras_saliency._utils.types import Array, PathName

_NESTING = 16


def read(path: PathName, data: bytes, *, most_numbers: int) -> dict[str, Any]:
    """Return the variables of a file.

    Args:
        path: The file.
        data: Its bytes.
        most_numbers: Most numbers, and references, that it may hold.

    Raises:
        Exception: Nearly anything if it is damaged.
    """
    import h5py

    hdf5.check(path, most_bytes=8 * most_numbers)
    with h5py.File(io.BytesIO(data), "r") as file:
        reader = _Reader(file, most_numbers)
        return {
            name: reader.value(file[name], 0)
            for name in file
            if not name.startswith("#")
        }


class _Reader:
    """Values of objects, each read once."""

    def __init__(self, file: Any, most_numbers: int) -> None:
        self.file = file
        self.numbers = most_numbers
        self.known: dict[int, Any] = {}

    def value(self, item: Any, depth: int) -> Any:
        """Return what an object holds."""
        import h5py

        if depth > _NESTING:
            raise ValueError(
                "its arrays are nested too deeply, or hold one another"
            )
        address = h5py.h5o.get_info(item.id).addr
        if address not in self.known:
            # An object that refers to itself, by others or not, comes back
            # here until it is nested too deeply.
            read = self.group if isinstance(item, h5py.Group) else self.dataset
            self.known[address] = read(item, depth)
        return self.known[address]

    def group(self, item: Any, depth: int) -> Array:
        """Return a structure, or the sparse matrix that is stored as one."""
        import h5py

        self.count(len(item))
        if "MATLAB_sparse" in item.attrs:
            return self.sparse(item)
        names = list(item)
        members = {name: item[name] for name in names}
        # Of an array of structures each field is an array of references that
        # has no class; a cell array has one.
        array = names and all(
            isinstance(member, h5py.Dataset)
            and h5py.check_ref_dtype(member.dtype) is not None
            and "MATLAB_class" not in member.attrs
            for member in members.values()
        )
        values = {
            name: self.value(member, depth + 1)
            for name, member in members.items()
        }
        shape = values[names[0]].shape if array else (1, 1)
        record = np.empty(shape, [(name, object) for name in names])
        for name, value in values.items():
            if array and value.shape != shape:
                raise ValueError(f"the fields of {item.name} differ in shape")
            if array:
                record[name] = value
            else:
                record[name][0, 0] = value
        return record

    def dataset(self, item: Any, depth: int) -> Array:
        """Return an array, or a cell array."""
        import h5py

        self.count(math.prod(item.shape or ()), item.shape)
        if np.any(item.attrs.get("MATLAB_empty", 0)):
            return np.zeros((0, 0))
        values = item[()]
        if h5py.check_ref_dtype(item.dtype) is None:
            return np.asarray(values).T
        cells = np.empty(item.shape, object)
        for index in np.ndindex(item.shape):
            cells[index] = self.value(self.file[values[index]], depth + 1)
        return cells.T

    def sparse(self, item: Any) -> Array:
        """Return a sparse matrix as an array."""
        from scipy.sparse import csc_array

        columns = np.ravel(item["jc"][()]).astype("int64")
        shape = int(item.attrs["MATLAB_sparse"]), len(columns) - 1
        self.count(math.prod(shape), shape)
        if "data" not in item:  # no element but zero is stored
            return np.zeros(shape)
        rows = np.ravel(item["ir"][()]).astype("int64")
        matrix = csc_array((np.ravel(item["data"][()]), rows, columns), shape)
        matrix.check_format(full_check=True)
        return matrix.toarray()

    def count(self, numbers: int, shape: Any = None) -> None:
        """Count what is read, or raise if it is too much."""
        self.numbers -= numbers
        if self.numbers < 0:
            raise ValueError(f"an array claims the shape {shape or numbers}")
