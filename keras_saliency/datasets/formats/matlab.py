"""MATLAB files of both kinds, read without trusting what they claim.

scipy reads the older kind and h5py the newer, version 7.3. Both allocate what
a file's header asks for, so a damaged or hostile file can take all memory; its
structure is checked here first.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array, PathName
from keras_saliency.datasets.formats import matlab73
from keras_saliency.images import read_bytes

# No file of a known data set comes near: the largest array of Toronto's 120
# fixation maps takes 334 MB as float64, in one file of 42 million numbers.
MAX_BYTES = 2**28
MAX_NUMBERS = 2**26

_MATRIX, _COMPRESSED = 14, 15
_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
_BYTES |= {16: 1, 17: 2, 18: 4}
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _OPAQUE = 1, 2, 3, 4, 5, 17
_NESTING = 16
# Most elements without any data in the file.
_UNBACKED = 4096


def read_mat(path: PathName) -> dict[str, Any]:
    """Read the variables of a MATLAB file.

    Structures come out as `numpy.void` records or object arrays of them, as
    `scipy.io.loadmat(squeeze_me=False, struct_as_record=True)` gives them,
    from version 7.3 too. Sparse matrices come out as arrays.

    Args:
        path: A `.mat` file, any version from 5 on.

    Returns:
        Dictionary of name and array.

    Raises:
        DatasetError: If the file is no MATLAB file, damaged or absurdly
            large.
    """
    data = read_bytes(path, limit=MAX_BYTES)
    try:
        if data[:8] == b"\x89HDF\r\n\x1a\n" or data[512:520] == (
            b"\x89HDF\r\n\x1a\n"
        ):
            return matlab73.read(path, data, most_numbers=MAX_NUMBERS)
        return _read_version5(data)
    except MemoryError as error:
        raise DatasetError(
            f"The MATLAB file {path} asks for more memory than there is; it "
            "is damaged. Get it anew."
        ) from error
    except Exception as error:  # readers raise nearly anything on damage
        raise DatasetError(
            f"The MATLAB file {path} cannot be read ({error or repr(error)}); "
            "it is damaged or no MATLAB file. Get it anew."
        ) from error


def read_variable(path: PathName, name: str) -> Any:
    """Read one variable of a MATLAB file, or raise naming both."""
    variables = read_mat(path)
    if name not in variables:
        raise lacks(path, f"variable {name!r}", variables)
    return variables[name]


def lacks(path: PathName, what: str, found: Collection[str]) -> DatasetError:
    """Return the error of a file that has other variables than expected."""
    return DatasetError(
        f"The MATLAB file {path} has no {what}, but "
        f"{', '.join(sorted(found)) or 'none at all'}."
    )


def field(record: Any, name: str, path: PathName) -> Any:
    """Return one field of a MATLAB structure, or raise naming both."""
    record = unwrap(record)
    names = getattr(getattr(record, "dtype", None), "names", None) or ()
    if name not in names:
        raise DatasetError(
            f"The MATLAB file {path} has a structure with the fields "
            f"{', '.join(names) or '(none)'} where one with {name!r} is "
            "expected; it is damaged or another kind of file."
        )
    return unwrap(record[name])


def unwrap(value: Any) -> Any:
    """Take single values out of the object arrays that hold them."""
    while isinstance(value, np.ndarray) and value.size == 1:
        if value.dtype == object or value.dtype.names:
            value = value.ravel()[0]
        else:
            break
    return value


def items(value: Any) -> list[Any]:
    """Return the elements of a cell or structure array as a list."""
    while isinstance(value, np.ndarray) and value.dtype == object:
        if value.size == 1 and isinstance(value.ravel()[0], np.ndarray):
            inner = value.ravel()[0]
            if inner.dtype == object or inner.dtype.names:
                value = inner
                continue
        break
    if isinstance(value, np.ndarray):
        return list(value.ravel(order="F"))
    return [value]


def numbers(
    value: Any, what: str, path: PathName, *, columns: int | None = None
) -> Array:
    """Return a numeric array, float64, or raise naming the file.

    Args:
        value: What was read.
        what: What it is, for the error.
        path: The file, for the error.
        columns: Least number of columns of an array of two dimensions; None
            for an array of any shape.
    """
    value = np.asarray(unwrap(value))
    if value.size == 0:
        return np.zeros((0, columns) if columns else 0)
    good = value.dtype.kind in "buif" and (
        columns is None or (value.ndim == 2 and value.shape[1] >= columns)
    )
    if not good:
        raise DatasetError(
            f"The MATLAB file {path} holds {what} of type {value.dtype} and "
            f"shape {value.shape}; expected numbers"
            + (f" in {columns} columns." if columns else ".")
        )
    return value.astype("float64")


def _read_version5(data: bytes) -> dict[str, Any]:
    from scipy.io import loadmat

    if len(data) < 136:
        raise ValueError("it is truncated")
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise ValueError("its header is not that of a MATLAB file")
    # Rebuilt without compression, so that nothing is decompressed that was
    # not counted.
    parts, total, position = [data[:128]], 0, 128
    while position + 8 <= len(data):
        kind, size = struct.unpack(order + "II", data[position : position + 8])
        if position + 8 + size > len(data):
            raise ValueError("it is truncated")
        element = data[position : position + 8 + size]
        position += 8 + size
        if kind == _COMPRESSED:
            element = _inflate(element[8:], MAX_BYTES - total)
        elif kind == _MATRIX and size % 8:
            element += b"\0" * (-size % 8)
        total += len(element)
        kind, size = struct.unpack(order + "II", element[:8])
        if kind != _MATRIX or 8 + size > len(element):
            raise ValueError("an array's header is wrong")
        _Check(element, order).matrix(8, 8 + size, 0)
        parts.append(element)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        variables = loadmat(
            io.BytesIO(b"".join(parts)), verify_compressed_data_integrity=False
        )
    return {
        name: _dense(value)
        for name, value in variables.items()
        if not name.startswith("__")
    }


def _dense(value: Any) -> Any:
    """Return a sparse matrix, whose indices nobody checked, as an array."""
    from scipy.sparse import issparse

    if not issparse(value):
        return value
    if value.format != "coo":
        value.check_format(full_check=True)
    # As older versions of SciPy read it.
    elif value.nnz and not (
        min(value.row.min(), value.col.min()) >= 0
        and value.row.max() < value.shape[0]
        and value.col.max() < value.shape[1]
    ):
        raise ValueError("the indices of a sparse matrix lie outside of it")
    return value.toarray()


def _inflate(data: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj()
    plain = inflater.decompress(data, max(limit, 1))
    if inflater.unconsumed_tail:
        raise ValueError(
            f"it holds more than {MAX_BYTES >> 20} MiB of compressed data"
        )
    if not inflater.eof or len(plain) < 8:
        raise ValueError("its compressed data are truncated")
    return plain


class _Check:
    """A walk over an array of a version 5 file and its parts."""

    def __init__(self, data: bytes, order: str) -> None:
        self.data = data
        self.order = order
        self.numbers = 0

    def tag(self, start: int, end: int) -> tuple[int, int, int, int]:
        """Return an element's kind, its data's start and end, and the next."""
        if start + 8 > end:
            raise ValueError("an array is truncated")
        kind, size = struct.unpack_from(self.order + "II", self.data, start)
        if kind >> 16:
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise ValueError("a small element is too large")
            return kind, start + 4, start + 4 + size, start + 8
        stop = start + 8 + size
        following = stop if kind == _MATRIX else stop + (-size % 8)
        if stop > end:
            raise ValueError("an array is truncated")
        return kind, start + 8, stop, following

    def count(self, dimensions: Iterable[int]) -> int:
        """Return the product of the dimensions, which must be credible."""
        dimensions = tuple(dimensions)
        count = 1
        for dimension in dimensions:
            if dimension < 0:
                raise ValueError("an array has a negative dimension")
            count *= dimension
        if count > MAX_NUMBERS or max(dimensions, default=0) > MAX_NUMBERS:
            raise ValueError(f"an array claims the shape {dimensions}")
        self.numbers += count
        if self.numbers > MAX_NUMBERS:
            raise ValueError("its arrays together are absurdly large")
        return count

    def matrix(self, start: int, end: int, depth: int) -> None:
        """Check the array whose contents lie between two positions."""
        if depth > _NESTING:
            raise ValueError("its arrays are nested too deeply")
        if start == end:
            return
        kind, flags, stop, position = self.tag(start, end)
        if kind != 6 or stop - flags != 8:
            raise ValueError("an array's flags are wrong")
        flags = struct.unpack_from(self.order + "I", self.data, flags)[0]
        kind_of_array, is_complex = flags & 0xFF, flags & 0x800
        if kind_of_array == _OPAQUE:
            raise ValueError("it holds a MATLAB object, which cannot be read")
        kind, first, stop, position = self.tag(position, end)
        if kind != 5 or not 8 <= stop - first <= 128 or (stop - first) % 4:
            raise ValueError("an array's dimensions are wrong")
        dimensions = struct.unpack_from(
            f"{self.order}{(stop - first) // 4}i", self.data, first
        )
        count = self.count(dimensions)
        kind, first, stop, position = self.tag(position, end)
        if kind != 1 or stop - first > 255:
            raise ValueError("an array's name is wrong")
        if kind_of_array == _CELL:
            self.matrices(count, position, end, depth)
        elif kind_of_array in (_STRUCT, _OBJECT):
            if kind_of_array == _OBJECT:
                position = self.tag(position, end)[3]
            kind, first, stop, position = self.tag(position, end)
            if kind != 5 or stop - first != 4:
                raise ValueError("a structure's header is wrong")
            length = struct.unpack_from(self.order + "i", self.data, first)[0]
            kind, first, stop, position = self.tag(position, end)
            if not 0 < length <= 64 or kind != 1 or (stop - first) % length:
                raise ValueError("a structure's fields are wrong")
            fields = (stop - first) // length
            if fields > 256:
                raise ValueError(f"a structure claims {fields} fields")
            if not fields and count > _UNBACKED:
                raise ValueError(f"a structure claims {count} elements")
            self.matrices(count * fields, position, end, depth)
        elif kind_of_array == _SPARSE:
            for _ in range(3 + bool(is_complex)):
                position = self.numeric(position, end, None)
        elif kind_of_array == _CHAR:
            # scipy fills up with blanks what is missing.
            if count > max(end - position, _UNBACKED):
                raise ValueError(f"a text claims {count} characters")
            self.numeric(position, end, None)
        elif 6 <= kind_of_array <= 15:
            for _ in range(1 + bool(is_complex)):
                position = self.numeric(position, end, count)
        else:
            raise ValueError(f"an array is of the unknown kind {kind_of_array}")

    def numeric(self, position: int, end: int, count: int | None) -> int:
        """Check an array of numbers; return where the next element is."""
        kind, first, stop, following = self.tag(position, end)
        width = _BYTES.get(kind)
        if width is None:
            raise ValueError(f"an array's data are of the unknown kind {kind}")
        if count is not None and stop - first != count * width:
            raise ValueError("an array's size is not that of its data")
        return following

    def matrices(self, count: int, position: int, end: int, depth: int) -> None:
        """Check the arrays that a cell array or structure holds."""
        # The least that each can take, so that a claimed number is bounded
        # by the size of the file.
        if count * 8 > end - position:
            raise ValueError(f"a cell array claims {count} elements")
        for _ in range(count):
            kind, first, stop, position = self.tag(position, end)
            if kind != _MATRIX:
                raise ValueError("a cell holds no array")
            self.matrix(first, stop, depth + 1)
