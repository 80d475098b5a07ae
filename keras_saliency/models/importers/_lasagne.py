"""Parameters that Lasagne's `get_all_param_values` gave, in a `.npz` file."""

import math
import zipfile
from collections.abc import Sequence

from keras_saliency._utils.types import Array, PathName
from keras_saliency.images import parse_npy
from keras_saliency.models.importers import _files

# ShallowNet's arrays take 139 MB.
_MAX_BYTES = 2**31
# Size of the header of an array in a `.npz` file, in fact about 100 bytes.
_HEADER = 4096


def read(
    path: PathName, shapes: Sequence[Sequence[int]], what: str
) -> list[Array]:
    """Read `arr_0`, `arr_1`, ... of a `.npz` file of known shapes.

    Nothing is unpickled, and no more is read than the expected arrays take.

    Args:
        path: The file.
        shapes: Shape of each array, in order.
        what: What the file should hold, for errors.

    Returns:
        List of float32 arrays.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, a pickle, or holds other arrays.
    """
    _files.check_start(
        path,
        b"PK\x03\x04",
        "is no .npz file of NumPy. A pickle is not read, because it can run "
        "any program: convert it where the authors' software is installed, "
        "with numpy.savez(path, "
        "*lasagne.layers.get_all_param_values(output_layer)).",
    )
    with (
        _files.reading(path, what, _MAX_BYTES),
        zipfile.ZipFile(path) as archive,
    ):
        names = {info.filename for info in archive.infolist()}
        expected = [f"arr_{i}.npy" for i in range(len(shapes))]
        if names != set(expected):
            raise ValueError(
                f"it holds {len(names)} arrays, not arr_0 to "
                f"arr_{len(shapes) - 1}"
            )
        return [
            _array(archive, name, shape)
            for name, shape in zip(expected, shapes, strict=True)
        ]


def _array(archive, name, shape):
    limit = 8 * math.prod(shape) + _HEADER
    with archive.open(name) as member:
        data = member.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{name} is larger than an array of shape {shape}")
    array = parse_npy(data)
    _files.check_kind(array, shape, name)
    return _files.finite(array, name)
