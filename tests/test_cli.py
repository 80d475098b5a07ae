"""The command keras-saliency."""

import errno
import hashlib
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import cv2
import keras
import numpy as np
import publisher_layouts as layouts
import pytest
from media import PICTURE, write, write_video

from keras_saliency import cli, datasets, models, plot, predict
from keras_saliency.weights import files, manifest


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def fails(capsys, *words, status=2):
    """What is said on standard error by a command that ends with a status."""
    assert cli.main([str(word) for word in words]) == status
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
    gray = 0.6 * (PICTURE @ [0.299, 0.587, 0.114])
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
    (tmp_path / "deeper").mkdir()
    other = write(tmp_path / "deeper/one.png")
    assert "both be written" in fails(capsys, "predict", one, other, *out)
    assert "would replace" in fails(
        capsys, "predict", one, "-o", tmp_path, "--model", "uniform"
    )
    assert not (tmp_path / "out").exists()
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"nothing")
    assert "damaged.png cannot be read" in fails(
        capsys, "predict", damaged, *out, status=1
    )
    assert not list((tmp_path / "out").iterdir())
    (tmp_path / "file").touch()
    said = fails(
        capsys, "predict", one, "-o", tmp_path / "file/out", *out[2:], status=1
    )
    assert "file/out could not be written (Not a directory)" in said
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
    assert cli.main(["weights", "get", "small"]) == 2
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
    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        "keras-saliency: There is no file x.png.\n"
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


@pytest.fixture
def job(tmp_path, capsys):
    """A function that runs `predict` on `in` and returns what came of it."""
    (tmp_path / "in").mkdir()

    def run(*words, inputs=("in",), out="out"):
        words = [*(tmp_path / name for name in inputs), *words]
        words += ["-o", tmp_path / out, "--model", "uniform"]
        status = cli.main(["predict", *map(str, words)])
        said = capsys.readouterr()
        folder = tmp_path / out
        written = [
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file()
        ]
        printed = [Path(line) for line in said.out.splitlines()]
        return status, sorted(written), said.err.splitlines(), printed

    return run


def test_a_bad_file_does_not_end_a_folder(tmp_path, job):
    for name in "ad":
        write(tmp_path / f"in/{name}.png")
    whole = (tmp_path / "in/a.png").read_bytes()
    (tmp_path / "in/b.png").write_bytes(whole[:99])
    (tmp_path / "in/c.jpg").touch()
    (tmp_path / "in/e.png").symlink_to(tmp_path / "gone.png")
    # What systems leave is no image.
    (tmp_path / "in/._a.png").write_bytes(b"\0\5\x16\7" + bytes(200))
    (tmp_path / "in/.d.jpg").touch()
    (tmp_path / "in/f.png").mkdir()
    status, written, said, printed = job()
    assert status == 1 and written == ["a.png", "d.png"]
    assert [path.name for path in printed] == ["a.png", "d.png"]
    skipped, summary = said[:-1], said[-1]
    for line, name in zip(skipped, ("b.png", "c.jpg", "e.png"), strict=True):
        assert line.startswith("keras-saliency: Skipped: ") and name in line
    assert summary == "keras-saliency: 2 written, 0 kept, 3 skipped."


def test_lists_go_on_and_hidden_files_that_are_named_are_tried(tmp_path, job):
    write(tmp_path / "a.png")
    write(tmp_path / ".b.png")
    status, written, said, _ = job(inputs=("none.png", ".b.png", "in", "a.png"))
    assert status == 1 and written == [".b.png", "a.png"]
    assert "no file" in said[0] and "none.png" in said[0]
    assert "has no images" in said[1]
    assert said[2].endswith("2 written, 0 kept, 2 skipped.")
    # Nothing is left to do.
    status, _, said, _ = job(inputs=("none.png", "in"))
    assert status == 2 and len(said) == 1 and "none.png" in said[0]


def test_what_is_there_is_kept_on_request(tmp_path, job):
    for name in "ab":
        write(tmp_path / f"in/{name}.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.png").write_bytes(b"mine")
    (tmp_path / "out/b.png").touch()
    status, written, said, printed = job("--skip-existing")
    assert status == 0 and written == ["a.png", "b.png"]
    assert said == ["keras-saliency: 1 written, 1 kept, 0 skipped."]
    assert (tmp_path / "out/a.png").read_bytes() == b"mine"
    assert [path.name for path in printed] == ["b.png"]
    assert read(tmp_path / "out/b.png").shape == PICTURE.shape[:2]
    _, _, said, printed = job()
    assert not said and len(printed) == 2
    assert (tmp_path / "out/a.png").read_bytes() != b"mine"


