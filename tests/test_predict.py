"""One call for a picture, a folder, a video."""

import importlib.util

import cv2
import keras
import numpy as np
import pytest
from media import PICTURE, write, write_video

import keras_saliency
from keras_saliency import models, videos, weights
from keras_saliency.models.classic import CenterBias
from keras_saliency.prediction import predictor
from keras_saliency.weights import files, manifest

predict = keras_saliency.predict


class Red:
    """Saliency is redness."""

    def saliency_map(self, image):
        return np.asarray(image)[..., 0] / 7


@pytest.fixture(scope="module")
def baseline():
    return models.Baseline((64, 96, 3), backbone="tiny")


def check(map_, size=(46, 70)):
    assert map_.shape == size and map_.dtype == np.float32
    assert map_.min() >= 0 and map_.max() == 1


def test_map_is_the_model_s_divided_by_its_peak(baseline):
    check(predict(PICTURE, baseline))
    raw = baseline.saliency_map(PICTURE)
    np.testing.assert_allclose(
        predict(PICTURE, baseline), raw / raw.max(), rtol=1e-6
    )
    red = PICTURE[..., 0].astype("float32")
    np.testing.assert_allclose(
        predict(PICTURE, Red()), red / red.max(), rtol=1e-6
    )
    assert (predict(np.zeros_like(PICTURE), Red()) == 0).all()


def test_any_keras_model(tmp_path):
    """Its input has no fixed size here."""
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Conv2D(1, 1, kernel_initializer="ones")(inputs)
    model = keras.Model(inputs, outputs)
    total = PICTURE.sum(-1)
    for given in (model, tmp_path / "own.keras", str(tmp_path / "own.keras")):
        model.save(tmp_path / "own.keras")
        np.testing.assert_allclose(
            predict(PICTURE, given), total / total.max(), rtol=1e-5
        )


def test_paths_and_lists(tmp_path):
    expected = predict(PICTURE, Red())
    path = write(tmp_path / "a.png")
    for one in (path, str(path)):
        np.testing.assert_array_equal(predict(one, Red()), expected)
    first, second = predict([path, PICTURE[:20]], Red())
    np.testing.assert_array_equal(first, expected)
    check(second, (20, 70))
    assert predict([], Red()) == []


def test_folder(tmp_path):
    for name in ("b.png", "a.jpg"):
        write(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "deeper").mkdir()
    pairs = list(predict(tmp_path, Red()))
    assert [path.name for path, _ in pairs] == ["a.jpg", "b.png"]
    for _, map_ in pairs:
        check(map_)
    with pytest.raises(ValueError, match="deeper has no images"):
        predict(tmp_path / "deeper", Red())


def test_a_bad_image_does_not_end_a_list_or_folder(tmp_path):
    for name in ("a.png", "c.png", "._a.png"):
        write(tmp_path / name)
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8broken")
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub/d.png")
    (tmp_path / "sub/loop").symlink_to(tmp_path)
    inputs = [tmp_path / "a.png", PICTURE[..., :2], tmp_path / "gone.png"]
    with pytest.warns(UserWarning) as caught:
        first, *others = predict(inputs, Red())
    check(first)
    assert others == [None, None]
    said = [str(each.message) for each in caught]
    assert said[0].startswith("Skipped: image number 1: ")
    assert "gone.png" in said[1]
    assert said[2] == "2 of 3 images were skipped."
    for recursive, names in ((False, "ac"), (True, "acd")):
        with pytest.warns(UserWarning) as caught:
            pairs = list(predict(tmp_path, Red(), recursive=recursive))
        assert [path.stem for path, _ in pairs] == list(names)
        assert "b.jpg cannot be read" in str(caught[0].message)
        count = len(names) + 1
        assert str(caught[1].message) == f"1 of {count} images was skipped."


