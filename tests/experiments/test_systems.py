"""Systems are measured, kept and compared."""

import json

import numpy as np
import pytest

from keras_saliency import datasets, experiments
from keras_saliency.experiments import System
from keras_saliency.models import classic

FIVE = ["cc", "sim", "auc_judd", "auc_borji", "nss"]


@pytest.fixture(scope="module")
def made():
    return datasets.generate(count=5, size=(48, 64), seed=1)


def asked(model, settings, spent):
    """A system, and the list of what its model was asked."""
    calls = []

    def predict(image):
        calls.append(image)
        return model.saliency_map(image)

    return System(predict, settings, spent), calls


def measure(system, dataset, folder, row="One"):
    return experiments.measure(
        row, system, dataset, part="test", table="table4", results=folder
    )


def test_a_measurement_is_kept_and_refused(made, tmp_path):
    system, calls = asked(classic.CenterBias(), {"a": (1, 2)}, {"epochs": 3})
    result, spent = measure(system, made, tmp_path)
    assert list(result.scores) == FIVE and len(calls) == 5
    assert spent["epochs"] == 3
    assert spent["milliseconds per map and metrics"] >= 0
    path = tmp_path / "table4" / "one_generated_test.json"
    kept = json.loads(path.read_text())
    measured = kept["facts"].pop("measured")
    assert set(measured) == {"names", "truth"}
    assert kept["facts"] == {"a": [1, 2]} and kept["spent"] == spent
    assert set(kept["means"]) == set(FIVE)

    again, spent_again = measure(system, made, tmp_path)
    assert len(calls) == 5 and spent_again == spent
    np.testing.assert_array_equal(again.scores["cc"], result.scores["cc"])
    # Other images are measured.
    fewer, _ = measure(system, made.subset(slice(0, 2)), tmp_path)
    assert len(fewer) == 2
    other, _ = asked(classic.CenterBias(), {"a": 3}, {})
    with pytest.raises(
        experiments.SettingsError,
        match="(?s)one_generated.*another folder with --results",
    ):
        measure(other, made, tmp_path)


@pytest.mark.slow
def test_a_table_of_systems(made, tmp_path, capsys):
    made_rows = []
    chosen = {"W-MSE": classic.CenterBias(), "LC 1": classic.Uniform()}

    def system(row):
        made_rows.append(row)
        return System(chosen[row].saliency_map, {}, {"images": 7})

    options = {"part": "test", "results": tmp_path, "figure": "figure.png"}
    table = experiments.report(
        "table4", chosen, system, made, images_shown=2, **options
    )
    assert made_rows == ["W-MSE", "LC 1"]
    assert table.rows["W-MSE"]["cc"]["ours"] > table.rows["LC 1"]["cc"]["ours"]
    assert table.rows["LC 1"]["nss"]["paper"] == 2.1694
    printed = capsys.readouterr().out
    assert "0.7351" in printed and "5 images of the test part" in printed
    assert 'LC 1: "images": 7' in printed
    assert json.loads((tmp_path / "table4.json").read_text()) == table.rows
    assert (tmp_path / "figure.png").stat().st_size > 10_000

    (tmp_path / "figure.png").unlink()
    experiments.report(
        "table4", chosen, system, made, images_shown=0, **options
    )
    assert not (tmp_path / "figure.png").exists()


def test_panels_are_small(made):
    image, density = experiments.first_panels(made, 0, longest=32)
    assert image.shape == (24, 32, 3) and density.shape == (24, 32)


def check_kept(system, dataset, folder):
    return experiments.check_kept(
        "One",
        system.settings,
        dataset,
        part="test",
        table="table4",
        results=folder,
    )


def test_what_is_kept_of_other_images_does_not_count(made, tmp_path):
    system, _ = asked(classic.CenterBias(), {"a": 1}, {})
    assert not check_kept(system, made, tmp_path)
    measure(system, made, tmp_path)
    assert check_kept(system, made, tmp_path)
    assert not check_kept(system, made.subset([0, 1]), tmp_path)


def test_another_ground_truth_is_refused(made, tmp_path):
    system, _ = asked(classic.CenterBias(), {"a": 1}, {})
    measure(system, made, tmp_path)
    wider = made.subset(made.names)
    wider.default_sigma = 2 * made.default_sigma
    for check in (measure, lambda *given: check_kept(*given)):
        with pytest.raises(experiments.SettingsError, match="truth"):
            check(system, wider, tmp_path)
