"""Keras models from files that are not trusted."""

import json
import math
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras

from keras_saliency._utils import hdf5
from keras_saliency._utils.checks import check_regular
from keras_saliency._utils.types import PathName

_WEIGHTS = "model.weights.h5"
# SAM-ResNet, with its optimizer's state, takes 850 MB.
_MOST_BYTES = 2**32
_MOST_TEXT = 2**26
_MOST_OBJECTS = 2**16
# Numbers that a model may have beyond those in its file, and that one output
# of a layer may have for one image: 2 GiB.
_FREE = 2**20
_MOST_OUTPUTS = 2**29


def read_model(path: PathName, *, trusted: bool = False) -> keras.Model:
    """Read a model from a `.keras` file, not compiled.

    A file that asks for more memory than its weights take, or that makes the
    HDF5 library hang, is refused before the model is made. Code in it is not
    run.

    Args:
        path: The file.
        trusted: Whether its checksum was right, so that it is not checked.

    Raises:
        ValueError: If it is damaged, refused, or no Keras model; the message
            names the file.
    """
    try:
        if not trusted:
            _check(path)
        return keras.models.load_model(path, compile=False)
    except MemoryError as error:
        raise ValueError(
            f"The file {path} cannot be read as a Keras model: it asks for "
            "more memory than there is."
        ) from error
    except Exception as error:  # damage raises nearly anything
        raise ValueError(
            f"The file {path} cannot be read as a Keras model: "
            f"{error or repr(error)}"
        ) from error


def _check(path: PathName) -> None:
    check_regular(path)
    with zipfile.ZipFile(path) as archive:
        total = 0
        for info in archive.infolist():
            total += info.file_size
            text = info.filename.endswith(".json")
            if info.file_size > _MOST_TEXT and text or total > _MOST_BYTES:
                raise ValueError(
                    f"{info.filename} claims {info.file_size} bytes"
                )
        names = archive.namelist()
        config = json.loads(archive.read("config.json"))
    if _WEIGHTS in names:
        stored = hdf5.check(
            path,
            member=_WEIGHTS,
            most_bytes=_MOST_BYTES,
            most_objects=_MOST_OBJECTS,
        )
        _check_size(config, stored)


def _check_size(config: Any, stored: int) -> None:
    """Raise if a model asks for more memory than its file has numbers."""
    # What Keras keeps of the variables ends with the thread.
    with ThreadPoolExecutor(1) as pool:
        try:
            wanted, outputs = pool.submit(_sizes, config).result()
        except Exception as error:
            # Such as a class that is known to the caller's thread alone.
            if _largest(config) > _FREE:
                raise ValueError(
                    f"its configuration has absurdly large numbers ({error})"
                ) from error
            return
    if wanted > 1.1 * stored + _FREE:
        raise ValueError(
            f"it has {stored} numbers, but its model asks for {wanted}"
        )
    for name, shape in outputs.items():
        if math.prod(side or 1 for side in shape) > _MOST_OUTPUTS:
            raise ValueError(f"its layer {name} makes outputs of shape {shape}")


def _sizes(config: Any) -> tuple[int, dict[str, tuple[int | None, ...]]]:
    """Return a model's number of weights and the shapes of its outputs.

    The model is made without values, which takes no memory.
    """
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
        wanted = sum(math.prod(variable.shape) for variable in model.variables)
        outputs = {
            layer.name: tuple(output.shape)
            for layer in model.layers
            for output in keras.tree.flatten(getattr(layer, "output", ()))
        }
    return wanted, outputs


def _largest(value: Any) -> float:
    """Return the largest number in what JSON holds."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return max(map(_largest, value), default=0)
    return value if isinstance(value, int | float) else 0
