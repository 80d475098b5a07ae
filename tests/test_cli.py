"""The command keras-saliency."""

import hashlib
import json
import runpy
import sys

import cv2
import numpy as np
import publisher_layouts as layouts
import pytest
from media import PICTURE, write, write_video

from keras_saliency import cli, datasets, models, plot, predict
from keras_saliency.weights import files, manifest


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def fails(capsys, *words):
    """What is said on standard error by a command that ends with 1."""
    assert cli.main([str(word) for word in words]) == 1
    said = capsys.readouterr().err
    assert said.startswith("keras-saliency: ") and said.count("\n") == 1, said
    return said


def test_maps_of_images_and_folders(tmp_path, capsys):
    one = write(tmp_path / "one.png")
    (tmp_path / "more").mkdir()
    write(tmp_path / "more/two.jpg")
    out = tmp_path / "deep/out"
    command = ["predict", one, tmp_path / "more", "-o", out]
    command = [*map(str, command), "--model", "spectral_residual"]
    assert cli.main(command) == 0
    assert sorted(p.name for p in out.iterdir()) == ["one.png", "two.png"]
    assert capsys.readouterr().out.split() == [
        str(out / name) for name in ("one.png", "two.png")
    ]
    map_ = predict(PICTURE, "spectral_residual")
    np.testing.assert_array_equal(
        read(out / "one.png"), np.round(255 * map_).astype("uint8")
    )
    assert cli.main([*command, "--overlay"]) == 0
    np.testing.assert_array_equal(
        read(out / "one.png")[..., ::-1], plot.overlay(PICTURE, map_)
    )


def test_overlay_shows_map_and_image():
    map_ = np.zeros(PICTURE.shape[:2], "float32")
    map_[10, 20] = 3
    laid = plot.overlay(PICTURE, map_)
    gray = 0.6 * PICTURE.mean(-1)
    away = np.ones(map_.shape, bool)
    away[10, 20] = False
    np.testing.assert_allclose(laid[away][:, 1], gray[away], atol=1)
    assert laid[10, 20, 0] > laid[10, 20, 2] + 40


@pytest.mark.parametrize("overlay", [[], ["--overlay"]])
def test_video_for_a_video(tmp_path, overlay):
    frames = [np.full((48, 64, 3), 20, "uint8") for _ in range(3)]
    for k, frame in enumerate(frames):
        frame[10:30, 15 * k : 15 * k + 20] = 250
    path = write_video(tmp_path / "film.avi", frames)
    command = ["predict", path, "-o", tmp_path / "out", "--model", "gbvs"]
    assert cli.main([*map(str, command), *overlay]) == 0
    (written,) = (tmp_path / "out").iterdir()
    assert written.name == "film.mp4"
    capture = cv2.VideoCapture(str(written))
    assert capture.get(cv2.CAP_PROP_FPS) == 10
    shown = []
    while (frame := capture.read())[0]:
        shown.append(frame[1])
    assert len(shown) == 3 and shown[0].shape == (48, 64, 3)
    expected = list(predict(path, "gbvs"))
    if not overlay:
        for ours, map_ in zip(shown, expected, strict=True):
            difference = ours.mean(-1) - 255 * map_
            assert np.abs(difference).mean() < 12


def test_errors_are_said_in_a_line(tmp_path, capsys):
    one = write(tmp_path / "one.png")
    out = ["-o", tmp_path / "out", "--model", "uniform"]
    assert "nothing.png" in fails(
        capsys, "predict", tmp_path / "nothing.png", *out
    )
    assert "no model 'what'" in fails(
        capsys, "predict", one, "-o", tmp_path / "out", "--model", "what"
    )
    assert "needs --model" in fails(
        capsys, "predict", one, *out[:2], "--backbone-weights", "x.h5"
    )
    write(tmp_path / "one.jpg")
    assert "both be written" in fails(
        capsys, "predict", one, tmp_path / "one.jpg", *out
    )
    assert "would replace it" in fails(
        capsys, "predict", one, "-o", tmp_path, "--model", "uniform"
    )
    assert not (tmp_path / "out").exists()
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"nothing")
    assert "damaged.png cannot be read" in fails(
        capsys, "predict", one, damaged, *out
    )
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["one.png"]
    with pytest.raises(SystemExit) as caught:
        cli.main(["predict", str(one)])
    assert caught.value.code == 2


