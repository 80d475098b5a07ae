"""Networks in files that need no Keras: ONNX, LiteRT, OpenVINO, SavedModel.

Each file holds the steps around its network beside it (`MapSteps`), as
`models.export` writes them; without any, images are stretched to the input.
"""

import functools
import importlib
import os
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_saliency._utils.errors import NotInstalledError
from keras_saliency._utils.types import Array, PathName
from keras_saliency.steps import FILE, KEY, Mapper, MapSteps, Network

_SAVED_MODEL = "saved_model.pb"

# Networks in larger files run on all cores at once: each core would need the
# memory of one.
_SMALL_BYTES = 2**24


class _Opened(NamedTuple):
    """A network, its input's shape, the steps as a text; see `Mapper`."""

    network: Network
    shape: tuple[int | None, ...]
    steps: str | None
    solo: Network | None = None


def is_exported(path: PathName) -> bool:
    """Return whether a path is that of an exported model, by its name."""
    path = Path(path)
    return path.suffix.lower() in _OPENERS or (path / _SAVED_MODEL).is_file()


def open_model(path: PathName) -> Mapper:
    """Return how an exported model makes maps.

    Args:
        path: A file `.onnx`, `.tflite` or `.xml`, or the folder of a
            SavedModel.

    Raises:
        ValueError: If there is no such file, if it cannot be read, or if it
            is no network from images to maps; the message names it.
        NotInstalledError: If what runs it is not installed.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"There is no model {path}.")
    opener = _OPENERS.get(path.suffix.lower(), _saved_model)
    try:
        opened = opener(path)
        text = opened.steps
        steps = MapSteps() if text is None else MapSteps.from_json(text)
    except NotInstalledError:
        raise
    except Exception as error:  # damage raises nearly anything
        raise ValueError(f"The model {path} cannot be read: {error}") from error
    shape = opened.shape
    if len(shape) != 4 or shape[3] != 3:
        raise ValueError(
            f"The model {path} must take images (batch, height, width, 3); "
            f"its input is {shape}."
        )
    one_by_one = shape[0] == 1
    height, width = shape[1:3]
    size = None if height is None or width is None else (height, width)

    def maps(network: Network, batch: Array) -> Array:
        batch = batch.astype(np.float32, copy=False)
        parts = np.split(batch, len(batch)) if one_by_one else [batch]
        result = np.concatenate([network(part) for part in parts])
        if result.ndim != 4 or result.shape[-1] != 1:
            raise ValueError(
                f"The model {path} must return maps (batch, height, width, 1); "
                f"received the shape {result.shape}."
            )
        return result[..., 0].astype(np.float32, copy=False)

    solo = opened.solo and functools.partial(maps, opened.solo)
    network = functools.partial(maps, opened.network)
    return steps.mapper(network, size)._replace(solo=solo)


def _imported(name: str, package: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotInstalledError(
            f"This model needs {package}: pip install {package} ({error})"
        ) from error


def _onnx(path: Path) -> _Opened:
    ort = _imported("onnxruntime", "onnxruntime")
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [p for p in wanted if p in ort.get_available_providers()]

    @functools.cache
    def session(threads: int) -> Any:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        # Waiting threads leave the cores to those that prepare and finish.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return ort.InferenceSession(str(path), options, providers)

    whole = session(0)  # as many threads as there are cores
    (entry,) = whole.get_inputs()

    def run(threads: int, batch: Array) -> Array:
        return session(threads).run(None, {entry.name: batch})[0]

    small = path.stat().st_size < _SMALL_BYTES and len(providers) == 1
    return _Opened(
        functools.partial(run, 0),
        tuple(s if isinstance(s, int) else None for s in entry.shape),
        whole.get_modelmeta().custom_metadata_map.get(KEY),
        functools.partial(run, 1) if small else None,
    )


def _litert(path: Path) -> _Opened:
    litert = _imported("ai_edge_litert.interpreter", "ai-edge-litert")
    interpreter = litert.Interpreter(str(path), num_threads=os.cpu_count() or 1)
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    (result,) = interpreter.get_output_details()
    lock = threading.Lock()

    def network(batch: Array) -> Array:
        with lock:
            interpreter.set_tensor(entry["index"], batch)
            interpreter.invoke()
            return interpreter.get_tensor(result["index"])

    text = None
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            text = archive.read(FILE).decode()
    return _Opened(network, tuple(map(int, entry["shape"])), text)


def _openvino(path: Path) -> _Opened:
    openvino = _imported("openvino", "openvino")
    model = openvino.Core().read_model(path)
    # Half precision, where a processor has it, changes the maps.
    compiled = openvino.compile_model(
        model, "AUTO", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    lock = threading.Lock()

    def network(batch: Array) -> Array:
        with lock:
            return compiled(batch)[0]

    shape = tuple(
        side.get_length() if side.is_static else None
        for side in model.input(0).partial_shape
    )
    has_steps = model.has_rt_info(KEY)
    text = str(model.get_rt_info(KEY).value) if has_steps else None
    return _Opened(network, shape, text)


def _saved_model(path: Path) -> _Opened:
    tensorflow = _imported("tensorflow", "tensorflow")
    loaded = tensorflow.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]
    ((name, spec),) = serve.structured_input_signature[1].items()
    steps = path / "assets.extra" / FILE

    def network(batch: Array) -> Array:
        # `loaded` keeps the weights.
        (maps,) = serve(**{name: batch}).values()
        return maps.numpy()

    network.loaded = loaded  # type: ignore[attr-defined]
    text = steps.read_text(encoding="utf-8") if steps.is_file() else None
    return _Opened(network, tuple(spec.shape), text)


_OPENERS: dict[str, Callable[[Path], _Opened]] = {
    ".onnx": _onnx,
    ".tflite": _litert,
    ".xml": _openvino,
}
