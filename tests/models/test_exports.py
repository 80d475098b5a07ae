"""Models in files of other formats, which make the same maps."""

import pickle
import sys

import keras
import numpy as np
import pytest
from media import PICTURE, write
from small_models import SMALL

from keras_saliency import Predictor, models
from keras_saliency.cli import main
from keras_saliency.models.exports import FORMATS, PRECISIONS, export
from keras_saliency.models.exports.export import BACKENDS
from keras_saliency.models.exports.network import network_of
from keras_saliency.steps import MapSteps

BACKEND = keras.backend.backend()
CONVERTERS = {
    "tensorflow": ("onnx", "onnxruntime", "tf2onnx"),
    "torch": ("onnx", "onnxruntime", "onnxscript"),
    "jax": ("onnx", "onnxruntime", "jax2onnx"),
}
RUNTIMES = {
    "onnx": CONVERTERS[BACKEND],
    "litert": ("ai_edge_litert",),
    "saved_model": ("tensorflow",),
    "openvino": (*CONVERTERS[BACKEND], "openvino"),
}
# What a converter or a runtime cannot do.
REFUSED = {
    ("dsclrcn", "litert", "int8"),
    ("dsclrcn", "openvino", "float32"),
    ("dsclrcn", "openvino", "float16"),
    ("icf", "litert", "int8"),
}
CALIBRATION = [np.roll(PICTURE, 9 * k, axis=1) for k in range(4)]


def made(name):
    keras.utils.set_random_seed(0)
    return models.MODELS[name](**SMALL[name])


def exported(model, folder, format, precision="float32"):
    for package in RUNTIMES[format]:
        pytest.importorskip(package)
    path = export(
        model,
        folder / f"exported{FORMATS[format]}",
        format=format,
        precision=precision,
        calibration=CALIBRATION if precision == "int8" else None,
    )
    return path, Predictor(path)


@pytest.fixture(scope="module")
def small():
    return made("fast_net")


@pytest.fixture(scope="module")
def half(small, tmp_path_factory):
    return exported(small, tmp_path_factory.mktemp("half"), "onnx", "float16")


@pytest.mark.parametrize(
    "precision",
    [
        "float16",
        pytest.param("float32", marks=pytest.mark.manual),
        pytest.param("int8", marks=pytest.mark.slow),
    ],
)
def test_onnx(small, precision, half, tmp_path):
    path, predictor = half
    if precision != "float16":
        path, predictor = exported(small, tmp_path, "onnx", precision)
    images = [PICTURE, PICTURE[:20], PICTURE[:, :30]]
    for image, map_ in zip(images, predictor.maps(images), strict=True):
        tolerance = 0.1 if precision == "int8" else 1e-3
        expected = Predictor(small)(image)
        np.testing.assert_allclose(map_, expected, atol=tolerance)
    assert [each.name for each in path.parent.iterdir()] == ["exported.onnx"]
    again = pickle.loads(pickle.dumps(predictor))
    np.testing.assert_array_equal(again(PICTURE), predictor(PICTURE))


@pytest.mark.slow
def test_steps_are_in_the_file(tmp_path):
    """The file has the network without its last layer, the steps blur."""
    model = made("shallow_net")
    _, predictor = exported(model, tmp_path, "onnx")
    np.testing.assert_allclose(
        predictor(PICTURE), Predictor(model)(PICTURE), atol=1e-4
    )


def test_a_file_of_another(half, tmp_path):
    """Without steps, images are stretched to the input."""
    onnx = pytest.importorskip("onnx")
    proto = onnx.load(half[0])
    del proto.metadata_props[:]
    path = tmp_path / "exported.onnx"
    onnx.save(proto, path)
    np.testing.assert_array_equal(Predictor(path)(PICTURE), half[1](PICTURE))
    onnx.helper.set_model_props(proto, {"keras_saliency": "{}"})
    onnx.save(proto, path)
    with pytest.raises(ValueError, match="exported.onnx cannot be read.*steps"):
        Predictor(path)


def test_steps_as_text():
    steps = models.SAMVGG(**SMALL["sam_vgg"]).map_steps()
    again = MapSteps.from_json(steps.to_json())
    assert again == steps and again.finish[1] == ("blur", 7.0)
    for text in ("nothing", "{}", '{"prepare": ["fly"], "finish": []}'):
        with pytest.raises(ValueError, match="cannot be read"):
            MapSteps.from_json(text)
    with pytest.raises(ValueError, match="no step .*known are stretch, pad"):
        MapSteps(("unpad",))


