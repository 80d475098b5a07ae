"""Weights that Keras 1 wrote on Theano: HDF5 files, whatever their name."""

import re
from collections.abc import Sequence

import h5py

from keras_saliency._utils import hdf5
from keras_saliency._utils.types import Array, PathName
from keras_saliency.models.importers import _files

# SAM-ResNet's 70 million numbers take 281 MB; a checkpoint with the state of
# its optimizer twice that.
_MAX_BYTES = 2**31
# Far more than a network has.
_MAX_LAYERS = 2000
_MAX_OBJECTS = 2**14


def read(
    path: PathName,
    expected: dict[str, list[Sequence[Sequence[int]]]],
    what: str,
) -> dict[str, list[list[Array]]]:
    """Read the arrays of a file's layers.

    No other file is opened, and no array is read before its shape is known.

    Args:
        path: The file.
        expected: Dictionary from a layer's name, or from a kind of layers
            that Keras numbers (`convolution2d` of `convolution2d_3`), to a
            list with the shapes of the arrays of each such layer, in order.
        what: What the file should hold, for errors.

    Returns:
        Dictionary of the same form with float32 arrays in place of shapes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, too large, or holds other layers.
    """
    _files.check_start(
        path,
        b"\x89HDF\r\n\x1a\n",
        f"is no HDF5 file, which the weights of {what} are although they are "
        "called .pkl. A pickle is not read, because it can run any program.",
    )
    what = f"{what} as Keras 1 wrote them"
    with _files.reading(path, what, _MAX_BYTES):
        hdf5.check(path, most_bytes=_MAX_BYTES, most_objects=_MAX_OBJECTS)
        with h5py.File(path, "r") as file:
            return _arrays(file, expected)


def _arrays(file, expected):
    root = file
    if "layer_names" not in file.attrs and "model_weights" in file:
        # A whole model, as a checkpoint has it.
        root = _own(file, "model_weights", h5py.Group)
    found: dict[str, list] = {key: [] for key in expected}
    for layer in _names(root, "layer_names"):
        group = _own(root, layer, h5py.Group)
        names = _names(group, "weight_names")
        if not names:
            continue
        key = layer if layer in expected else re.sub(r"_\d+$", "", layer)
        if key not in expected:
            raise ValueError(f"it has a layer {layer!r}, which is unknown")
        index = len(found[key])
        if index == len(expected[key]):
            raise ValueError(
                f"it has more than {index} layers {key!r} with weights"
            )
        found[key].append(
            _layer_arrays(group, names, expected[key][index], layer)
        )
    for key, layers in found.items():
        if len(layers) != len(expected[key]):
            raise ValueError(
                f"it has {len(layers)} layers {key!r} with weights, not "
                f"{len(expected[key])}"
            )
    return found


def _layer_arrays(group, names, shapes, layer):
    if len(names) != len(shapes):
        raise ValueError(
            f"{layer} has {len(names)} arrays instead of {len(shapes)}"
        )
    arrays = []
    for name, shape in zip(names, shapes, strict=True):
        dataset, title = _own(group, name, h5py.Dataset), f"{name} of {layer}"
        _files.check_kind(dataset, shape, title)
        arrays.append(_files.finite(dataset[()], title))
    return arrays


def _names(group, attribute):
    """Return the list of names that Keras keeps as an attribute."""
    if attribute not in group.attrs:
        raise ValueError(f"{group.name} has no attribute {attribute!r}")
    shape = group.attrs.get_id(attribute).shape
    if len(shape) != 1 or shape[0] > _MAX_LAYERS:
        raise ValueError(f"{attribute!r} of {group.name} has shape {shape}")
    names = group.attrs[attribute]
    return [n.decode() if isinstance(n, bytes) else str(n) for n in names]


def _own(group, name, kind):
    """Return a member of this very file, not what a link points to."""
    if name not in group:
        raise ValueError(f"{group.name} has no {name!r}")
    member = group[name]
    if not isinstance(member, kind):
        raise ValueError(f"{name!r} is no {kind.__name__.lower()}")
    elsewhere = member.file.filename != group.file.filename
    if kind is h5py.Dataset:
        elsewhere = elsewhere or member.is_virtual or bool(member.external)
    if elsewhere:
        raise ValueError(f"{name!r} lies in another file")
    return member
