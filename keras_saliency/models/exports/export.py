"""One function for every format."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_saliency import images
from keras_saliency._utils.atomic import beside, explained, remove, replacing
from keras_saliency._utils.types import Array, ArrayLike, PathName
from keras_saliency.models.exports import to_onnx, to_others
from keras_saliency.models.exports.network import Network, network_of

# What the names of the files end in.
FORMATS = {
    "onnx": ".onnx",
    "litert": ".tflite",
    "saved_model": "",
    "openvino": ".xml",
}
# The precisions of each format.
PRECISIONS = {
    "onnx": ("float32", "float16", "int8"),
    "litert": ("float32", "float16", "int8"),
    "saved_model": ("float32",),
    "openvino": ("float32", "float16"),
}
# Backends from which a format can be written. The others read the same
# `.keras` file as these.
BACKENDS = {
    "onnx": ("tensorflow", "jax", "torch"),
    "litert": ("tensorflow",),
    "saved_model": ("tensorflow",),
    "openvino": ("tensorflow", "jax", "torch"),
}


def export(
    model: Any,
    path: PathName,
    *,
    format: str | None = None,
    precision: str = "float32",
    calibration: Iterable[ArrayLike | PathName] | None = None,
) -> Path:
    """Write a model as a file that needs no Keras.

    Its input are images, float32 `(batch, height, width, 3)`, RGB in 0..255,
    of the model's input size; its output are maps
    `(batch, height, width, 1)`. LiteRT takes one image at a time. What is
    done before and after (`SaliencyModel.map_steps`) stands in the file by
    name: `Predictor(path)` makes the same maps as the model.

    Args:
        model: A Keras model, or the name or file of one for `models.get`.
        path: The file to write, which is replaced; of a SavedModel the
            folder, which must not be there. OpenVINO's weights are beside it
            in `.bin`.
        format: `"onnx"`, `"litert"`, `"saved_model"` or `"openvino"`. The
            default is what the path ends in says: `.onnx`, `.tflite`, nothing,
            or `.xml`.
        precision: `"float32"`; `"float16"`, weights in half the size, with
            which a processor computes in 32 bits all the same; or `"int8"`,
            weights and activations in 8 bits. `PRECISIONS` says which a
            format has.
        calibration: For `"int8"`, images whose activations show the ranges:
            some hundred like those that the model is for; paths or arrays.

    Returns:
        The path.

    Raises:
        ValueError: If the format cannot be written from this backend or in
            this precision, or the model has steps without names.
        NotInstalledError: If a converter is not installed; the message names
            it.
    """
    path = Path(path)
    format = _format_of(path, format)
    if (precision == "int8") != (calibration is not None):
        raise ValueError(
            "Images for calibration= are needed for precision='int8', and "
            "only there."
        )
    _check(format, precision)
    if isinstance(model, (str, os.PathLike)):
        from keras_saliency.models.names import get

        model = get(model)
    network = network_of(model)
    if format == "litert" and None in network.shape:
        raise ValueError(
            "LiteRT takes images of one size: make the network for one, "
            f"instead of {network.shape}."
        )
    inputs = None if calibration is None else _inputs(network, calibration)
    if format == "saved_model":
        with explained(path):
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            path.parent.mkdir(parents=True, exist_ok=True)
            new = beside(path)
            try:
                to_others.write_saved_model(network, new)
                os.rename(new, path)
            finally:
                remove(new)
        return path
    with replacing(path) as new:
        if format == "onnx":
            to_onnx.write(network, new, precision, inputs)
        elif format == "litert":
            to_others.write_litert(network, new, precision, inputs)
        else:
            to_others.write_openvino(network, new, precision)
            os.replace(new.with_suffix(".bin"), path.with_suffix(".bin"))
    return path


def _format_of(path: Path, format: str | None) -> str:
    if format is None:
        by_end = {end: name for name, end in FORMATS.items()}
        format = by_end.get(path.suffix.lower())
    if format not in FORMATS:
        raise ValueError(
            f"The format must be one of {', '.join(FORMATS)}, or the file's "
            f"name end in {', '.join(filter(None, FORMATS.values()))}; "
            f"received {format!r} for {path}."
        )
    if path.suffix.lower() != FORMATS[format]:
        raise ValueError(
            f"A file of the format {format} ends in "
            f"{FORMATS[format] or 'no extension: it is a folder'}; received "
            f"{path}."
        )
    return format


def _check(format: str, precision: str) -> None:
    if precision not in PRECISIONS[format]:
        raise ValueError(
            f"{format} is written in {' or '.join(PRECISIONS[format])}; "
            f"received {precision!r}."
        )
    backend = keras.backend.backend()
    if backend not in BACKENDS[format]:
        raise ValueError(
            f"{format} cannot be written from {backend}, only from "
            f"{' or '.join(BACKENDS[format])}. A .keras file is read on any: "
            f"set the environment variable KERAS_BACKEND={BACKENDS[format][0]}."
        )


class _Inputs:
    """Prepared images, which can be gone through more than once."""

    def __init__(self, prepared: list[Array]) -> None:
        self._prepared = prepared

    def __iter__(self) -> Any:
        return (each.astype(np.float32) for each in self._prepared)


def _inputs(
    network: Network, calibration: Iterable[ArrayLike | PathName]
) -> _Inputs:
    size = None if None in network.shape[:2] else network.shape[:2]
    prepared = [
        network.steps.prepared(
            images.read_image(each)
            if isinstance(each, (str, os.PathLike))
            else images.check_image(each),
            size,  # type: ignore[arg-type]
        )
        for each in calibration
    ]
    if not prepared:
        raise ValueError("calibration= has no images.")
    return _Inputs(prepared)
