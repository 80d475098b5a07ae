"""Quick start, recipe and benchmarks."""

import dataclasses
import json

import keras
import numpy as np
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


@pytest.fixture
def two_sets(tmp_path):
    """The folders `made` and `other` of ten generated images each."""
    for name, seed in (("made", 1), ("other", 2)):
        made = datasets.generate(count=10, seed=seed)
        made.name = name
        datasets.to_compact(made, tmp_path / name, progress=False)
    return made


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="the script needs JAX"
)
def test_a_member_is_trained(example, two_sets, vgg16_weights):
    example(
        *("members", "--data", "made", "--extra", "other=other"),
        *("--steps", "2", "--member", "vgg16", "--input-size", "32x48"),
        *("--backbone-weights", vgg16_weights),
    )
    member = models.get("results/members/vgg16.keras")
    assert isinstance(models.Ensemble([member]), models.Ensemble)


@pytest.mark.slow
def test_a_model_teaches_a_smaller_one(
    example, two_sets, tmp_path, monkeypatch, efficientnet_weights
):
    distil = running.script("distil")
    student = {**distil.STUDENTS["bundled"], "input_shape": (40, 48, 3)}
    monkeypatch.setattr(distil, "STUDENTS", {"bundled": student})
    recipe = dataclasses.replace(distil.RECIPE, batch_size=4)
    monkeypatch.setattr(distil, "RECIPE", recipe)
    arguments = ["--data", "made", "--extra", "other=other"]
    arguments += ["--teachers", "bundled", "--epochs", "2"]
    arguments += ["--backbone-weights", str(efficientnet_weights)]
    distil.main(arguments)
    folder = tmp_path / "results/students"
    taught = models.get(folder / "bundled/bundled.keras")
    assert isinstance(taught, models.DensityNet)
    map_ = taught.saliency_map(two_sets.image(0))
    assert map_.shape == tuple(two_sets.sizes[0]) and map_.max() > 0
    losses = json.loads((folder / "bundled/run.json").read_text())["logs"]
    assert losses["loss"][1] < losses["loss"][0]
    # What the teacher said, and the training, are kept.
    kept = [*folder.glob("maps/*.npz"), folder / "bundled/model.weights.h5"]
    assert len(kept) == 3
    before = [path.stat().st_mtime_ns for path in kept]
    distil.main(arguments)
    assert [path.stat().st_mtime_ns for path in kept] == before
    with pytest.raises(experiments.SettingsError, match="other settings"):
        distil.main([*arguments, "--seed", "1"])


def test_what_lies_on_a_cut_image_is_cut_alike():
    distil = running.script("distil")
    image = np.full((60, 80, 3), 100, "uint8")
    density = np.zeros((60, 80), "float32")
    density[20:24, 48:52] = 1
    point = np.array([[50.0, 22.0]])
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        pixels, moved, map_ = distil.changed(image, point, density, rng)
        assert pixels.shape == image.shape and pixels.dtype == "uint8"
        assert map_.shape == density.shape
        x, y = moved[0].astype(int)
        if 0 <= x < 80 and 0 <= y < 60:
            assert map_[y, x] > 0.5
            found += not np.array_equal(moved, point)
    assert found > 5


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
