"""One object from images to maps: batches, threads, pickles, files."""

import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from media import PICTURE, write

import keras_saliency
from keras_saliency import Predictor, models
from keras_saliency._utils.errors import NotInstalledError
from keras_saliency.prediction import predictor as module
from keras_saliency.prediction import runtimes

SIZES = [(46, 70), (30, 41), (64, 96), (46, 70), (12, 90)]
IMAGES = [np.resize(PICTURE, (*size, 3)) for size in SIZES]


class Red:
    """Saliency is redness."""

    def saliency_map(self, image):
        return np.asarray(image)[..., 0] / 7


@pytest.fixture(scope="module")
def network():
    return models.Baseline((64, 96, 3), backbone="tiny")


def any_size():
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Conv2D(1, 3, activation="sigmoid")(inputs)
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
@pytest.mark.parametrize("kind", ["fixed", "any", "own"])
def test_batches_of_images_of_different_sizes(kind, batch_size, network):
    model = {"fixed": network, "any": any_size(), "own": Red()}[kind]
    predictor = Predictor(model, batch_size=batch_size)
    maps = list(predictor.maps(iter(IMAGES)))
    assert len(maps) == len(IMAGES)
    for image, map_ in zip(IMAGES, maps, strict=True):
        assert map_.shape == image.shape[:2] and map_.dtype == np.float32
        np.testing.assert_allclose(
            map_, keras_saliency.predict(image, model), atol=1e-6
        )
        np.testing.assert_allclose(map_, predictor(image), atol=1e-6)


def test_paths_and_what_is_wrong(tmp_path, network):
    path = write(tmp_path / "a.png")
    predictor = Predictor(network)
    np.testing.assert_array_equal(predictor(path), predictor(PICTURE))
    np.testing.assert_array_equal(
        predictor(path.read_bytes()), predictor(PICTURE)
    )
    for data, message in ((b"", "is empty"), (b"GIF", "of 3 bytes")):
        with pytest.raises(ValueError, match=message):
            predictor(data)
    bad = [PICTURE, tmp_path / "no.png", PICTURE[..., :2], tmp_path, path]
    outcomes = list(predictor.outcomes(bad))
    assert [outcome.error is None for outcome in outcomes] == [
        True,
        False,
        False,
        False,
        True,
    ]
    assert outcomes[4].image.shape == PICTURE.shape
    assert "no.png" in str(outcomes[1].error)
    with pytest.raises(ValueError, match="folder: pass it by itself"):
        outcomes[3].get()
    maps = predictor.maps(bad)
    next(maps)
    with pytest.raises(ValueError, match="no file .*no.png"):
        next(maps)
    with pytest.raises(ValueError, match="batch_size.*received 0"):
        Predictor(network, batch_size=0)


def test_only_a_few_batches_are_read_ahead(network):
    taken = []

    def frames():
        for number in range(100):
            taken.append(number)
            yield PICTURE

    maps = Predictor(network, batch_size=2).maps(frames())
    next(maps)
    assert len(taken) <= 14
    maps.close()


def test_large_images_go_in_smaller_batches(network, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 2 * PICTURE.nbytes)
    predictor = Predictor(network, batch_size=4)
    sizes = []
    ask = predictor._ask
    monkeypatch.setattr(
        predictor, "_ask", lambda items: sizes.append(len(items)) or ask(items)
    )
    assert len(list(predictor.maps([PICTURE] * 20))) == 20
    assert sizes[0] == 4 and sizes[-1] == 2


def test_many_threads(network):
    predictor = Predictor(network)
    expected = [predictor(image) for image in IMAGES]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(predictor, IMAGES * 8))
    for number, map_ in enumerate(found):
        np.testing.assert_array_equal(map_, expected[number % len(IMAGES)])


def test_pickle(tmp_path, network):
    network.save(tmp_path / "model.keras")
    for model in (network, tmp_path / "model.keras", "center_bias"):
        predictor = Predictor(model, batch_size=3)
        again = pickle.loads(pickle.dumps(predictor))
        assert again.batch_size == 3
        np.testing.assert_allclose(
            again(PICTURE), predictor(PICTURE), atol=1e-6
        )
    assert repr(predictor) == "Predictor('center_bias', batch_size=3)"


def test_what_is_no_exported_model(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no model .*a.onnx"):
        Predictor(tmp_path / "a.onnx")
    (tmp_path / "a.onnx").write_bytes(b"nothing")

    def none(name):
        raise ImportError(f"No module named {name}")

    monkeypatch.setattr(runtimes.importlib, "import_module", none)
    with pytest.raises(NotInstalledError, match="pip install onnxruntime"):
        Predictor(tmp_path / "a.onnx")


def test_a_predictor_of_a_predictor_asks_in_turn():
    asked, most = [], []

    class Slow:
        def saliency_map(self, image):
            asked.append(1)
            most.append(len(asked))
            time.sleep(0.01)
            asked.pop()
            return image[..., 0]

    first = Predictor(Slow())
    both = (first, Predictor(first, batch_size=1))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: both[k % 2](PICTURE), range(8)))
    assert max(most) == 1


@pytest.mark.parametrize("shape", [(3, 4), (46, 70, 1), (46, 70)])
def test_a_map_of_an_object_gets_the_size_of_the_image(shape):
    class Model:
        def saliency_map(self, image):
            return np.arange(np.prod(shape)).reshape(shape)

    map_ = Predictor(Model())(PICTURE)
    assert map_.shape == PICTURE.shape[:2] == (46, 70)
    assert map_.dtype == np.float32 and map_.max() == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.full((46, 70), -np.inf), "NaN or infinity"),
        (np.full((46, 70), np.nan), "NaN or infinity"),
        (np.zeros((46, 70), complex), "must be an array .* complex128"),
        (np.zeros((0, 70)), "must be an array .* of shape"),
        (np.zeros((46, 70, 3)), "must be an array .* of shape"),
        (np.zeros(7), "must be an array .* of shape"),
        ("a map", "must be an array"),
    ],
)
def test_what_is_no_map(given, message):
    class Model:
        def saliency_map(self, image):
            return given

    with pytest.raises(ValueError, match=message):
        Predictor(Model())(PICTURE)
