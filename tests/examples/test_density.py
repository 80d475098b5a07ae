"""Densities: fitted and scored, adapted, trained."""

import json

import pytest

from keras_saliency import models

pytestmark = pytest.mark.slow


def test_a_model_through_its_density(example, few_images, tmp_path, capsys):
    example("density", "--model", "bundled", "--images", "5")
    results = tmp_path / "results"
    assert capsys.readouterr().out.count("EMD (lower is better)") == 3
    report = json.loads((results / "density_bundled.json").read_text())
    assert set(report["means"]) == {
        "the model's map",
        "density",
        "own map of each",
    }
    own, small = (report["gains"][n] for n in ("emd", "emd at 37x50"))
    assert own["first"] > small["first"] > 0
    density = models.FixationDensity.published(
        "bundled", path=results / "bundled.density.json"
    )
    assert density.fitted.report["images"] == 3
    # Maps and scores are kept.
    kept = {path.name for path in (results / "density").iterdir()}
    assert "bundled_per_metric.jsonl" in kept and "bundled_test.npz" in kept
    example("density", "--model", "bundled", "--images", "5")


def test_another_data_set(example, few_images, data, tmp_path):
    example(
        "adapt",
        *("--model", "bundled", "--sets", f"Other={data}"),
        *("--images", "3", "--draws", "2", "--scored", "2"),
    )
    text = (tmp_path / "results" / "adapt_bundled.json").read_text()
    found = json.loads(text)["Other"]
    assert found["held"] == found["images"] == 15
    assert len(found["share"]) == 3


def test_a_head_that_ends_in_a_density(example, few_images, tmp_path):
    example("density_head", "--epochs", "1", "--rows", "NLL, density", "KLD")
    results = tmp_path / "results"
    logs = json.loads((results / "density_head_logs.json").read_text())
    assert len(logs["NLL, density"]["val_information_gain"]) == 1
    assert (results / "nll_density.keras").is_file()
    assert (results / "density_head.md").is_file()