def test_errors_are_raised_on_request_or_if_nothing_is_done(tmp_path):
    write(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8broken")
    maps = predict(tmp_path, Red(), errors="raise")
    assert next(maps)[0].name == "a.png"
    with pytest.raises(ValueError, match="b.jpg cannot be read"):
        next(maps)
    with pytest.raises(ValueError, match="b.jpg cannot be read"):
        predict([PICTURE, tmp_path / "b.jpg"], Red(), errors="raise")
    with pytest.raises(ValueError, match="received 'ignore'"):
        predict(PICTURE, Red(), errors="ignore")

    class Faulty:
        def saliency_map(self, image):
            raise TypeError("a fault of the model")

    with pytest.raises(TypeError, match="a fault"):
        predict([PICTURE, PICTURE], Faulty())
    for given, message in (
        ([tmp_path], "is a folder: pass it by itself"),
        ("https://example.org/a.png", "download the file first"),
        (["https://example.org/a.mp4"], "download the file first"),
        (["film.mp4"], "no file film.mp4"),
    ):
        with pytest.raises(ValueError, match=message):
            predict(given, Red())


@pytest.mark.parametrize("given", ["", [""]])
def test_an_empty_path_is_not_the_current_folder(given, tmp_path, monkeypatch):
    write(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="path is empty"):
        predict(given, Red())
    assert [path.name for path, _ in predict(".", Red())] == ["a.png"]


def test_video_frame_by_frame(tmp_path):
    frames = [np.roll(PICTURE, 9 * k, axis=1) for k in range(4)]
    path = write_video(tmp_path / "a.AVI", frames)
    seen = []

    class Watching:
        def saliency_map(self, image):
            seen.append(image)
            return image[..., 0]

    maps = predict(path, Watching())
    check(next(maps))
    assert len(seen) == 1
    assert len(list(maps)) == 3
    # JPEG is lossy; with another order of channels this is far off.
    wide = [cv2.blur(f.astype("float32"), (9, 9)) for f in (seen[2], frames[2])]
    assert np.corrcoef(wide[0].ravel(), wide[1].ravel())[0, 1] > 0.8
    rate = videos.open_video(path).rate
    assert rate == 10


def test_what_is_no_image(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    for image, message in (
        (tmp_path / "none.png", "no file .*none.png"),
        (tmp_path / "none.mp4", "no file .*none.mp4"),
        (tmp_path / "a.png", "a.png cannot be read"),
        (tmp_path / "a.mp4", "a.mp4 cannot be read as a video"),
    ):
        with pytest.raises(ValueError, match=message):
            predict(image, Red())
    with pytest.raises(ValueError, match="in -.*Undo a normalization"):
        predict(PICTURE - 128.0, Red())
    with pytest.raises(ValueError, match=r"\(46, 70, 4\)"):
        predict(np.zeros((46, 70, 4)), CenterBias())


def test_what_is_no_model(baseline, tmp_path):
    for model, message in (
        (3, "received int"),
        ("nothing", "no model 'nothing'.*gbvs"),
        ("nothing.keras", "no model nothing.keras"),
        (
            keras.Sequential([keras.Input((4,)), keras.layers.ReLU()]),
            "take images",
        ),
        (baseline.head, "call the whole"),
    ):
        with pytest.raises(ValueError, match=message):
            predict(PICTURE, model)
    path = write(tmp_path / "a.png")

    class Broken:
        def saliency_map(self, image):
            return np.full((3, 3), np.nan)

    with pytest.raises(ValueError, match="a.png: .*NaN"):
        predict(path, Broken())


def test_classic_models_have_names():
    np.testing.assert_array_equal(
        predict(PICTURE, "center_bias"), predict(PICTURE, CenterBias())
    )


@pytest.fixture
def no_manifest(tmp_path, monkeypatch):
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.setattr(manifest, "MANIFEST", tmp_path / "manifest.json")
    monkeypatch.setattr(files, "PACKAGE", tmp_path)
    predictor._named.cache_clear()
    yield tmp_path / "manifest.json"
    predictor._named.cache_clear()


def test_package_without_a_model_says_so(no_manifest):
    with pytest.raises(weights.WeightsError, match="no model of its own"):
        predict(PICTURE)


def test_bundled_model_is_loaded_once(no_manifest, monkeypatch):
    loads = []
    no_manifest.write_text(
        '{"bundled": {"sha256": "'
        + 64 * "0"
        + '", "bytes": 1, "description": "", "data": "",'
        '"split": "", "recipe": "", "seed": 0, "license": "", "limits": "",'
        '"test_data": ""}}'
    )
    # The file is missing.
    with pytest.raises(weights.WeightsError, match="bundled.keras"):
        predict(PICTURE)
    monkeypatch.setattr(models, "get", lambda name: loads.append(name) or Red())
    check(predict(PICTURE))
    check(predict(PICTURE))
    assert loads == ["bundled"]


def test_the_package_s_own_model():
    check(predict(PICTURE))


def test_the_package_s_own_model_is_small_and_better_than_the_center():
    path = weights.find(weights.BUNDLED, download=False)
    assert path.stat().st_size < 2_000_000
    _, low, _ = files.entry(weights.BUNDLED).metrics["cc"]
    assert low > 0.455  # What the mean map of the training part has.


def test_the_package_s_own_files_make_the_same_map():
    """ONNX by weights in float16, as in the Keras file; LiteRT by 8 bits."""
    entry = files.entry(weights.BUNDLED)
    expected = predict(PICTURE, models.get(weights.BUNDLED))
    for kind, runtime, tolerance in (
        ("onnx", "onnxruntime", 1e-4),
        ("tflite", "ai_edge_litert", 0.2),
    ):
        assert kind in entry.exports
        path = weights.find(entry.name, kind=kind, download=False)
        if importlib.util.find_spec(runtime):
            np.testing.assert_allclose(
                predict(PICTURE, path), expected, atol=tolerance
            )