def test_weights(tmp_path, capsys, monkeypatch, server):
    model = models.Baseline((64, 96, 3), backbone="tiny")
    model.head.save(tmp_path / "small.keras")
    content = (tmp_path / "small.keras").read_bytes()
    server.files["/small.keras"] = content
    texts = ("description", "data", "split", "recipe", "license", "limits")
    entry = {
        **dict.fromkeys((*texts, "test_data"), "a test"),
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "seed": 0,
        "baseline": {"input_shape": [64, 96, 3], "backbone": "tiny"},
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"small": entry}))
    monkeypatch.setattr(manifest, "MANIFEST", tmp_path / "manifest.json")
    monkeypatch.setattr(files, "PACKAGE", tmp_path / "lib/package/weights")
    monkeypatch.setattr(files, "CACHE", tmp_path / "cache")
    monkeypatch.delenv(files.URL_VARIABLE, raising=False)
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "folder"))
    assert cli.main(["weights", "list"]) == 0
    assert "small  a test" in capsys.readouterr().out

    assert cli.main(["weights", "get", "small", "--url", server.url]) == 0
    assert capsys.readouterr().out.strip() == str(
        tmp_path / "cache/small.keras"
    )
    # From the cache to a folder; then it is there.
    for _ in range(2):
        assert (
            cli.main(["weights", "get", "small", "-o", str(tmp_path / "o")])
            == 0
        )
        assert [p.name for p in (tmp_path / "o").iterdir()] == ["small.keras"]
        assert (tmp_path / "o/small.keras").read_bytes() == content
    assert len(server.ranges) == 1

    one = write(tmp_path / "one.png")
    command = ["predict", one, "-o", tmp_path / "out", "--model", "small"]
    assert cli.main([*map(str, command), "--backbone-weights", "imagenet"]) == 0
    expected = np.round(255 * predict(PICTURE, model))
    assert np.abs(read(tmp_path / "out/one.png") - expected).max() <= 1

    (tmp_path / "cache/small.keras").unlink()
    assert cli.main(["weights", "get", "small"]) == 1
    assert entry["sha256"] in capsys.readouterr().err


def test_datasets(tmp_path, capsys):
    assert cli.main(["datasets", "list"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in datasets.SOURCES)
    datasets.to_compact(
        datasets.generate(3, (20, 30)), tmp_path / "mine", progress=False
    )
    capsys.readouterr()
    assert cli.main(["datasets", "info", str(tmp_path / "mine")]) == 0
    assert "images" in capsys.readouterr().out
    assert "no folder" in fails(capsys, "datasets", "info", tmp_path / "none")


def test_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["", "predict", "x.png", "-o", "y"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("keras_saliency", run_name="__main__")
    assert caught.value.code == 1
    assert capsys.readouterr().err == (
        "keras-saliency: There is no file or folder x.png.\n"
    )


def test_a_partial_copy_is_converted(tmp_path, capsys):
    layouts.osie(tmp_path / "osie")
    words = "datasets", "convert", tmp_path / "osie", "-o", tmp_path / "mine"
    assert "partial=True" in fails(capsys, *words)
    assert cli.main([str(word) for word in (*words, "--partial")]) == 0
    assert capsys.readouterr().out.split()[-1] == str(tmp_path / "mine")
    compact = datasets.load_compact(tmp_path / "mine")
    original = datasets.load_osie(tmp_path / "osie", partial=True)
    assert compact.names == original.names
    np.testing.assert_array_equal(compact.fixations.x, original.fixations.x)
    assert cli.main(["datasets", "info", str(tmp_path / "mine")]) == 0
