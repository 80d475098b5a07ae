"""Whole networks are trained, kept, resumed and read again."""

import functools

import keras
import keras1_files
import numpy as np
import pytest
import stopping
from one_layer import OneLayer

from keras_saliency import datasets, experiments, losses, models

SETTINGS = {
    "epochs": 2,
    "batch_size": 4,
    "learning_rate": 1e-4,
    "precision": "float32",
    "seed": 0,
}


@pytest.fixture(scope="module")
def made():
    return datasets.generate(count=8, size=(32, 48), seed=1)


@pytest.fixture(scope="module")
def small_sam():
    return functools.partial(
        models.SAMVGG, filters=(2,) * 5, depth=2, steps=1, gaussians=1
    )


@pytest.fixture(autouse=True)
def one_layer(monkeypatch):
    monkeypatch.setitem(models.MODELS, "one_layer", OneLayer)


def train(folder, made, settings=SETTINGS, **options):
    return experiments.train_network(
        "one_layer", folder, settings, made, **options
    )


@pytest.mark.further
def test_a_run_is_resumed_kept_and_read(tmp_path, made, capsys):
    with stopping.after_one_epoch():
        train(tmp_path / "run", made)
    assert "Epoch 1/2" in capsys.readouterr().out
    run = train(tmp_path / "run", made)
    printed = capsys.readouterr().out
    assert "Epoch 1/2" not in printed and "Epoch 2/2" in printed
    assert (tmp_path / "run" / "model.weights.h5").exists()
    kept = (tmp_path / "run" / "run.json").read_text()
    assert '"facts"' in kept
    again = train(tmp_path / "run", made)
    assert "Epoch" not in capsys.readouterr().out
    image = made.image(0)
    np.testing.assert_array_equal(
        run.model.saliency_map(image), again.model.saliency_map(image)
    )
    with pytest.raises(experiments.SettingsError, match="other settings"):
        train(tmp_path / "run", made, {**SETTINGS, "seed": 1})
    with pytest.raises(experiments.SettingsError, match="other settings"):
        train(str(tmp_path / "run"), made.subset([0, 1]))
    # Scripts ask without the names of the images.
    assert experiments.is_trained(str(tmp_path / "run"), SETTINGS)


def test_what_a_training_needs_is_said_before_it(tmp_path, made):
    with pytest.raises(ValueError, match="no network 'nope'; known are"):
        experiments.train_network("nope", tmp_path, SETTINGS, made)
    few = {"epochs": 1, "precision": "float32"}
    with pytest.raises(ValueError, match="lacks batch_size, seed, learning_ra"):
        experiments.train_network("fast_net", tmp_path, few, made)


