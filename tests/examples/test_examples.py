"""The example scripts run, on generated data."""

import json

import pytest
from running import run


@pytest.mark.slow
def test_quickstart(tmp_path):
    printed = run("quickstart.py", tmp_path, "--epochs", "2")
    table = printed[printed.index("On the 48 validation images") :]
    for name in ("MSE", "LC1"):
        (row,) = (r for r in table.splitlines() if r.startswith(name))
        values = [float(cell) for cell in row.split()[1:]]
        assert len(values) == 7
        # The center bias alone reaches about 0.45.
        assert values[0] > 0.6
    assert (tmp_path / "results" / "quickstart.png").stat().st_size > 10_000


@pytest.mark.slow
def test_recipe_keeps_each_run_and_repeats_none(tmp_path):
    arguments = ("--epochs", "1", "--train-images", "20", "--rows", "MSE")
    first = run("recipe.py", tmp_path, *arguments)
    assert "MSE: loss" in first
    path = tmp_path / "results" / "recipe" / "mse.json"
    history = json.loads(path.read_text())
    assert history["empty_maps"] == 0
    history["val_cc"] = [0.123]
    path.write_text(json.dumps(history))
    again = run("recipe.py", tmp_path, *arguments)
    assert "val_cc 0.123" in again


@pytest.mark.slow
def test_benchmark_of_features(tmp_path):
    printed = run(
        "benchmark_features.py", tmp_path, "--images", "20", "--epochs", "1"
    )
    assert "times as fast" in printed


@pytest.mark.slow
def test_quickstart_on_real_data(tmp_path, mit1003_path, vgg16_weights):
    printed = run(
        "quickstart.py",
        tmp_path,
        "--data",
        mit1003_path,
        "--backbone-weights",
        vgg16_weights,
        "--losses",
        "LC1",
        "--epochs",
        "2",
    )
    (row,) = (r for r in printed.splitlines() if r.startswith("LC1 "))
    assert float(row.split()[1]) > 0.6
