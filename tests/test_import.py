"""Importing the package is cheap, and is enough for Keras to read its files."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import keras_saliency
from keras_saliency import losses, models

HEAVY = {"keras", "tensorflow", "jax", "torch", "onnxruntime", "numpy", "cv2"}
HEAVY |= {"h5py", "scipy", "matplotlib", "ot", "pandas"}


def run(script, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def modules_after(statement):
    return set(
        run(f"{statement}; import sys; print(*sorted(sys.modules))").split()
    )


def test_nothing_is_imported_before_it_is_used():
    assert not HEAVY & modules_after(
        "import keras_saliency; dir(keras_saliency);"
        "from keras_saliency import weights; weights.entries()"
    )


def test_prediction_waits_with_keras():
    # What a classic or an exported model needs, which is no Keras model.
    modules = modules_after("from keras_saliency import prediction, plot")
    assert HEAVY & modules == {"numpy", "cv2"}


@pytest.mark.slow
def test_heavy_packages_wait_until_they_are_used():
    ours = modules_after("import keras, keras_saliency")
    keras = modules_after("import keras")
    assert "keras_saliency.losses" in ours
    for package in ("matplotlib", "ot", "scipy.optimize", "pandas"):
        assert package not in ours or package in keras, package


def test_names_are_there_when_asked_for():
    for name in keras_saliency.__all__:
        assert name in dir(keras_saliency)
        assert getattr(keras_saliency, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        keras_saliency.nothing  # noqa: B018


@pytest.mark.further
def test_neither_the_network_nor_frameworks_are_asked(tmp_path):
    (tmp_path / "cupy.py").write_text("raise SystemExit('CuPy is imported')")
    run(
        "import os, socket, sys\n"
        "def refuse(*args, **kwargs):\n"
        "    raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "socket.getaddrinfo = refuse\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "os.environ.pop('POT_BACKEND_DISABLE_CUPY', None)\n"
        "os.environ['POT_BACKEND_DISABLE_JAX'] = ''\n"
        "import numpy as np\n"
        "import keras_saliency\n"
        "keras_saliency.losses.get('LC2')\n"
        "before = dict(os.environ)\n"
        "map_ = np.triu(np.ones((96, 96)))\n"
        "emd = keras_saliency.evaluation.emd\n"
        "assert 'ot' not in sys.modules\n"
        "emd(prediction=map_, density=map_[::-1].copy())\n"
        "assert 'ot' in sys.modules\n"
        "assert dict(os.environ) == before",
        tmp_path,
    )


LOAD = """
import sys
import numpy as np
{imports}
model = keras.models.load_model(sys.argv[1])
maps = model.predict(np.load(sys.argv[2]), verbose=0)
assert np.array_equal(maps, np.load(sys.argv[3]))
assert "KLDivergence" in str(model.loss)
# The loaders and finders are those that there would be.
for module in (keras, sys.modules["keras_saliency.layers"]):
    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert module.__spec__.loader is module.__loader__
assert "_Watch" not in [type(finder).__name__ for finder in sys.meta_path]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import keras_saliency; import keras",
        "from keras_saliency.layers import ASPP; import keras",
    ],
)
def test_keras_knows_the_classes_whatever_is_imported_first(imports, tmp_path):
    model = models.FastNet((32, 48, 3), filters=(4,) * 5, depth=4)
    model.compile(loss=losses.get("KLD + CC + NSS"))
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3))
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "maps.npy", model.predict(images, verbose=0))
    model.save(tmp_path / "saved.keras")
    # By their registered names alone: files outlive the names of modules.
    with (
        zipfile.ZipFile(tmp_path / "saved.keras") as saved,
        zipfile.ZipFile(tmp_path / "moved.keras", "w") as moved,
    ):
        for name in saved.namelist():
            data = saved.read(name)
            if name == "config.json":
                data = json.dumps(
                    json.loads(data, object_hook=without_our_modules)
                )
            moved.writestr(name, data)
    run(
        LOAD.format(imports=imports),
        *(tmp_path / f"{n}" for n in ("moved.keras", "images.npy", "maps.npy")),
    )


THREADS = """
import importlib, threading
import keras_saliency
names = ["keras"] + [f"keras_saliency.{name}" for name in (
    "losses", "models", "metrics", "callbacks", "layers")]
failed = []
def load(name):
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=load, args=(name,)) for name in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed
import keras
assert keras.saving.get_registered_object("keras_saliency.models>FastNet")
"""


@pytest.mark.slow
def test_threads_do_not_wait_for_each_other():
    run(THREADS)


def without_our_modules(config):
    if str(config.get("module")).startswith("keras_saliency."):
        config["module"] = "keras_saliency.elsewhere"
    return config


def blocked(script, *packages):
    """What a script says where some packages are not installed."""
    return run(
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {packages}:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import importlib.util\n"
        "there = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: (\n"
        f"    None if name in {packages} else there(name))\n"
        "import warnings\n"
        "warnings.simplefilter('always')\n"
        "warnings.showwarning = lambda message, *_: print(message)\n"
        f"try:\n    {script}\nexcept ImportError as error:\n"
        "    print(type(error).__name__, error)\n"
    )


BACKENDS = ("tensorflow", "jax", "torch")


@pytest.mark.further
def test_a_missing_backend_is_said_in_a_sentence(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    runtimes = ("onnxruntime", "ai_edge_litert", "openvino")
    said = blocked("import keras_saliency", *BACKENDS, *runtimes)
    assert said.startswith("Nothing here runs a network: install one of ")
    assert "keras_saliency[tensorflow]" in said and "[onnx]" in said
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    said = blocked("from keras_saliency import losses", *BACKENDS)
    assert said.startswith("NotInstalledError Nothing here runs a network")
    assert "[onnx]" not in said
    for package in ("keras", "scipy"):
        said = blocked("from keras_saliency import losses", package)
        assert said.startswith(f"NotInstalledError This needs {package}, ")
        assert "keras_saliency[tensorflow]" in said
        assert "predicts without Keras is keras_saliency[onnx]" in said


def test_the_wrong_backend_is_said_in_a_sentence(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    said = blocked(
        "sys.modules['torch'] = sys; from keras_saliency import losses",
        "tensorflow",
        "jax",
    )
    assert "asked for tensorflow, which is not installed" in said
    assert "KERAS_BACKEND=torch" in said


def test_missing_opencv_is_said_in_a_sentence():
    said = blocked("from keras_saliency import prediction", "cv2")
    assert said.startswith("NotInstalledError keras_saliency needs OpenCV")
    assert "opencv-python-headless" in said


def test_what_is_there_and_fails_is_not_called_missing():
    said = run(
        "import sys, types\n"
        "sys.modules['scipy.special'] = types.ModuleType('scipy.special')\n"
        "try:\n    from keras_saliency import datasets\n"
        "except ImportError as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    assert said.startswith("ImportError cannot import name 'ndtr'")