def test_a_run_starts_from_another(tmp_path, made, small_sam, monkeypatch):
    """Its weights, not those of the backbone, and none of its optimizer."""
    first = train(tmp_path / "first", made)
    begun = []
    monkeypatch.setattr(
        keras.Model,
        "fit",
        lambda self, *_, **__: begun.append(self.get_weights()),
    )
    train(tmp_path / "second", made, {**SETTINGS, "seed": 5}, start=first)
    options = {"backbone_weights": None, "input_shape": (32, 48, 3)}
    with pytest.raises(ValueError, match="sam_vgg cannot start from a run of"):
        monkeypatch.setitem(models.MODELS, "sam_vgg", small_sam)
        experiments.train_network(
            "sam_vgg",
            tmp_path / "third",
            SETTINGS,
            made,
            start=first,
            **options,
        )
    with pytest.raises(ValueError, match="a run of a OneLayer"):
        experiments.train_adversarially(
            tmp_path / "fourth", SETTINGS, made, start=first
        )
    for got, wanted in zip(begun[0], first.model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_recipe_or_the_authors_optimizer(tmp_path, made, monkeypatch):
    """Adam with a half cosine, the authors' optimizer and loss on demand."""
    compiled = []

    class Done(Exception):
        pass

    def spy(self, optimizer, loss):
        compiled.append((optimizer, loss))
        raise Done

    monkeypatch.setattr(OneLayer, "compile", spy)
    mse = losses.MeanSquaredError()
    for number, (rate, loss) in enumerate(
        ((1e-4, None), (0.5, lambda model: mse), (experiments.AUTHORS, None))
    ):
        with pytest.raises(Done):
            settings = {**SETTINGS, "learning_rate": rate}
            train(tmp_path / str(number), made, settings, loss=loss)
    (recipe, first), (chosen, second), (authors, third) = compiled
    assert isinstance(authors, keras.optimizers.SGD)
    assert type(first) is type(third) is losses.CombinedLoss
    assert second is mse
    for optimizer, rate in ((recipe, 1e-4), (chosen, 0.5)):
        assert isinstance(optimizer, keras.optimizers.Adam)
        schedule = optimizer._learning_rate
        assert isinstance(schedule, keras.optimizers.schedules.CosineDecay)
        assert schedule.initial_learning_rate == rate
        # Two passes of two batches.
        assert schedule.decay_steps == 4


def test_the_backbone_gets_weights_and_precision(tmp_path, made, monkeypatch):
    calls = []

    def factory(input_shape, backbone_weights, frozen_blocks):
        policy = keras.mixed_precision.dtype_policy().name
        calls.append((backbone_weights, frozen_blocks, policy))
        return OneLayer(input_shape)

    monkeypatch.setitem(models.MODELS, "sam_vgg", factory)
    settings = {**SETTINGS, "precision": "mixed_bfloat16", "epochs": 1}
    run = experiments.train_network(
        "sam_vgg",
        tmp_path / "run",
        settings,
        made,
        backbone_weights="vgg.h5",
        input_shape=(32, 48, 3),
        frozen_blocks=3,
    )
    # The network that is left has all its weights from the training.
    assert calls == [
        ("vgg.h5", 3, "mixed_bfloat16"),
        (None, 3, "float32"),
    ]
    assert run.model.compute_dtype == "float32"
    assert keras.mixed_precision.dtype_policy().name == "float32"


def test_padded_networks_see_images_as_in_training(
    tmp_path, made, small_sam, monkeypatch
):
    monkeypatch.setitem(models.MODELS, "sam_vgg", small_sam)
    monkeypatch.setattr(
        keras.Model, "fit", lambda *_, **__: keras.callbacks.History()
    )
    run = experiments.train_network(
        "sam_vgg", tmp_path / "run", SETTINGS, made, input_shape=(32, 48, 3)
    )
    image = datasets.generate(count=1, size=(60, 40)).image(0)
    map_ = run.model.saliency_map(image)
    run.model.keep_proportions = True
    assert not np.array_equal(map_, run.model.saliency_map(image))


@pytest.mark.slow
def test_adversarial_training_goes_on_as_if_it_had_not_stopped(
    tmp_path, made, monkeypatch, capsys
):
    """The turns and both optimizers go on too: three batches in a pass."""
    small = functools.partial(models.SalGAN, filters=(2,) * 5)
    monkeypatch.setitem(models.MODELS, "salgan", small)
    settings = {**SETTINGS, "batch_size": 3}
    start = experiments.train_network(
        "salgan", tmp_path / "run", settings, made, input_shape=(32, 48, 3)
    )
    maps = []
    for name in ("whole", "stopped"):
        if name == "stopped":
            with stopping.after_one_epoch():
                experiments.train_adversarially(
                    tmp_path / name, settings, made, start=start
                )
            capsys.readouterr()
        run = experiments.train_adversarially(
            tmp_path / name, settings, made, start=start
        )
        maps.append(run.model.predict(made.image(0)[np.newaxis], verbose=0))
    printed = capsys.readouterr().out
    assert "Epoch 1/2" not in printed and "Epoch 2/2" in printed
    np.testing.assert_array_equal(*maps)
    assert {"generator_loss", "discriminator_loss"} <= set(run.logs)
    before = start.model.predict(made.image(0)[np.newaxis], verbose=0)
    assert np.abs(maps[0] - before).max() > 1e-6
    with stopping.after_one_epoch():
        experiments.train_adversarially(
            tmp_path / "other", settings, made, start=start
        )
    with pytest.raises(experiments.SettingsError, match="other settings"):
        experiments.train_adversarially(
            tmp_path / "other", settings, made, start=run
        )
    again = experiments.train_adversarially(
        tmp_path / "whole", settings, made, start=start
    )
    np.testing.assert_array_equal(
        again.model.predict(made.image(0)[np.newaxis], verbose=0), maps[0]
    )


@pytest.mark.further
def test_weights_that_someone_released(tmp_path, small_sam, monkeypatch):
    """An importer's file and a `.keras` file."""
    monkeypatch.setitem(models.MODELS, "sam_vgg", small_sam)
    model = small_sam((32, 48, 3), backbone_weights=None)
    keras1_files.write_sam(model, tmp_path / "sam.pkl")
    fast = models.FastNet((32, 48, 3), filters=(2,) * 5, depth=2)
    fast.save(tmp_path / "fast.keras")
    image = datasets.generate(count=1, size=(60, 40)).image(0)
    for name, file, wanted in (
        ("sam_vgg", "sam.pkl", model),
        ("ml_net", "fast.keras", fast),
    ):
        options = {"input_shape": (32, 48, 3)}
        got = experiments.released(name, tmp_path / file, **options)
        # As the authors have it, with padding.
        np.testing.assert_allclose(
            got.saliency_map(image),
            wanted.saliency_map(image),
            rtol=1e-4,
            atol=1e-6,
        )
    with pytest.raises(ValueError, match="fast_net a .keras file is needed"):
        experiments.released("fast_net", tmp_path / "sam.pkl")
