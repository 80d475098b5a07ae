"""Table 4 on a few generated pictures, with a small SAM-VGG."""

import functools
import json
import sys

import keras
import numpy as np
import pytest
from running import EXAMPLES

from keras_saliency import datasets, models

SMALL = functools.partial(
    models.SAMVGG, filters=(3, 4, 5, 6, 7), depth=4, steps=2, gaussians=2
)
OPTIONS = (
    *("--train-images", "12", "--test-images", "4", "--images", "1"),
    *("--input-size", "32x48", "--batch-size", "5", "--upsampling", "8"),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    made = datasets.generate(count=30, seed=1)
    made.name = "made"
    folder = tmp_path_factory.mktemp("data") / "made"
    datasets.save_compact(made, folder, progress=False)
    return str(folder)


@pytest.fixture
def table4(data, tmp_path, monkeypatch):
    """A function that runs the script."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(models.MODELS, "sam_vgg", SMALL)
    import table4

    def main(*arguments):
        options = ("--data", data, "--backbone", "tiny", *OPTIONS, *arguments)
        monkeypatch.setattr(sys, "argv", ["table4.py", *options])
        table4.main()
        return json.loads((tmp_path / "results/table4.json").read_text())

    return main


class _Stopped(keras.callbacks.BackupAndRestore):
    """Keeps the first epoch and ends the training like Control-C."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        raise KeyboardInterrupt


def test_rows_are_trained_kept_and_resumed(
    table4, tmp_path, monkeypatch, capsys
):
    arguments = ("--rows", "W-MSE", "LC 1", "--epochs", "2")
    with monkeypatch.context() as patched:
        patched.setattr(keras.callbacks, "BackupAndRestore", _Stopped)
        with pytest.raises(KeyboardInterrupt):
            table4(*arguments)
    assert "Epoch 1/2" in capsys.readouterr().out
    table = table4(*arguments)
    printed = capsys.readouterr().out
    # W-MSE goes on; LC 1 begins.
    assert printed.count("Epoch 1/2") == 1
    assert printed.count("Epoch 2/2") == 2
    assert list(table) == ["W-MSE", "LC 1"]
    assert table["LC 1"]["nss"]["paper"] == 2.1694
    assert table["W-MSE"]["cc"]["ours"] != table["LC 1"]["cc"]["ours"]
    assert "0.7351" in printed and "4 images of the test part" in printed
    results = tmp_path / "results"
    assert (results / "figure4.png").stat().st_size > 10_000
    facts = json.loads((results / "table4" / "lc_1_made_test.json").read_text())
    assert facts["spent"]["images"] == 12
    assert facts["spent"]["input"] == [32, 48]
    # The loss is the row's: its terms are logged.
    run = json.loads((results / "runs/table4_lc_1/run.json").read_text())
    assert {"kld", "neg_cc", "neg_nss"} <= set(run["logs"])

    # The weights alone are left: maps are made again, the same.
    for path in (results / "table4").iterdir():
        path.unlink()
    again = table4(*arguments)
    assert "Epoch" not in capsys.readouterr().out
    for row in table:
        assert again[row]["cc"]["ours"] == pytest.approx(
            table[row]["cc"]["ours"], abs=1e-5
        )
    with pytest.raises(SystemExit, match="was made with other settings"):
        table4(*arguments, "--seed", "1")


@pytest.mark.slow
def test_half_precision_trains_and_float32_predicts(table4, tmp_path):
    arguments = ("--rows", "W-MSE", "--epochs", "1", "--images", "0")
    arguments += ("--precision", "mixed_bfloat16")
    arguments += ("--learning-rate", "authors")
    used = []
    compute = models.SAMVGG.recommended_optimizer

    def spy(model):
        used.append(model.get_layer("block1_conv1").compute_dtype)
        return compute(model)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(models.SAMVGG, "recommended_optimizer", spy)
        first = table4(*arguments)
    assert used == ["bfloat16"]
    assert keras.mixed_precision.dtype_policy().name == "float32"
    # A model of float32 with the weights that are kept gives the same.
    for path in (tmp_path / "results" / "table4").iterdir():
        path.unlink()
    again = table4(*arguments)
    assert np.isclose(
        first["W-MSE"]["cc"]["ours"], again["W-MSE"]["cc"]["ours"], atol=1e-5
    )


@pytest.mark.slow
def test_lc_2_and_the_frozen_backbone(table4, tmp_path, vgg16_weights):
    table = table4(
        *("--rows", "LC 2", "--epochs", "1", "--frozen-blocks", "5"),
        *("--backbone-weights", str(vgg16_weights), "--images", "0"),
    )
    assert table["LC 2"]["auc_judd"]["paper"] == 0.8712
    run = json.loads(
        (tmp_path / "results/runs/table4_lc_2/run.json").read_text()
    )
    assert {"df", "gm", "center_bias"} <= set(run["logs"])
    assert np.isfinite(run["logs"]["loss"]).all()
    assert run["facts"]["frozen_blocks"] == 5


def test_refuses_a_size_that_is_none(table4):
    with pytest.raises(SystemExit, match="'32' is no size"):
        table4("--rows", "W-MSE", "--input-size", "32")
