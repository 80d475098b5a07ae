"""Parameters that Lasagne's `get_all_param_values` gave, in a `.npz` file."""

import math
import zipfile

import numpy as np

from keras_saliency.images import parse_npy

# Of the header of an array in a `.npz` file; in fact it has about 100 bytes.
_HEADER = 4096


def read(path, shapes, what):
    """Read `arr_0`, `arr_1`, ... of a `.npz` file of known shapes.

    Never unpickles, and reads no more than the arrays that are expected take.

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
    with open(path, "rb") as file:
        start = file.read(4)
    if start != b"PK\x03\x04":
        raise ValueError(
            f"The file {path} is no .npz file of NumPy. A pickle is not read, "
            "because it can run any program: convert it where the authors' "
            "software is installed, with numpy.savez(path, "
            "*lasagne.layers.get_all_param_values(output_layer))."
        )
    try:
        with zipfile.ZipFile(path) as archive:
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
    except Exception as error:  # A damaged archive raises nearly anything.
        raise ValueError(
            f"The file {path} does not hold the weights of {what}: {error}."
        ) from error


def _array(archive, name, shape):
    limit = 8 * math.prod(shape) + _HEADER
    with archive.open(name) as member:
        data = member.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{name} is larger than an array of shape {shape}")
    array = parse_npy(data)
    if array.shape != tuple(shape) or array.dtype.kind != "f":
        raise ValueError(
            f"{name} is {array.dtype} of shape {array.shape}, where floats of "
            f"shape {tuple(shape)} belong"
        )
    return checked(array, name)


def checked(array, name):
    """The array in float32, every value finite."""
    array = np.asarray(array, dtype="float32")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite")
    return array


def convolution_shapes(layer):
    """Shapes of kernel and bias of a `Conv2D` as Lasagne has them."""
    height, width, channels, filters = layer.kernel.shape
    return [(filters, channels, height, width), (filters,)]


def convolution_kernel(kernel, flipped):
    """Kernel of a `Conv2D` from one of Lasagne.

    Args:
        kernel: Array `(filters, channels, height, width)`.
        flipped: Whether the layer convolves, which turns the kernel by 180
            degrees, or correlates as Keras does.
    """
    if flipped:
        kernel = kernel[:, :, ::-1, ::-1]
    return kernel.transpose(2, 3, 1, 0)
