"""LiteRT, SavedModel and OpenVINO."""

import contextlib
import re
import tempfile
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras

from keras_saliency._utils.types import Array
from keras_saliency.models.exports import to_onnx
from keras_saliency.models.exports.network import (
    INPUT,
    OUTPUT,
    Network,
    first_line,
    needed,
)
from keras_saliency.steps import FILE, KEY


def write_litert(
    network: Network,
    path: Path,
    precision: str,
    calibration: Iterable[Array] | None,
) -> None:
    """Write a network as LiteRT, formerly TensorFlow Lite.

    Args:
        network: The network, of a fixed input size.
        path: The file.
        precision: `"float32"`; `"float16"`, weights in half the size; or
            `"int8"`, weights and activations, with input and output in
            float32 all the same.
        calibration: For `"int8"`, inputs `(height, width, 3)`.

    Raises:
        ValueError: If LiteRT lacks an operation of the network, or cannot
            quantize it.
    """
    tf = needed("tensorflow", "tensorflow")
    weights = [
        keras.ops.convert_to_numpy(variable) for variable in network.variables
    ]

    # A quantized file holds no variables, so the weights are constants.
    def call(images: Any) -> dict[str, Any]:
        return {OUTPUT: network.call(images, list(map(tf.constant, weights)))}

    spec = tf.TensorSpec((1, *network.shape), tf.float32, name=INPUT)
    function = tf.function(call, input_signature=[spec], autograph=False)
    concrete = function.get_concrete_function()
    if precision == "int8":
        _check_loops(concrete)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if precision == "int8":
            assert calibration is not None
            converter.representative_dataset = lambda: (
                [image[None]] for image in calibration
            )
        content = _converted(converter)
    _check_opens(content)
    path.write_bytes(content)
    # Readers of the format pass over what follows it.
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FILE, network.steps.to_json())


def _check_loops(concrete: Any) -> None:
    """Refuse loops, at which TensorFlow's calibration ends the process."""
    graph = concrete.graph.as_graph_def()
    nodes = [
        *graph.node,
        *(node for each in graph.library.function for node in each.node_def),
    ]
    if any(node.op in ("While", "StatelessWhile") for node in nodes):
        raise ValueError(
            "LiteRT cannot quantize a network with a loop, such as a recurrent "
            "layer has. Write it in float16, or in int8 as ONNX."
        )


def _converted(converter: Any) -> bytes:
    try:
        return bytes(converter.convert())
    except Exception as error:  # of a kind that TensorFlow does not show
        raise ValueError(
            "LiteRT lacks an operation that a layer of this network becomes "
            f"({first_line(error)}). Replace that layer, or write ONNX or a "
            "SavedModel."
        ) from error


def _check_opens(content: bytes) -> None:
    """Refuse what LiteRT, if it is installed, does not open."""
    with contextlib.suppress(ImportError):
        from ai_edge_litert.interpreter import Interpreter

        try:
            Interpreter(model_content=content).allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"LiteRT does not open what TensorFlow wrote ({error}). Write "
                "the network in another precision, or as ONNX."
            ) from error


def write_saved_model(network: Network, path: Path) -> None:
    """Write a network as a SavedModel of TensorFlow, a folder."""
    needed("tensorflow", "tensorflow")
    archive = keras.export.ExportArchive()
    archive.track(network.model)
    archive.add_endpoint(
        "serve",
        lambda images: {OUTPUT: network.call(images)},
        input_signature=[
            keras.InputSpec(
                shape=(None, *network.shape), dtype="float32", name=INPUT
            )
        ],
        **({"is_static": True} if keras.backend.backend() == "jax" else {}),
    )
    archive.write_out(str(path), verbose=False)
    steps = path / "assets.extra" / FILE
    steps.parent.mkdir()
    steps.write_text(network.steps.to_json(), encoding="utf-8")


def write_openvino(network: Network, path: Path, precision: str) -> None:
    """Write a network as OpenVINO's two files, by way of ONNX.

    Args:
        network: The network.
        path: The file `.xml`; the weights are beside it in `.bin`.
        precision: `"float32"` or `"float16"`, weights in half the size.

    Raises:
        ValueError: If OpenVINO lacks an operation of the network.
    """
    openvino = needed("openvino", "openvino")
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "network.onnx")
        to_onnx.write(network, whole, "float32", None)
        try:
            model = openvino.convert_model(str(whole))
        except Exception as error:  # of a kind that OpenVINO does not show
            operations = re.findall(r"failed for (\S+)", str(error))
            raise ValueError(
                "OpenVINO cannot convert this network"
                + f": {', '.join(operations)}" * bool(operations)
                + ". Write it as ONNX or as a SavedModel."
            ) from error
        model.set_rt_info(network.steps.to_json(), KEY)
        openvino.save_model(
            model, path, compress_to_fp16=precision == "float16"
        )