def test_what_cannot_be_exported(small, tmp_path):
    class Finished(models.SaliencyModel):
        def finish_map(self, map_, size):
            return map_

    own = Finished(small.inputs, small.outputs)
    images = keras.Input((8, 8, 3))
    half = keras.layers.Conv2D(1, 1, dtype="mixed_float16", name="mixed")
    half = keras.Model(images, half(images))
    for model, name, options, message in (
        (small, "a.h5", {}, "format must be one of onnx.*a.h5"),
        (small, "a.onnx", {"format": "litert"}, "ends in .tflite.*a.onnx"),
        (small, "a.onnx", {"precision": "int4"}, "onnx is written in float32"),
        (small, "a.onnx", {"precision": "int8"}, "calibration= are needed"),
        (small, "a.onnx", {"calibration": [PICTURE]}, "only there"),
        (half, "a.onnx", {}, "mixed computes in float16.*set_weights"),
        (own, "a.onnx", {}, "Finished has a finish_map of its own"),
        ("gbvs", "a.onnx", {}, "Only Keras models.*GBVS"),
        (
            small,
            "a.onnx",
            {"precision": "int8", "calibration": []},
            "has no images",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            export(model, tmp_path / name, **options)
    any_size = models.DeepConvNet((None, None, 3), filters=(4,) * 8)
    can = BACKEND in BACKENDS["litert"]
    message = "one size" if can else "KERAS_BACKEND=tensorflow"
    with pytest.raises(ValueError, match=message):
        export(any_size, tmp_path / "a.tflite")
    (tmp_path / "there").mkdir()
    with pytest.raises((OSError, ValueError), match="there|tensorflow"):
        export(small, tmp_path / "there", format="saved_model")


def test_network_of():
    model = models.ShallowNet(**SMALL["shallow_net"])
    network = network_of(model)
    assert network.model is model.network
    assert network.shape == (32, 48, 3)
    assert network.steps == model.map_steps()


@pytest.mark.manual
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", SMALL)
def test_table(name, format, tmp_path, capsys):
    """Every network in every format and precision, a line each (-s)."""
    if BACKEND not in BACKENDS[format]:
        pytest.skip(f"{format} is not written from {BACKEND}")
    model = made(name)
    image = write(tmp_path / "a.png")
    expected = Predictor(model)(image)
    for precision in PRECISIONS[format]:
        if (name, format, precision) in REFUSED:
            with pytest.raises(ValueError, match="Write"):
                exported(model, tmp_path, format, precision)
            continue
        folder = tmp_path / precision
        folder.mkdir()
        _, predictor = exported(model, folder, format, precision)
        map_ = predictor(image)
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        error = np.abs(map_ - expected).max()
        with capsys.disabled():
            print(
                f"\n| {BACKEND} | {name} | {format} | {precision} "
                f"| {size / 1e6:.2f} MB | {error:.1g} |",
                flush=True,
            )
        if precision == "float32":
            assert error < 1e-3


class Unknown(keras.layers.Layer):
    """A layer whose operation ONNX lacks, on TensorFlow."""

    def call(self, inputs):
        import tensorflow as tf

        return tf.bitcast(tf.bitcast(inputs, tf.int32), tf.float32)


def test_an_operation_that_a_format_lacks_is_refused(tmp_path):
    if BACKEND != "tensorflow":
        pytest.skip("the operation is TensorFlow's")
    pytest.importorskip("tf2onnx")
    inputs = keras.Input((8, 12, 3))
    maps = Unknown()(keras.layers.Conv2D(1, 1)(inputs))
    path = tmp_path / "exported.onnx"
    path.write_bytes(b"what was there before")
    with pytest.raises(ValueError, match="ONNX has no operation Bitcast"):
        export(models.SaliencyModel(inputs, maps), path)
    assert path.read_bytes() == b"what was there before"


@pytest.mark.further
def test_a_loop_is_not_quantized_for_litert(tmp_path):
    """TensorFlow would end the process."""
    if BACKEND != "tensorflow":
        pytest.skip("LiteRT is written from TensorFlow")
    with pytest.raises(ValueError, match="network with a loop.*ONNX"):
        export(
            made("dsclrcn"),
            tmp_path / "exported.tflite",
            precision="int8",
            calibration=CALIBRATION,
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["deepgaze1", "icf"])
def test_a_density_is_exported(name, tmp_path):
    """Its peak is found by what ONNX has."""
    model = made(name)
    _, predictor = exported(model, tmp_path, "onnx")
    np.testing.assert_allclose(
        predictor(PICTURE), Predictor(model)(PICTURE), atol=1e-4
    )


def test_command(small, tmp_path, capsys):
    for package in RUNTIMES["onnx"]:
        pytest.importorskip(package)
    small.save(tmp_path / "small.keras")
    words = ["export", f"{tmp_path}/small.keras", "-o", f"{tmp_path}/a.onnx"]
    assert main([*words, "--image", str(write(tmp_path / "a.png"))]) == 0
    said = capsys.readouterr().out
    assert "a.onnx: maps differ by at most" in said
    assert float(said.split("at most ")[1].split(",")[0]) < 1e-5
    assert main([*words, "--int8"]) == 2
    assert "calibration" in capsys.readouterr().err


def test_command_without_the_runtime(small, tmp_path, capsys, monkeypatch):
    for package in RUNTIMES["onnx"]:
        pytest.importorskip(package)
    small.save(tmp_path / "small.keras")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    words = ["export", f"{tmp_path}/small.keras", "-o", f"{tmp_path}/a.onnx"]
    assert main(words) != 0
    said = capsys.readouterr().err
    assert "a.onnx was written" in said and "pip install onnxruntime" in said
    assert (tmp_path / "a.onnx").stat().st_size > 1000
