"""The command keras-saliency evaluate."""

import pathlib
import re
import shutil
import sys

import keras
import numpy as np
import pytest

from keras_saliency import cli, datasets, evaluation, models


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data set of 10 images, two folders of maps and a model."""
    root = tmp_path_factory.mktemp("evaluate")
    made = datasets.generate(10, (24, 32), seed=2)
    datasets.to_compact(made, root / "data", progress=False)
    for i, name in enumerate(made.names):
        for folder, map_ in (
            ("good", made.true_density(i)),
            ("bad", 1 - made.true_density(i)),
        ):
            (root / folder).mkdir(exist_ok=True)
            np.save(root / folder / f"{name}.npy", map_)
    model = models.FastNet((24, 32, 3), filters=(2,) * 5, depth=2)
    model.save(root / "fast.keras")
    return root


def run(capsys, *words, status=0):
    """What the command says, on standard output or with a status on error."""
    assert cli.main(["evaluate", *map(str, words)]) == status
    said = capsys.readouterr()
    return said.err if status else said.out


def test_a_folder_of_maps(root, capsys):
    printed = run(capsys, root / "good", "--data", root / "data")
    expected = evaluation.evaluate(
        root / "good", datasets.load_compact(root / "data"), verbose=0
    )
    assert f"{root / 'good'}: 10 images in " in printed.splitlines()[0]
    assert printed.splitlines()[1:] == str(expected).splitlines()


@pytest.mark.slow
def test_each_metric_of_its_own_map(root, capsys, tmp_path):
    shutil.copy(root / "fast.keras", tmp_path)
    model = tmp_path / "fast.keras"
    words = [model, "--data", root / "data", "--maps", "per_metric"]
    assert "fast.density.json" in run(capsys, *words, status=2)
    dataset = datasets.load_compact(root / "data")
    density = models.FixationDensity(model).fit(dataset, verbose=0)
    density.save(tmp_path / "fast.density.json")
    printed = run(capsys, *words, "--metrics", "cc", "auc_borji")
    expected = evaluation.evaluate(
        density, dataset, ["cc", "auc_borji"], maps="per_metric", verbose=0
    )
    assert printed.splitlines()[1:] == str(expected).splitlines()
    assert "metric, of its own map" in printed


def test_models_are_compared_with_the_first(root, capsys, tmp_path):
    words = [root / "good", root / "bad", root / "fast.keras", "--data"]
    words += [root / "data", "--metrics", "cc", "nss", "-o", tmp_path / "out"]
    printed = run(capsys, *words)
    tables = [line for line in printed.splitlines() if "difference" in line]
    assert len(tables) == 2 and "bad" in tables[0] and "fast" in tables[1]
    written = sorted(path.name for path in (tmp_path / "out").glob("*.csv"))
    assert written == ["bad.csv", "fast.csv", "good.csv"]
    good, bad = (
        evaluation.Evaluation.load(tmp_path / "out" / f"{name}.csv")
        for name in ("good", "bad")
    )
    assert list(good.scores) == ["cc", "nss"]
    compared = evaluation.compare(good, bad, names=("good", "bad"))
    assert str(compared) in printed
    # The same command goes on: all is known.
    lines = (tmp_path / "out" / "good.jsonl").read_text()
    again = run(capsys, *words)
    assert re.sub(r"in \S+ s", "", again) == re.sub(r"in \S+ s", "", printed)
    assert (tmp_path / "out" / "good.jsonl").read_text() == lines


def test_parts_and_sizes(root, capsys):
    printed = run(
        capsys,
        *("spectral_residual", "--data", root / "data", "--part", "test"),
        *("--size", 12, 16, "--metrics", "cc"),
    )
    test = datasets.load_compact(root / "data")
    split = test.split({"train": 6, "validation": 2, "test": 2})
    result = evaluation.evaluate(
        "spectral_residual",
        test.subset(split["test"]),
        ["cc"],
        (12, 16),
        verbose=0,
    )
    assert str(result) in printed
    printed = run(capsys, root / "good", "--data", root / "data", "--images", 3)
    assert "3 images in" in printed


@pytest.mark.further
def test_names_that_are_the_same_are_told_apart(root, capsys, tmp_path):
    for run_ in "12":
        (tmp_path / run_).mkdir()
        shutil.copy(root / "fast.keras", tmp_path / run_ / "model.keras")
    first, second = tmp_path / "1/model.keras", tmp_path / "2/model.keras"
    words = ["--data", root / "data", "--metrics", "cc", "--images", 2]
    run(capsys, first, second, *words, "-o", tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*1_model.keras.csv"))) == 1
    said = run(capsys, first, first, *words, status=2)
    assert "is given twice" in said


def test_what_is_wrong_is_said_first(root, capsys, tmp_path):
    data = ("--data", root / "data")
    said = run(capsys, "nothing", *data, status=2)
    assert "There is no model 'nothing'" in said
    said = run(capsys, root / "good", "--data", tmp_path / "no", status=2)
    assert "no folder" in said
    said = run(capsys, root / "good", *data, "--metrics", "ccc", status=2)
    assert "there is no metric 'ccc'" in said
    (tmp_path / "few").mkdir()
    said = run(capsys, root / "good", tmp_path / "few", *data, status=2)
    assert "10 of the 10 images have no map in" in said
    (tmp_path / "bad.keras").write_bytes(b"PK\3\4")
    said = run(capsys, tmp_path / "bad.keras", *data, status=2)
    assert "bad.keras" in said
    for words in (
        [root / "good"],
        [*data],
        [root / "good", *data, "--part", "exam"],
        [root / "good", *data, "--images", "0"],
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main(["evaluate", *map(str, words)])
        assert ended.value.code == 2


def test_a_folder_that_cannot_be_written(root, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    words = [root / "good", "--data", root / "data"]
    said = run(capsys, *words, "-o", tmp_path / "file/out", status=1)
    assert "file/out" in said


@pytest.mark.further
def test_an_exported_model(root, capsys, tmp_path):
    pytest.importorskip("tensorflow", reason="needs TensorFlow")
    if keras.config.backend() != "tensorflow":
        pytest.skip("a SavedModel is made by TensorFlow")
    models.export(root / "fast.keras", tmp_path / "fast", format="saved_model")
    words = ["--data", root / "data", "--metrics", "cc", "--images", 3]
    printed = run(capsys, tmp_path / "fast", root / "fast.keras", *words)
    (row,) = re.findall(r"CC +(\S+) +(\S+) +[+-](\S+)", printed)
    assert float(row[2]) < 1e-4


def test_a_report(root, capsys, tmp_path):
    words = [root / "good", root / "bad", "--data", root / "data"]
    words += ["--metrics", "cc", "--size", 12, 16, "--report"]
    printed = run(capsys, *words, tmp_path / "new" / "report.html")
    assert printed.splitlines()[-1] == str(tmp_path / "new" / "report.html")
    page = (tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    assert "<dd>12x16</dd>" in page and "map of bad" in page
    said = run(capsys, *words, tmp_path, status=2)
    assert "is a folder" in said


@pytest.mark.further
def test_parts_join_to_what_one_process_finds(root, capsys, tmp_path):
    words = [root / "good", root / "fast.keras", "--data", root / "data"]
    words += ["--metrics", "cc", "auc_shuffled"]
    whole = run(capsys, *words, "-o", tmp_path / "one")
    words += ["-o", tmp_path / "parts"]
    assert "has no parts of good" in run(capsys, *words, "--join", status=2)
    for i in (3, 1):
        # Of ten images two batches; the parts are of whole ones.
        said = run(capsys, *words, "--shard", f"{i}/3")
        assert f": {i - 1} images in" in said
        assert "difference" not in said
    said = run(capsys, *words, "--join", status=2)
    assert "lacks 1 of the 3 parts of good: 2" in said
    run(capsys, *words, "--shard", "2/3")
    joined = run(capsys, *words, "--join")
    assert re.sub(r"in \S+ s", "", joined) == re.sub(r"in \S+ s", "", whole)
    for name in ("good.csv", "fast.csv"):
        one, parts = (tmp_path / folder / name for folder in ("one", "parts"))
        assert one.read_bytes() == parts.read_bytes()
    said = run(capsys, *words, "--join", "--images", "9", status=2)
    assert "not of these images: 10 and 9" in said
    run(capsys, *words, "--shard", "1/1")
    said = run(capsys, *words, "--join", status=2)
    assert "parts of good of 1 and of 3" in said
    for more, message in (
        (["--shard", "1/2", "--join"], "--shard is for one part"),
        (["--join", "--report", "x"], "has parts"),
    ):
        assert message in run(capsys, *words, *more, status=2)
    assert "need -o" in run(capsys, *words[:-2], "--shard", "1/2", status=2)
    with pytest.raises(SystemExit):
        run(capsys, *words, "--shard", "0/2")


def test_parts_know_their_options(root, capsys, tmp_path):
    words = [root / "good", "--data", root / "data", "-o", tmp_path]
    given = ["--metrics", "nss", "cc", "--size", 12, 16]
    for i in (1, 2):
        run(capsys, *words, *given, "--shard", f"{i}/2")
    report = tmp_path / "report.html"
    # What the jobs were given need not be given again.
    run(capsys, *words, "--join", "--report", report)
    page = report.read_text(encoding="utf-8")
    assert "<dd>12x16</dd>" in page and "<dd>nss; cc</dd>" in page
    run(capsys, *words, "--join", "--metrics", "cc", "nss")
    for more, message in (
        (["--metrics", "emd"], "with --metrics nss cc, not emd"),
        (["--size", 24, 32], "with --size 12 16, not 24 32"),
        (["--maps", "per_metric"], "with --maps one, not per_metric"),
    ):
        assert message in run(capsys, *words, "--join", *more, status=2)
    run(capsys, *words, "--metrics", "cc", "nss", "--shard", "2/2")
    said = run(capsys, *words, "--join", status=2)
    assert "with --size 12 16 and the default" in said
    (tmp_path / "good.2-of-2.json").write_text("{")
    said = run(capsys, *words, "--join", status=2)
    assert "good.2-of-2.json is damaged" in said


def test_names_of_windows_stay_below_the_folder(monkeypatch):
    class Windows(pathlib.PureWindowsPath):
        def is_dir(self):
            return True

        def resolve(self):
            return self

    module = sys.modules["keras_saliency.cli.evaluate"]
    monkeypatch.setattr(module, "Path", Windows)
    given = [r"C:\runs\a\maps", r"C:\runs\b\maps"]
    assert module._names(given) == ["runs_a_maps", "runs_b_maps"]


def test_words_that_name_nothing(root, capsys, monkeypatch):
    monkeypatch.chdir(root / "good")
    data = ["--data", str(root / "data")]
    for words, message in (
        (["--data", ""], "a path is empty"),
        ([*data, "-o", ""], "a path is empty"),
    ):
        with pytest.raises(SystemExit) as caught:
            cli.main(["evaluate", "center_bias", *words])
        assert caught.value.code == 2
        assert message in capsys.readouterr().err
    assert "model is empty" in run(capsys, "", *data, status=2)
