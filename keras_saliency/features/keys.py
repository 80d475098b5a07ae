"""The key of a feature cache: a hash of everything that features depend on."""

import hashlib
import json
import re
import types
from typing import Any

import keras
import numpy as np

from keras_saliency import inference
from keras_saliency.datasets.sequence import SaliencySequence

# Part of the key: a change of the layout on disk, or of what is stored, makes
# older caches unfindable instead of wrong.
FORMAT = 1

# Entries of a configuration that hold names of layers, those that say nothing
# about what the network computes, and those that Keras draws for each object:
# random layers do nothing in inference, and initial weights are hashed.
_REFERENCES = {"name", "keras_history", "input_layers", "output_layers"}
_IRRELEVANT = {"trainable", "shared_object_id", "build_config"}
_DRAWN = {"seed"}
# How Python shows what it knows nothing of.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def cache_key(
    backbone: keras.Model, sequence: SaliencySequence, dtype: str
) -> str:
    """Hash everything that the features depend on.

    Args:
        backbone: The model; it is built if it is not yet.
        sequence: The images.
        dtype: Type of the features on disk.

    Returns:
        32 hexadecimal digits.

    Raises:
        ValueError: If the backbone has no configuration.
    """
    dataset = sequence.dataset
    if not backbone.built:
        inference.outputs_of(backbone, sequence.images([(0, False)]))
    state = hashlib.blake2b(digest_size=16)
    description = {
        "format": FORMAT,
        "keras": keras.version(),
        "backend": keras.config.backend(),
        "dtype": dtype,
        "flip": bool(sequence.flip),
        "image_size": sequence.image_size,
        "images": [
            (name, dataset.digest(i)) for i, name in enumerate(dataset.names)
        ],
        "architecture": _architecture(backbone),
    }
    if sequence.augment is not None:
        description["augment"] = [
            sequence.augment,
            _code(sequence.augment),
            sequence.versions,
            sequence.seed,
            # Fixations and densities are moved along, and a sample that would
            # lose all of them stays as it is.
            [sequence.map_size, sequence.sigma, _truth(sequence)],
        ]
    state.update(
        json.dumps(description, sort_keys=True, default=_as_json).encode()
    )
    for weight in backbone.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        state.update(f"{values.shape}{values.dtype.str}".encode())
        state.update(
            values.view("uint8").data if values.ndim else values.tobytes()
        )
    return state.hexdigest()


def _code(augment: Any) -> Any:
    """Return what a function does, without those that it calls."""
    function = getattr(augment, "__code__", augment)
    if not isinstance(function, types.CodeType):
        return None
    constants = [
        _code(constant) if isinstance(constant, types.CodeType) else constant
        for constant in function.co_consts
    ]
    defaults = [
        getattr(augment, name, None)
        for name in ("__defaults__", "__kwdefaults__")
    ]
    return [function.co_code, function.co_names, constants, defaults]


def _truth(sequence: SaliencySequence) -> str:
    """Return a hash of the fixations and densities of all images."""
    dataset = sequence.dataset
    state = hashlib.blake2b(digest_size=16)
    for i in range(len(dataset)):
        state.update(sequence.targets([(i, 0)]).data)
        if dataset.has_fixations:
            for positions in dataset.fixation_points(i):
                state.update(np.ascontiguousarray(positions).data)
    return state.hexdigest()


def _architecture(backbone: keras.Model) -> dict[str, Any]:
    """Return the configuration without what changes from run to run.

    Operations that the user does not name are numbered within the process,
    so their names are replaced by their place in the model.
    """
    try:
        config = backbone.get_config()
    except NotImplementedError as error:
        raise ValueError(
            f"The backbone {backbone.name!r} cannot be recognized in the "
            "cache, for it has no configuration: make it a functional model "
            "or give it get_config()."
        ) from error
    places: dict[str, str] = {}

    def collect(layer: Any) -> None:
        places.setdefault(layer.name, f"layer {len(places)}")
        # Operations are layers and the plain `keras.ops` between them.
        layers = getattr(layer, "layers", ())
        for operation in getattr(layer, "operations", None) or layers:
            collect(operation)

    def walk(value: Any, is_reference: bool = False) -> Any:
        if isinstance(value, dict):
            if value.get("class_name") == "InputLayer":
                # A sequential model does not count it among its layers.
                name = value["config"]["name"]
                places.setdefault(name, f"layer {len(places)}")
            return {
                str(key): None
                if key in _DRAWN
                else item
                if key == "dtype"
                # The names of inputs and outputs may stand in a dictionary.
                else walk(item, is_reference or key in _REFERENCES)
                for key, item in value.items()
                if key not in _IRRELEVANT
            }
        if isinstance(value, (list, tuple)):
            return [walk(item, is_reference) for item in value]
        if is_reference and isinstance(value, str):
            return places.get(value, value)
        return value

    collect(backbone)
    return walk({"class": type(backbone).__name__, "config": config})


def _as_json(value: Any) -> Any:
    """Return what JSON does not know as the same in each process.

    Raises:
        ValueError: If that cannot be told of it, as of an open file.
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, bytes):
        return hashlib.blake2b(value, digest_size=16).hexdigest()
    if isinstance(value, np.ndarray) or keras.ops.is_tensor(value):
        # The `repr` of a long array leaves out most of it.
        array = np.ascontiguousarray(keras.ops.convert_to_numpy(value))
        return [array.shape, array.dtype.str, _as_json(array.tobytes())]
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        text = f"{value.__module__}.{value.__qualname__}"
        known = "<" not in text  # else one of many: a lambda, or a local one
    elif hasattr(value, "get_config"):
        return [_as_json(type(value)), value.get_config()]
    else:
        text = repr(value)
        known = not _ADDRESS.search(text)
    if not known:
        raise ValueError(
            f"What is cached cannot be recognized: the configuration of the "
            f"backbone, or augment=, holds {text[:200]}, which cannot be told "
            "from others of its kind. Let get_config() return numbers, "
            "strings, arrays, Keras objects, or functions of a module; an "
            "object for augment= needs a repr with all its settings."
        )
    return text
