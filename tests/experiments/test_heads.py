"""Heads are trained, kept, resumed and read again."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import stopping

from keras_saliency import callbacks, datasets, experiments, losses
from keras_saliency.experiments import Recipe

RECIPE = Recipe(epochs=2, batch_size=5)


@pytest.fixture(scope="module")
def made():
    return datasets.generate(count=10, size=(32, 48), seed=1)


@pytest.fixture
def trainer(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_SALIENCY_CACHE", str(tmp_path / "cache"))
    return experiments.HeadTrainer(
        tmp_path / "results", backbone="tiny", input_shape=(32, 48, 3)
    )


def no_training(monkeypatch):
    def fit(*arguments, **options):
        raise AssertionError("trained again")

    monkeypatch.setattr(keras.Model, "fit", fit)


@pytest.mark.further
def test_a_run_is_resumed_kept_and_read(trainer, made, monkeypatch, capsys):
    with stopping.after_one_epoch():
        trainer.train("MSE", made, RECIPE, seed=3)
    assert "generated_mse_seed3\n" in capsys.readouterr().out
    run = trainer.train("MSE", made, RECIPE, seed=3)
    printed = capsys.readouterr().out
    assert "Epoch 1/2" not in printed and "Epoch 2/2" in printed
    assert run.folder == trainer.results / "runs" / "generated_mse_seed3"
    assert len(run.logs["loss"]) == 2 and run.seconds > 0
    assert not (run.folder / "unfinished.npz").exists()
    no_training(monkeypatch)
    again = trainer.train("MSE", made, RECIPE, seed=3)
    assert (again.settings, again.logs) == (run.settings, run.logs)
    for before, after in zip(
        run.model.get_weights(), again.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(before, after)


def test_stored_runs_are_read(trainer, made, monkeypatch):
    """The layout on which runs of earlier versions depend."""
    no_training(monkeypatch)
    model = trainer.model(activation="sigmoid")
    folder = trainer.results / "runs" / "generated_kld_cc_nss_r_seed0"
    folder.mkdir(parents=True)
    model.head.save_weights(folder / "head.weights.h5")
    settings = {
        "loss": "KLD + CC + NSS + R",
        "data": "generated",
        "images": 10,
        "recipe": {
            "epochs": 5,
            "learning_rate": 0.001,
            "batch_size": 10,
            "flip": False,
            "ema": 0.0,
        },
        "precision": "float32",
        "seed": 0,
        "start": None,
        "model": {},
    }
    record = folder / "run.json"
    kept = {"settings": settings, "logs": {"loss": [2.0]}, "seconds": 8.5}
    record.write_text(json.dumps(kept))
    run = trainer.train("KLD + CC + NSS + R", made)
    assert run.logs == {"loss": [2.0]} and run.seconds == 8.5
    np.testing.assert_array_equal(
        run.model.head.get_weights()[0], model.head.get_weights()[0]
    )
    # Values per image beside it are read, not measured again.
    (folder / "generated_test.csv").write_text(
        "name,cc\n" + "".join(f"{name},0.5\n" for name in made.names)
    )
    result = experiments.score(run, made, "test")
    assert result.means() == {"cc": 0.5}

    with pytest.raises(
        experiments.SettingsError, match="(?s)generated_kld.*other settings"
    ):
        trainer.train("KLD + CC + NSS + R", made, Recipe(epochs=4))


@pytest.mark.slow
def test_a_run_starts_from_another_with_more_layers(trainer, made):
    recipe = dataclasses.replace(
        RECIPE, epochs=1, learning_rate=1e-9, flip=True, ema=0.5
    )
    first = trainer.train("MSE", made, recipe, tuned_layers=["conv4"])
    other = datasets.generate(count=5, size=(32, 48), seed=2)
    other.name = "other"
    loss = losses.MeanSquaredError() + losses.CorrelationCoefficient()
    second = trainer.train(
        loss, other, recipe, name="Sum", start=first, tuned_layers=["conv4"]
    )
    assert second.folder.name == "other_sum_seed0_after_generated"
    assert second.settings["start"] == first.settings
    assert second.settings["model"] == {"tuned_layers": ["conv4"]}
    assert "neg_cc" in second.logs
    for before, after in zip(
        first.model.head.get_weights(),
        second.model.head.get_weights(),
        strict=True,
    ):
        np.testing.assert_allclose(before, after, atol=1e-5)
    result = experiments.score(second, other, "all")
    again = experiments.score(second, other, "all")
    assert set(result.scores) == {
        *("cc", "sim", "auc_judd", "auc_borji", "nss", "emd", "kl")
    }
    np.testing.assert_array_equal(result.scores["cc"], again.scores["cc"])
    # Values of other images are not taken for these.
    few = experiments.score(second, other.subset(slice(0, 2)), "all")
    assert len(few) == 2


def test_half_precision_is_for_training_alone(trainer, made, monkeypatch):
    trained = []

    def fit(self, *arguments, **options):
        trained.append(self.get_layer("saliency").compute_dtype)
        return keras.callbacks.History()

    monkeypatch.setattr(keras.Model, "fit", fit)
    trainer = dataclasses.replace(trainer, precision="mixed_bfloat16")
    run = trainer.train("MSE", made, RECIPE)
    assert trained == ["bfloat16"]
    assert run.settings["precision"] == "mixed_bfloat16"
    assert run.model.head.get_layer("saliency").compute_dtype == "float32"


def test_a_loss_needs_a_name(trainer, made):
    with pytest.raises(ValueError, match="name="):
        trainer.train(losses.MeanSquaredError(), made)


def test_recipe_falls_to_zero_and_averages():
    optimizer = Recipe(learning_rate=0.5, ema=0.9).optimizer(steps=10)
    assert optimizer.use_ema and optimizer.ema_momentum == 0.9
    rates = [float(optimizer._learning_rate(step)) for step in (0, 5, 10)]
    np.testing.assert_allclose(rates, [0.5, 0.25, 0], atol=1e-6)
    assert not Recipe().optimizer(steps=10).use_ema


def test_a_damaged_record_is_named(trainer, made):
    folder = trainer.results / "runs" / "generated_mse_seed0"
    folder.mkdir(parents=True)
    for text in ("", '{"settings": {', "[]", "5", '{"settings": {}}'):
        (folder / "run.json").write_text(text)
        with pytest.raises(ValueError, match=r"run\.json is damaged"):
            trainer.train("MSE", made)


class Scripted(keras.callbacks.Callback):
    """Gives the passes made-up CCs, and keeps the weights after each."""

    values = (0.1, 0.3, 0.2, 0.25, 0.5)
    weights = {}

    def __init__(self, *_, **__):
        super().__init__()

    def on_epoch_end(self, epoch, logs=None):
        logs["val_cc"] = self.values[epoch]
        self.weights[epoch] = self.model.get_weights()


@pytest.mark.further
def test_a_training_ends_by_validation_images(
    trainer, made, monkeypatch, capsys
):
    """With the weights of the best pass; also after a break."""
    monkeypatch.setattr(callbacks, "SaliencyMetrics", Scripted)
    recipe = experiments.StoppedSGD(
        epochs=5, batch_size=5, learning_rate=0.01, patience=2
    )
    options = {"seed": 3, "validation": made}
    whole = trainer.train("KLD", made, recipe, name="whole", **options)
    # The third and fourth pass were no better than the second.
    assert whole.logs["val_cc"] == [0.1, 0.3, 0.2, 0.25]
    best = Scripted.weights[1]
    for got, wanted in zip(whole.model.head.get_weights(), best, strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert sorted(p.name for p in whole.folder.iterdir()) == [
        "head.weights.h5",
        "run.json",
    ]
    with stopping.after_one_epoch():
        trainer.train("KLD", made, recipe, name="stopped", **options)
    capsys.readouterr()
    stopped = trainer.train("KLD", made, recipe, name="stopped", **options)
    assert "Epoch 1/" not in capsys.readouterr().out
    assert stopped.logs["val_cc"] == whole.logs["val_cc"]
    for got, wanted in zip(stopped.model.head.get_weights(), best, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.further
def test_what_was_begun_with_other_settings_is_refused(
    trainer, made, monkeypatch
):
    """It would go on with the old ones, and be kept under the new."""
    monkeypatch.setattr(callbacks, "SaliencyMetrics", Scripted)
    recipe = experiments.StoppedSGD(epochs=2, batch_size=5)
    faster = dataclasses.replace(recipe, learning_rate=0.1)
    with stopping.after_one_epoch():
        trainer.train("KLD", made, recipe, validation=made)
    with pytest.raises(experiments.SettingsError, match="other settings"):
        trainer.train("KLD", made, faster, validation=made)
    with pytest.raises(experiments.SettingsError, match="other settings"):
        trainer.train("KLD", made, recipe, validation=made.subset([0, 1]))
    run = trainer.train("KLD", made, recipe, validation=made)
    assert run.settings["validation"]["images"] == len(made)
    # Nor is one that is done read for other validation images.
    with pytest.raises(experiments.SettingsError, match="other settings"):
        trainer.plan("KLD", made, recipe, validation=made.subset([0, 1]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ema": 0.9}, "ema must be 0"),
        ({"patience": 0}, "patience"),
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0"),
        ({"learning_rate": float("inf")}, "learning_rate must be above 0"),
    ],
)
def test_impossible_recipes(options, message):
    with pytest.raises(ValueError, match=message):
        experiments.StoppedSGD(**options)


def test_the_papers_recipe():
    recipe = experiments.PAPER_RECIPE
    optimizer = recipe.optimizer(100)
    assert type(optimizer) is keras.optimizers.SGD
    assert float(optimizer.learning_rate) == pytest.approx(0.001)
    assert optimizer.momentum == 0 and recipe.batch_size == 60


def test_validation_images_must_be_there(trainer, made):
    with pytest.raises(ValueError, match="needs validation="):
        trainer.train("MSE", made, experiments.PAPER_RECIPE)
    with pytest.raises(ValueError, match="and no other does"):
        trainer.train("MSE", made, RECIPE, validation=made)


def test_a_run_of_other_images_is_refused(trainer, made):
    first, second = made.subset(slice(0, 5)), made.subset(slice(5, 10))
    recipe = Recipe(epochs=1, batch_size=5)
    trainer.train("MSE", first, recipe)
    wider = dataclasses.replace(trainer, input_shape=(32, 64, 3))
    for changed, images in ((trainer, second), (wider, first)):
        with pytest.raises(experiments.SettingsError, match="other settings"):
            changed.train("MSE", images, recipe)
    other = dataclasses.replace(trainer, backbone="vgg16")
    with pytest.raises(experiments.SettingsError, match="other settings"):
        other.plan("MSE", first, recipe)


def test_a_training_that_diverges_is_not_kept(trainer, made):
    recipe = Recipe(epochs=3, batch_size=5, learning_rate=1e30)
    for _ in range(2):
        with pytest.raises(
            callbacks.DivergedError, match="generated_mse_seed0"
        ):
            trainer.train("MSE", made, recipe)
    folder = trainer.results / "runs" / "generated_mse_seed0"
    assert not (folder / "run.json").exists()
    assert not (folder / "head.weights.h5").exists()


def test_a_stored_run_that_diverged_is_refused(trainer, made):
    run = trainer.train("MSE", made, Recipe(epochs=1, batch_size=5))
    record = run.folder / "run.json"
    content = json.loads(record.read_text())
    content["logs"]["loss"] = [float("nan")]
    record.write_text(json.dumps(content))
    with pytest.raises(callbacks.DivergedError, match="Remove it"):
        trainer.train("MSE", made, Recipe(epochs=1, batch_size=5))


def test_recipes_of_numpy_numbers_are_those_of_python():
    recipe = experiments.StoppedSGD(
        epochs=np.int64(2),
        patience=2.0,
        batch_size=np.int32(5),
        learning_rate=np.float64(0.25),
    )
    assert recipe == experiments.StoppedSGD(2, 0.25, 5, patience=2)
    json.dumps(dataclasses.asdict(recipe))
    for options in ({"epochs": 0}, {"learning_rate": -1}, {"ema": 1}):
        with pytest.raises(ValueError, match=f"Recipe: {next(iter(options))}"):
            Recipe(**options)
    for rate in (np.nan, "0.1", None, True):
        with pytest.raises(ValueError, match="learning_rate must be above 0"):
            Recipe(learning_rate=rate)


def test_scores_belong_to_weights_and_ground_truth(trainer, made):
    run = trainer.train("MSE", made, RECIPE)
    first = experiments.score(run, made, "all")
    wider = made.subset(made.names)
    wider.default_sigma = 2 * made.default_sigma
    with pytest.raises(experiments.SettingsError, match="generated_all"):
        experiments.score(run, wider, "all")
    with pytest.raises(experiments.SettingsError, match="other settings"):
        trainer.train("MSE", wider, RECIPE)
    other = dataclasses.replace(run, model=trainer.model())
    with pytest.raises(experiments.SettingsError, match="generated_all"):
        experiments.score(other, made, "all")
    # Scores of earlier versions, which say nothing of either, are read.
    (run.folder / "generated_all.json").unlink()
    again = experiments.score(other, made, "all")
    np.testing.assert_array_equal(again.scores["cc"], first.scores["cc"])


@pytest.mark.further
def test_another_file_of_weights_is_refused(tmp_path, made):
    paths = [tmp_path / "first.h5", tmp_path / "other.h5"]
    for seed, path in enumerate(paths):
        keras.utils.set_random_seed(seed)
        keras.applications.VGG16(
            include_top=False, weights=None, input_shape=(32, 48, 3)
        ).save_weights(tmp_path / "vgg.weights.h5")
        (tmp_path / "vgg.weights.h5").rename(path)
    first, other = (
        experiments.HeadTrainer(
            tmp_path / "results",
            backbone_weights=path,
            input_shape=(32, 48, 3),
        )
        for path in paths
    )
    plan = first.plan("MSE", made, RECIPE)
    plan.folder.mkdir(parents=True)
    (plan.folder / "run.json").write_text(
        json.dumps({"settings": plan.settings, "logs": {}, "seconds": 1})
    )
    assert first.plan("MSE", made, RECIPE).training.is_done
    with pytest.raises(experiments.SettingsError, match="backbone weights"):
        other.plan("MSE", made, RECIPE)
    paths[0].rename(tmp_path / "moved.h5")
    moved = dataclasses.replace(first, backbone_weights=tmp_path / "moved.h5")
    assert moved.plan("MSE", made, RECIPE).training.is_done
