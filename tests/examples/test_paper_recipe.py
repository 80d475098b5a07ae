"""The paper's recipe on generated images."""

import json

import pytest

from keras_saliency import callbacks, datasets, experiments

ARGUMENTS = (
    *("--rows", "MSE", "LC1", "--rates", "0.001", "0.02", "--epochs", "2"),
    *("--patience", "1", "--validation-images", "3", "--input-size", "32x48"),
)


@pytest.fixture
def recipes(example, tmp_path, monkeypatch):
    """A function that runs the script and returns what it writes."""
    generate = datasets.generate
    monkeypatch.setattr(
        datasets, "generate", lambda count: generate(15, size=(32, 48))
    )

    def run(*arguments):
        example("paper_recipe", *ARGUMENTS, *arguments)
        written = tmp_path / "results" / "paper_recipe"
        return (
            json.loads(written.with_suffix(".json").read_text()),
            written.with_suffix(".md").read_text(),
        )

    return run


@pytest.mark.slow
def test_recipes_are_compared_and_kept(recipes, monkeypatch, capsys):
    content, text = recipes()
    kinds = [(m["recipe"], m["row"]) for m in content["measured"]]
    assert kinds == [
        (recipe, row)
        for recipe in ("SGD 0.001", "SGD, its best rate", "Adam, as table 2")
        for row in ("MSE", "LC1")
    ]
    # Of each loss the rate whose best pass was best on the validation images.
    for row in ("MSE", "LC1"):
        reached = {
            training["recipe"]: max(training["logs"]["val_cc"])
            for training in content["trainings"]
            if training["row"] == row and "val_cc" in training["logs"]
        }
        (rate,) = [
            m["rate"]
            for m in content["measured"]
            if (m["recipe"], m["row"]) == ("SGD, its best rate", row)
        ]
        assert rate == max(reached, key=reached.get)
    assert [o["difference"] for o in content["compared"]] == [
        ["LC1", "MSE"]
    ] * 3
    assert "| Adam, as table 2 | LC1 | 0.001 | 5 |" in text
    capsys.readouterr()
    assert recipes() == (content, text)
    assert "Epoch" not in capsys.readouterr().out


@pytest.mark.further
def test_a_rate_that_diverges_is_left_out(recipes, monkeypatch, capsys):
    """The others are measured; nothing is said of an order by one loss."""
    train = experiments.HeadTrainer.train

    def diverging(self, loss, data, recipe, **options):
        if loss == "MSE" and recipe.batch_size == 60:
            raise callbacks.DivergedError("training has diverged")
        return train(self, loss, data, recipe, **options)

    monkeypatch.setattr(experiments.HeadTrainer, "train", diverging)
    content, text = recipes("--rates", "0.02", "--epochs", "1")
    assert "MSE at 0.02: training has diverged" in capsys.readouterr().out
    assert [(m["recipe"], m["row"]) for m in content["measured"]] == [
        ("SGD, its best rate", "LC1"),
        ("Adam, as table 2", "MSE"),
        ("Adam, as table 2", "LC1"),
    ]
    assert [o["recipe"] for o in content["compared"]] == ["Adam, as table 2"]
    assert content["diverged"] == [[0.02, "MSE"]]
    assert "MSE diverged at 0.02." in text
