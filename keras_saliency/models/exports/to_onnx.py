"""ONNX from TensorFlow, JAX and PyTorch."""

import contextlib
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_saliency._utils.types import Array
from keras_saliency.models.exports.network import (
    INPUT,
    OUTPUT,
    Network,
    first_line,
    needed,
)
from keras_saliency.steps import KEY

_OPSET = 18
# The converter's switch for copying the graph before each of its passes.
_COPIES = "TF2ONNX_CATCH_ERRORS"
# Weights of fewer numbers keep 32 bits.
_FEW = 64


def write(
    network: Network,
    path: Path,
    precision: str,
    calibration: Iterable[Array] | None,
) -> None:
    """Write a network as ONNX.

    Args:
        network: The network.
        path: The file.
        precision: `"float32"`; `"float16"`, weights in half the size, which
            are widened when the file is loaded; or `"int8"`.
        calibration: For `"int8"`, inputs `(height, width, 3)`.

    Raises:
        NotInstalledError: If the backend's converter is not installed.
        ValueError: If ONNX lacks an operation of the network.
    """
    onnx = needed("onnx", "onnx")
    proto = _CONVERTERS[keras.backend.backend()](network)
    _check_operations(onnx, proto)
    batch = proto.graph.input[0].type.tensor_type.shape.dim[0]
    if not batch.dim_value:
        batch.dim_param = "batch"
    used = {name for node in proto.graph.node for name in node.input}
    weights = [w for w in proto.graph.initializer if w.name in used]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(weights)
    if precision == "float16":
        _narrow(onnx, proto)
    proto.producer_name = KEY
    if precision == "int8":
        assert calibration is not None
        _quantize(onnx, proto, path, calibration)
        proto = onnx.load(path)
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, {KEY: network.steps.to_json()})
    onnx.save(proto, path)
    _check_opens(path)


def _check_opens(path: Path) -> None:
    """Refuse what ONNX Runtime, if it is installed, does not open."""
    with contextlib.suppress(ImportError):
        import onnxruntime

        try:
            onnxruntime.InferenceSession(path)
        except Exception as error:  # of kinds that it does not show
            raise ValueError(
                "ONNX Runtime does not open what was converted "
                f"({first_line(error)}). Export the network from another "
                "backend, or as a SavedModel."
            ) from error


def _check_operations(onnx: Any, proto: Any) -> None:
    """Refuse what no runtime would open; converters only log it."""
    own = {(each.domain, each.name) for each in proto.functions}
    unknown = {
        node.op_type
        for node in proto.graph.node
        if (node.domain, node.op_type) not in own
        and not onnx.defs.has(node.op_type, node.domain)
    }
    if unknown:
        raise ValueError(
            f"ONNX has no operation {', '.join(sorted(unknown))}, which a "
            "layer of this network becomes. Replace that layer, or write a "
            "SavedModel."
        )


