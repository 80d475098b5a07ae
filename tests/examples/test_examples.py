"""Quick start, recipe and benchmarks."""

import json

import keras
import pytest
import running

from keras_saliency import datasets, experiments, models


@pytest.mark.manual
def test_quickstart(tmp_path):
    printed = running.run("quickstart", tmp_path, "--epochs", "2")
    table = printed[printed.index("On the 48 validation images") :]
    for name in ("MSE", "LC1"):
        (row,) = (r for r in table.splitlines() if r.startswith(name))
        values = [float(cell) for cell in row.split()[1:]]
        assert len(values) == 7
        # The center bias alone reaches about 0.45.
        assert values[0] > 0.6
    assert (tmp_path / "results" / "quickstart.png").stat().st_size > 10_000


@pytest.mark.manual
def test_quickstart_on_real_data(tmp_path, mit1003_path, vgg16_weights):
    printed = running.run(
        "quickstart",
        tmp_path,
        *("--data", mit1003_path, "--backbone-weights", vgg16_weights),
        *("--losses", "LC1", "--epochs", "2"),
    )
    (row,) = (r for r in printed.splitlines() if r.startswith("LC1 "))
    assert float(row.split()[1]) > 0.6


@pytest.mark.slow
def test_recipe_keeps_each_run_and_repeats_none(
    example, few_images, tmp_path, capsys
):
    arguments = ("recipe", "--epochs", "1", "--rows", "MSE", "--constant-rate")
    example(*arguments, "3e-4")
    assert "MSE: loss" in capsys.readouterr().out
    folder = tmp_path / "results" / "recipe"
    kept = json.loads((folder / "mse.json").read_text())
    assert kept["history"]["empty_maps"] == 0
    kept["history"]["val_cc"] = [0.123]
    (folder / "mse.json").write_text(json.dumps(kept))
    example(*arguments, "3e-4")
    assert "val_cc 0.123" in capsys.readouterr().out
    assert (folder / "rows_pixel_based.png").stat().st_size > 10_000
    # A run with another learning rate is not taken for this one.
    with pytest.raises(experiments.SettingsError, match="other settings"):
        example(*arguments, "1e-3")


@pytest.mark.manual
def test_parts_of_the_recipe(example, few_images, tmp_path):
    example("recipe", "--epochs", "1", "--rows", "MSE", "--ablation")
    folder = tmp_path / "results" / "recipe"
    rates = {
        path.stem: json.loads(path.read_text())["settings"]["optimizer"]
        for path in folder.glob("*.json")
    }
    assert len(rates) == 8
    assert rates["mse_paper"] == "SGD 0.001" and rates["mse_ours"] == "ours"
    assert (folder / "parts_mse.png").exists()


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="the script needs JAX"
)
def test_a_member_teaches_a_network_that_predicts(
    example, tmp_path, monkeypatch, vgg16_weights, efficientnet_weights
):
    for name, seed in (("made", 1), ("other", 2)):
        made = datasets.generate(count=10, seed=seed)
        made.name = name
        datasets.to_compact(made, tmp_path / name, progress=False)
    data = ("--data", "made", "--extra", "other=other", "--steps", "2")
    example(
        *("members", *data, "--member", "vgg16", "--input-size", "32x48"),
        *("--backbone-weights", vgg16_weights),
    )
    member = models.get("results/members/vgg16.keras")
    models.Ensemble([member], name="joined").save("results/joined.keras")
    distil = running.script("distil")
    students = {"small": {**distil.STUDENTS["small"], "levels": 1}}
    students["small"]["input_shape"] = (40, 48, 3)
    monkeypatch.setattr(distil, "STUDENTS", students)
    monkeypatch.setattr(distil, "BATCH_SIZE", 2)
    distil.main(
        [*data, "--students", "small", "--teachers"]
        + ["results/joined.keras"]
        + ["--backbone-weights", str(efficientnet_weights)]
    )
    taught = models.get(tmp_path / "results/students/small.keras")
    assert isinstance(taught, models.DensityNet)
    map_ = taught.saliency_map(made.image(0))
    assert map_.shape == tuple(made.sizes[0]) and map_.max() > 0
    kept = json.loads((tmp_path / "results/students/small.json").read_text())
    assert kept["best"][0]["steps"] and kept["teachers"] == ["joined.keras"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments", "printed"),
    [
        (
            "classic",
            ("--size", "64", "80", "--count", "1", "--rounds", "1"),
            "| model | 64x80 |",
        ),
        ("features", ("--images", "9", "--epochs", "1"), "times as fast"),
        (
            "systems",
            ("--names", "fast_net", "center_bias", "--turns", "1"),
            "fast_net {'parameters': 804385, 'input': [240, 320]",
        ),
        (
            "input",
            ("--count", "4", "--batch-size", "2", "--repeats", "1"),
            "2 thread(s)",
        ),
        (
            "metrics",
            ("--count", "1", "--size", "48", "64", "--rounds", "1"),
            "| all seven |",
        ),
        (
            "losses",
            ("--losses", "MSE", "CC", "--steps", "1", "--batch-size", "1")
            + ("--input-size", "64x64"),
            "CC: ",
        ),
    ],
)
def test_benchmark(name, arguments, printed, tmp_path):
    found = running.run(f"benchmarks/{name}", tmp_path, *arguments)
    assert printed in found


@pytest.mark.slow
def test_loss_maps(example, tmp_path, vgg16_weights):
    example(
        *("loss_maps", "--backbone-weights", vgg16_weights),
        *("--images", "1", "--out", tmp_path / "maps.jpg"),
    )
    assert (tmp_path / "maps.jpg").stat().st_size > 10_000
