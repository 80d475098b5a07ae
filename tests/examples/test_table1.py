"""Table 1 on a few generated pictures."""

import csv
import json
import sys

import keras
import pytest
from running import EXAMPLES, run

from keras_saliency import datasets

CLASSIC = ("Itti", "GBVS", "Centre bias", "Uniform")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    made = datasets.generate(count=40, seed=1)
    made.name = "made"
    folder = tmp_path_factory.mktemp("data") / "made"
    datasets.to_compact(made, folder, progress=False)
    return str(folder)


@pytest.fixture
def table1(data, tmp_path, monkeypatch):
    """The script as a module, and a function that runs it."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    import table1

    def main(*arguments):
        options = ("--data", data, "--backbone", "tiny", *arguments)
        monkeypatch.setattr(sys, "argv", ["table1.py", *options])
        table1.main()
        return json.loads((tmp_path / "results/table1.json").read_text())

    table1.run = main
    return table1


def test_rows_are_kept_and_compared(table1, tmp_path, capsys):
    arguments = ("--rows", *CLASSIC, "--test-images", "6", "--images", "2")
    table = table1.run(*arguments)
    assert list(table) == list(CLASSIC)
    assert table["GBVS"]["auc_judd"]["paper"] == 0.81
    assert table["GBVS"]["cc"]["ours"] > table["Uniform"]["cc"]["ours"]
    assert table["Uniform"]["auc_judd"]["paper"] is None
    assert table["Uniform"]["auc_judd"]["ours"] == pytest.approx(0.5, abs=0.01)
    ranks = sorted(row["nss"]["ours_rank"] for row in table.values())
    assert ranks == [1, 2, 3, 4]
    assert "6 images of the test part" in capsys.readouterr().out
    results = tmp_path / "results"
    with open(results / "table1.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 4 * 5
    assert (results / "table1.png").stat().st_size > 10_000

    # The second run reads every row.
    path = results / "table1" / "gbvs_made_test.csv"
    header, first, *others = path.read_text().splitlines()
    name, _, *rest = first.split(",")
    path.write_text("\n".join([header, ",".join([name, "9", *rest]), *others]))
    again = table1.run(*arguments)
    assert again["GBVS"]["cc"]["ours"] > 1
    assert again["Itti"]["cc"]["ours"] == table["Itti"]["cc"]["ours"]

    # A row of other settings is not taken for this one.
    with pytest.raises(SystemExit, match="was made with other settings"):
        table1.run(*arguments, "--train-images", "10")


def test_our_model_is_trained_and_measured(table1, tmp_path, capsys):
    table1.run(
        *("--rows", "Our model", "--images", "0"),
        *("--epochs", "3", "Our model=1", "--train-images", "20"),
    )
    assert capsys.readouterr().out.count(" - loss: ") == 1
    facts = json.loads(
        (tmp_path / "results/table1/our_model_made_test.json").read_text()
    )
    assert facts["spent"]["epochs"] == 1
    assert facts["spent"]["images"] == 20
    assert facts["spent"]["input"] == [300, 400]
    assert facts["spent"]["seconds"] > 0
    assert set(facts["means"]) == {"cc", "sim", "auc_judd", "auc_borji", "nss"}


class _Stopped(keras.callbacks.BackupAndRestore):
    """Keeps the first epoch and ends the training like Control-C."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        raise KeyboardInterrupt


def test_networks_resume(table1, tmp_path, monkeypatch, capsys):
    """With a small network in the place of a row's."""
    arguments = (
        *("--rows", "ShallowNet", "--images", "1"),
        *("--epochs", "2", "--train-images", "20"),
        *("--input-size", "ShallowNet=48x64", "--batch-size", "7"),
    )
    monkeypatch.setitem(table1.NETWORKS, "ShallowNet", "fast_net")
    with monkeypatch.context() as patched:
        patched.setattr(keras.callbacks, "BackupAndRestore", _Stopped)
        with pytest.raises(KeyboardInterrupt):
            table1.run(*arguments)
    assert "Epoch 1/2" in capsys.readouterr().out
    before = table1.run(*arguments)
    printed = capsys.readouterr().out
    assert "Epoch 1/2" not in printed and "Epoch 2/2" in printed
    folder = tmp_path / "results" / "runs" / "table1_shallownet"
    kept = json.loads((folder / "run.json").read_text())
    assert kept["facts"]["input"] == "48x64"
    # The weights alone are left: maps are made again, the same.
    for path in (tmp_path / "results" / "table1").iterdir():
        path.unlink()
    again = table1.run(*arguments)
    assert "Epoch" not in capsys.readouterr().out
    assert again["ShallowNet"]["cc"]["ours"] == pytest.approx(
        before["ShallowNet"]["cc"]["ours"], abs=1e-5
    )


def test_names_a_row_that_is_none(table1, capsys):
    with pytest.raises(SystemExit):
        table1.run("--epochs", "Sam=1")
    assert "there is no row 'Sam'" in capsys.readouterr().err


def test_benchmark(tmp_path):
    printed = run(
        "benchmark_classic.py",
        tmp_path,
        *("--size", "64", "80", "--count", "1", "--rounds", "1"),
    )
    assert "| gbvs | " in printed and "| model | 64x80 |" in printed