def _of_tensorflow(network: Network) -> Any:
    tf = needed("tensorflow", "tensorflow")
    converter = needed("tf2onnx", "tf2onnx")
    onnx = needed("onnx", "onnx")
    weights = {f"weight_{i}": v for i, v in enumerate(network.variables)}

    def call(images: Any, *values: Any) -> dict[str, Any]:
        return {OUTPUT: network.call(images, values)}

    # The weights are inputs while the graph is converted, which copies its
    # constants many times: gigabytes, of a large network.
    signature = [
        tf.TensorSpec((None, *network.shape), tf.float32, name=INPUT),
        *(
            tf.TensorSpec(v.shape, tf.as_dtype(v.dtype), name=name)
            for name, v in weights.items()
        ),
    ]
    function = tf.function(call, input_signature=signature, autograph=False)
    with _environment(_COPIES, "FALSE"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proto, _ = converter.convert.from_function(
            function, signature, opset=_OPSET
        )
    graph = proto.graph
    given = [entry for entry in graph.input if entry.name not in weights]
    del graph.input[:]
    graph.input.extend(given)
    graph.initializer.extend(
        onnx.numpy_helper.from_array(keras.ops.convert_to_numpy(v), name)
        for name, v in weights.items()
    )
    return proto


def _of_torch(network: Network) -> Any:
    torch = needed("torch", "torch")
    needed("onnxscript", "onnxscript")

    class Wrapped(torch.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.model = network.model

        def forward(self, images: Any) -> Any:
            return network.call(images)

    # A size of 1 would be taken for one that never changes.
    example = torch.zeros((2, *(side or 64 for side in network.shape)))
    sizes = {0: torch.export.Dim("batch", min=1)}
    for axis, side in enumerate(network.shape, start=1):
        if side is None:
            sizes[axis] = torch.export.Dim.AUTO
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Wrapped().eval(),
            (example.to(keras.src.backend.torch.core.get_device()),),
            dynamo=True,
            dynamic_shapes={INPUT: sizes},
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=_OPSET,
            verbose=False,
        )
    return program.model_proto


def _of_jax(network: Network) -> Any:
    converter = needed("jax2onnx", "jax2onnx")
    if None in network.shape:
        raise ValueError(
            "From JAX, a network is exported for images of one size: make it "
            f"for one, instead of {network.shape}, or export it from "
            "tensorflow or torch (environment variable KERAS_BACKEND)."
        )
    # Of one image: what is known only at run time stops the converter.
    proto = converter.to_onnx(
        network.call,
        inputs=[(1, *network.shape)],
        input_names=[INPUT],
        output_names=[OUTPUT],
        opset=_OPSET,
    )
    _pool_in_two_dimensions(needed("onnx", "onnx"), proto)
    return proto


def _pool_in_two_dimensions(onnx: Any, proto: Any) -> None:
    """Pool over height and width only.

    The converter pools over all four axes, in windows of one image and one
    channel; ONNX Runtime has at most three. What it gives the pooling, two
    axes of length 1 before the four, is transposed instead.
    """
    graph = proto.graph
    for pool in list(graph.node):
        options = {
            entry.name: onnx.helper.get_attribute_value(entry)
            for entry in pool.attribute
        }
        window = options.get("kernel_shape", ())
        if pool.op_type != "MaxPool" or len(window) != 4:
            continue
        if (window[0], window[3]) != (1, 1) or any(options.get("pads", ())):
            raise ValueError(f"The pooling {pool.name} cannot be exported.")
        (squeeze,) = (n for n in graph.node if pool.output[0] in n.input)
        (second,) = (n for n in graph.node if pool.input[0] in n.output)
        (first,) = (n for n in graph.node if second.input[0] in n.output)
        flat, pooled = f"{pool.name}_flat", f"{pool.name}_pooled"
        steps = [
            onnx.helper.make_node(
                "Transpose", [first.input[0]], [flat], perm=(0, 3, 1, 2)
            ),
            onnx.helper.make_node(
                "MaxPool",
                [flat],
                [pooled],
                kernel_shape=window[1:3],
                strides=options["strides"][1:3],
                dilations=options.get("dilations", (1, 1, 1, 1))[1:3],
            ),
            onnx.helper.make_node(
                "Transpose", [pooled], list(squeeze.output), perm=(0, 2, 3, 1)
            ),
        ]
        at = list(graph.node).index(pool)
        replaced = {first.output[0], second.output[0], pool.output[0]}
        kept = list(graph.node)
        kept[at : at + 1] = steps
        kept = [
            node
            for node in kept
            if node not in (squeeze,) and not replaced & set(node.output)
        ]
        del graph.node[:]
        graph.node.extend(kept)


_CONVERTERS = {
    "tensorflow": _of_tensorflow,
    "torch": _of_torch,
    "jax": _of_jax,
}


def _narrow(onnx: Any, proto: Any) -> None:
    """Store weights in 16 bits; a cast widens them, once, at loading."""
    graph = proto.graph
    casts = []
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _FEW:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.isfinite(half).all():
            raise ValueError(
                f"A weight of the network, {np.abs(values).max():g}, is too "
                "large for float16: export it in float32."
            )
        name = weight.name
        weight.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}_float16"))
        casts.append(
            onnx.helper.make_node(
                "Cast", [weight.name], [name], to=onnx.TensorProto.FLOAT
            )
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _quantize(
    onnx: Any, proto: Any, path: Path, calibration: Iterable[Array]
) -> None:
    """Write the network with weights and activations in 8 bits."""
    quantization = needed("onnxruntime.quantization", "onnxruntime")
    prepare = needed("onnxruntime.quantization.shape_inference", "onnxruntime")

    class Reader(quantization.CalibrationDataReader):  # type: ignore[name-defined]
        def __init__(self) -> None:
            self.inputs = iter(calibration)

        def get_next(self) -> dict[str, Array] | None:
            image = next(self.inputs, None)
            return image if image is None else {INPUT: image[None]}

    with tempfile.TemporaryDirectory() as folder:
        whole, prepared = (Path(folder, name) for name in ("a.onnx", "b.onnx"))
        onnx.save(proto, whole)
        prepare.quant_pre_process(whole, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            path,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
        )


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
