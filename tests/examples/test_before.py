"""What is wrong is said before anything is trained, and so is what begins."""

import cv2
import numpy as np
import pytest

from keras_saliency import datasets, experiments


@pytest.fixture
def refuses(example, few_images, tmp_path, capsys):
    """A function that runs a script which ends before it trains."""

    def run(*arguments, error=ValueError):
        with pytest.raises(error) as caught:
            example(*arguments, "--backbone", "tiny")
        assert not (tmp_path / "results/runs").exists()
        assert not (tmp_path / "results/best").exists()
        said = capsys.readouterr()
        assert "Epoch" not in said.out
        return said.err if error is SystemExit else str(caught.value)

    return run


def test_best_looks_at_all_it_needs(refuses, tmp_path):
    (tmp_path / "none").mkdir()
    assert "none holds no data set" in refuses("best", "--extra", "a=none")
    assert "no folder nowhere" in refuses(
        "best", "--extra", "a=nowhere", error=SystemExit
    )
    datasets.to_compact(
        datasets.generate(6), tmp_path / "other", progress=False
    )
    said = refuses("best", "--extra", "a=other", "--tuned-layers", "block5")
    assert "block5" in said


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("table2", ("--rows", "MSE", "NSS")),
        ("choose_recipe", ("--rows", "MSE", "NSS")),
        ("quickstart", ("--losses", "MSE", "NSS")),
        ("recipe", ("--rows", "MSE", "NSS")),
    ],
)
@pytest.mark.quick("quickstart")
def test_losses_that_the_data_cannot_have(refuses, tmp_path, script, options):
    """The first could be trained."""
    rng = np.random.default_rng(0)
    for kind, channels in (("images", 3), ("maps", 1)):
        (tmp_path / "mine" / kind).mkdir(parents=True)
        for i in range(5):
            image = rng.integers(0, 255, (48, 64, channels), "uint8")
            cv2.imwrite(str(tmp_path / f"mine/{kind}/{i}.png"), image)
    said = refuses(script, "--data", tmp_path / "mine", *options)
    assert "nss needs fixations" in said


@pytest.mark.further
def test_results_of_other_settings(example, few_images, tmp_path, capsys):
    example("table2", "--epochs", "1", "--rows", "MSE")
    printed = capsys.readouterr().out
    assert printed.startswith(
        "table2: 1 training of 1 epoch on 9 images; 3 images to measure.\n"
    )
    assert "Results go to results." in printed
    with pytest.raises(experiments.SettingsError, match="other settings"):
        example("table2", "--epochs", "2", "--rows", "KLD", "MSE")
    assert "Epoch" not in capsys.readouterr().out
