"""Table 4 on a few generated images, with a small SAM-VGG."""

import functools
import json

import keras
import numpy as np
import pytest
import stopping

from keras_saliency import experiments, models

SMALL = functools.partial(
    models.SAMVGG, filters=(3, 4, 5, 6, 7), depth=4, steps=2, gaussians=2
)
OPTIONS = (
    *("--train-images", "12", "--test-images", "4", "--images", "1"),
    *("--input-size", "32x48", "--batch-size", "5", "--upsampling", "8"),
)


@pytest.fixture
def table4(example, data, tmp_path, monkeypatch):
    """A function that runs the script and returns its table."""
    monkeypatch.setitem(models.MODELS, "sam_vgg", SMALL)

    def run(*arguments):
        options = ("--data", data, "--backbone", "tiny", *OPTIONS)
        example("table4", *options, *arguments)
        return json.loads((tmp_path / "results/table4.json").read_text())

    return run


@pytest.mark.slow
def test_rows_are_trained_kept_and_resumed(table4, tmp_path, capsys):
    arguments = ("--rows", "W-MSE", "LC 1", "--epochs", "2")
    with stopping.after_one_epoch():
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
    kept = json.loads((results / "table4" / "lc_1_made_test.json").read_text())
    assert kept["spent"]["images"] == 12
    assert kept["spent"]["input"] == [32, 48]
    # The loss is the row's: its terms are logged.
    run = json.loads((results / "runs/table4_lc_1/run.json").read_text())
    assert {"kld", "neg_cc", "neg_nss"} <= set(run["logs"])
    assert run["facts"]["input"] == "32x48"

    # The weights alone are left: maps are made again, the same.
    for path in (results / "table4").iterdir():
        path.unlink()
    again = table4(*arguments)
    assert "Epoch" not in capsys.readouterr().out
    for row in table:
        assert again[row]["cc"]["ours"] == pytest.approx(
            table[row]["cc"]["ours"], abs=1e-5
        )
    with pytest.raises(experiments.SettingsError, match="other settings"):
        table4(*arguments, "--seed", "1")


@pytest.mark.manual
def test_half_precision_trains_and_float32_predicts(
    table4, tmp_path, monkeypatch
):
    arguments = ("--rows", "W-MSE", "--epochs", "1", "--images", "0")
    arguments += ("--precision", "mixed_bfloat16")
    arguments += ("--learning-rate", "authors")
    used = []
    compute = models.SAMVGG.recommended_optimizer

    def spy(model):
        used.append(model.get_layer("block1_conv1").compute_dtype)
        return compute(model)

    monkeypatch.setattr(models.SAMVGG, "recommended_optimizer", spy)
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


@pytest.mark.manual
def test_lc_2_and_the_frozen_backbone(table4, tmp_path, vgg16_weights):
    table = table4(
        *("--rows", "LC 2", "--epochs", "1", "--frozen-blocks", "5"),
        *("--backbone-weights", vgg16_weights, "--images", "0"),
    )
    assert table["LC 2"]["auc_judd"]["paper"] == 0.8712
    run = json.loads(
        (tmp_path / "results/runs/table4_lc_2/run.json").read_text()
    )
    assert {"df", "gm", "center_bias"} <= set(run["logs"])
    assert np.isfinite(run["logs"]["loss"]).all()
    assert run["facts"]["frozen_blocks"] == 5


def test_refuses_a_size_that_is_none(table4, capsys):
    with pytest.raises(SystemExit):
        table4("--rows", "W-MSE", "--input-size", "32")
    assert "'32' is no size" in capsys.readouterr().err