def test_sub_folders_are_mirrored_and_links_followed_once(tmp_path, job):
    for name in ("a.png", "deep/a.png", "deep/er/b.png", ".x/c.png"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True, parents=True)
        write(tmp_path / "in" / name)
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere/c.png")
    for name, target in (
        ("in/deep/loop", "in"),
        ("in/again", "in/deep"),
        ("in/linked", "elsewhere"),
        ("elsewhere/back", "in/deep"),
        ("in/gone", "nowhere"),
    ):
        (tmp_path / name).symlink_to(tmp_path / target)
    assert job()[:3] == (0, ["a.png"], [])
    # Maps inside the folder are not its images, however often it is run.
    for _ in range(2):
        status, written, said, _ = job("--recursive", out="in/maps")
        assert (status, said) == (0, [])
        assert written == [
            "a.png",
            "deep/a.png",
            "deep/er/b.png",
            "linked/c.png",
        ]


@pytest.mark.parametrize("words", [(), ("--recursive",), ("--shard", "1/2")])
def test_maps_are_not_written_among_images(tmp_path, job, words):
    for name in ("in/a.jpg", "in/deep/deep/b.png", "other/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        write(tmp_path / name)
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for inputs, out in (
        (("in",), "in"),
        (("in",), "link"),
        (("other/c.png", "other", "link"), "in"),
        (("other", "empty"), "empty"),
    ):
        before = sorted(tmp_path.rglob("*"))
        status, _, said, _ = job(*words, inputs=inputs, out=out)
        assert status == 2 and len(said) == 1
        assert "read as images the next time" in said[0]
        assert f"such as {tmp_path / inputs[-1] / 'saliency'}" in said[0]
        assert sorted(tmp_path.rglob("*")) == before
    # A single image's map may stand beside it.
    assert job(inputs=("in/a.jpg",), out="in")[0] == 0


def test_sub_folders_are_not_mirrored_among_images(tmp_path, job):
    (tmp_path / "in/deep/deep").mkdir(parents=True)
    write(tmp_path / "in/deep/deep/b.jpg")
    status, written, said, _ = job("-r", inputs=("in/deep",), out="in")
    assert (status, written) == (2, ["deep/deep/b.jpg"])
    assert "such as" in said[0]


@pytest.mark.parametrize(
    ("suffix", "most"), [(".webp", 16383), (".jpg", 65500)]
)
def test_a_side_that_a_format_does_not_hold(tmp_path, job, suffix, most):
    for side in (most, most + 1):
        strip = np.zeros((1, side, 3), "uint8")
        cv2.imwrite(str(tmp_path / "in/a.png"), strip)
        out = f"{side}/map{suffix}"
        status, _, said, _ = job(inputs=("in/a.png",), out=out)
        assert status == (side > most)
        assert (tmp_path / out).exists() == (side == most)
    assert f"1x{side} is more than the {most} pixels a side" in said[0]


def test_names_that_would_be_one_stay_whole(tmp_path, job):
    for name in ("a.jpg", "a.png", "a.jpg.bmp", "b.png"):
        write(tmp_path / "in" / name)
    status, written, said, _ = job()
    assert (status, said) == (0, [])
    assert written == ["a.jpg.bmp.png", "a.jpg.png", "a.png.png", "b.png"]
    # A file that is given twice is one.
    assert job(inputs=("in", "in/b.png"), out="two")[:2] == (0, written)


def test_out_is_a_file_for_one_image(tmp_path, job, capsys):
    one = write(tmp_path / "in/a.png")
    status, _, _, printed = job(inputs=("in/a.png",), out="deep/map.jpg")
    assert status == 0 and printed == [tmp_path / "deep/map.jpg"]
    assert read(tmp_path / "deep/map.jpg").shape == PICTURE.shape[:2]
    for inputs, out, message in (
        (("in",), "map.png", "map.png names one file"),
        (("in/a.png", "in"), "map.mp4", "folders are given; name a folder"),
        (("in/a.png",), "map.mp4", "is written as .png, .jpg"),
        (("in/a.png",), "map.gif", "is written as .png, .jpg"),
        (("in/a.png",), "in/a.png", "would replace"),
    ):
        status, _, said, _ = job(inputs=inputs, out=out)
        assert status == 2 and len(said) == 1 and message in said[0], said
        assert out == "in/a.png" or not (tmp_path / out).exists()
    (tmp_path / "notes").write_text("mine")
    assert "notes is a file" in job(inputs=("in/a.png",), out="notes")[2][0]
    # A folder of such a name stays a folder.
    (tmp_path / "old.png").mkdir()
    assert job(inputs=("in/a.png",), out="old.png")[1] == ["a.png"]
    for word, message in (
        ("-", "standard input and output are not used"),
        ("https://example.org/a.png", "download the file first"),
    ):
        for words in ((word, "-o", "x"), (one, "-o", word)):
            with pytest.raises(SystemExit) as caught:
                cli.main(["predict", *map(str, words)])
            assert caught.value.code == 2
            said = capsys.readouterr().err
            assert said.startswith("keras-saliency: ") and message in said
            assert said.count("\n") == 1


def test_a_full_disk_ends_the_job_and_names_the_file(
    tmp_path, job, monkeypatch
):
    for name in "ab":
        write(tmp_path / f"in/{name}.png")
    monkeypatch.setattr(Path, "write_bytes", full)
    status, written, said, printed = job()
    assert (status, written, printed) == (1, [], [])
    (line,) = said
    assert str(tmp_path / "out/a.png") in line
    assert "No space left" in line and "Errno" not in line


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_target_that_cannot_be_written_is_skipped(tmp_path, job):
    for name in "ab":
        write(tmp_path / f"in/{name}.png")
    (tmp_path / "out/a.png").mkdir(parents=True)
    status, written, said, _ = job()
    assert (status, written) == (1, ["b.png"])
    assert "Is a directory" in said[0]


def test_a_model_that_is_damaged_is_said_in_a_line(tmp_path, capsys):
    one = write(tmp_path / "one.png")
    inputs = keras.Input((8, 8, 3))
    keras.Model(inputs, keras.layers.Conv2D(1, 1)(inputs)).save(
        tmp_path / "good.keras"
    )
    content = (tmp_path / "good.keras").read_bytes()
    place = content.index(b"config.json") + 200
    for damaged in (
        b"",
        b"nothing",
        content[:-99],
        content[:place] + b"?" + content[place + 1 :],
    ):
        (tmp_path / "bad.keras").write_bytes(damaged)
        words = ("predict", one, "-o", tmp_path / "out")
        said = fails(capsys, *words, "--model", tmp_path / "bad.keras")
        assert str(tmp_path / "bad.keras") in said


def test_convert_leaves_out_what_cannot_be_read(tmp_path, capsys):
    made = datasets.generate(5, (40, 60))
    datasets.to_compact(made, tmp_path / "mine", progress=False)
    second, third = sorted((tmp_path / "mine/stimuli").iterdir())[1:3]
    for damaged in (second, third):
        damaged.write_bytes(damaged.read_bytes()[:-200])
    words = ["datasets", "convert", tmp_path / "mine", "-o", tmp_path / "out"]
    assert cli.main([str(word) for word in words]) == 1
    said = capsys.readouterr().err.splitlines()
    assert second.name in said[0] and third.name in said[1]
    assert said[2:] == ["keras-saliency: 2 of 5 images were skipped."]
    compact = datasets.load_compact(tmp_path / "out")
    left = [0, 3, 4]
    assert list(compact.names) == [made.names[i] for i in left]
    for i, k in enumerate(left):
        np.testing.assert_array_equal(
            compact.fixation_map(i), made.fixation_map(k)
        )
    with pytest.raises(datasets.DatasetError, match=second.name):
        datasets.to_compact(
            datasets.load_path(tmp_path / "mine"), tmp_path / "not"
        )
    assert not (tmp_path / "not").exists()


def command(*words):
    """A run of the command in a new process, and its processor's seconds."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "TF_CPP_MIN_LOG_LEVEL"
    }
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "keras_saliency", *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
    )
    after = os.times()
    user = after.children_user - before.children_user
    return done, user + after.children_system - before.children_system


@pytest.mark.parametrize("words", ["--help", "--version", "weights list"])
def test_words_are_answered_at_once(words):
    done, seconds = command(*words.split())
    assert done.returncode == 0 and done.stdout and done.stderr == ""
    assert seconds < 0.5


@pytest.mark.slow
def test_standard_error_is_ours(tmp_path):
    one = write(tmp_path / "one.png")
    done, _ = command(
        "predict", one, "-o", tmp_path / "map.png", "--model", "bundled"
    )
    assert done.returncode == 0 and done.stdout and done.stderr == ""


def test_parts_of_a_folder(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    for name in "abcde":
        write(tmp_path / f"in/{name}.png")
    command = ["predict", str(tmp_path / "in"), "--model", "spectral_residual"]
    assert cli.main([*command, "-o", str(tmp_path / "one")]) == 0
    capsys.readouterr()
    found = []
    for i in range(1, 8):
        words = [*command, "-o", str(tmp_path / "out"), "--shard", f"{i}/7"]
        assert cli.main(words) == 0
        said = capsys.readouterr()
        found.append([Path(line).stem for line in said.out.split()])
        assert ("has no inputs" in said.err) == (i > 5)
    assert found == [["a"], ["b"], ["c"], ["d"], ["e"], [], []]
    for path in (tmp_path / "one").iterdir():
        same = tmp_path / "out" / path.name
        assert same.read_bytes() == path.read_bytes()
    for word in ("0/2", "3/2", "1", "1/0", "a/b", "-1/2"):
        with pytest.raises(SystemExit):
            cli.main([*command, "-o", "x", f"--shard={word}"])


def test_an_export_s_constant_maps_have_no_correlation(tmp_path, capsys):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package)
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Conv2D(1, 1, kernel_initializer="ones")(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "a.keras")
    cv2.imwrite(str(tmp_path / "one.png"), np.full((1, 1, 3), 9, "uint8"))
    words = ["export", tmp_path / "a.keras", "-o", tmp_path / "a.onnx"]
    words += ["--image", tmp_path / "one.png"]
    assert cli.main([str(word) for word in words]) == 0
    said = capsys.readouterr()
    assert "differ by at most 0, " in said.out and said.err == ""
    assert said.out.endswith("a map is constant, they have no correlation\n")
