"""The best model is on disk, whole, whatever happens."""

import zipfile

import keras
import numpy as np
import pytest

from keras_saliency._utils import atomic
from keras_saliency.callbacks import Checkpoint


class Logs(keras.callbacks.Callback):
    """Puts given values into the logs, one per epoch."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["val_cc"] = self.values[epoch]


def make_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def train(path, values, *, initial_epoch=0, **options):
    model = make_model()
    checkpoint = Checkpoint(path, **options)
    model.fit(
        np.ones((4, 2)),
        np.zeros((4, 1)),
        epochs=len(values),
        initial_epoch=initial_epoch,
        verbose=0,
        callbacks=[Logs(values), checkpoint],
    )
    return model, checkpoint


def epoch_of(path):
    """The epoch that a file was saved after, by what it says itself."""
    keras.models.load_model(path)
    with zipfile.ZipFile(path) as archive:
        return int(
            archive.read("keras_saliency_checkpoint.json")
            .split(b'"epoch": ')[1]
            .split(b",")[0]
        )


@pytest.mark.parametrize(
    ("mode", "values", "best"),
    [
        ("max", [0.1, 0.3, 0.2], 2),
        ("min", [0.1, 0.3, 0.2], 1),
        ("max", [np.nan, 0.3, np.nan], 2),
    ],
)
def test_the_best_is_kept(tmp_path, mode, values, best):
    path = tmp_path / "best.keras"
    train(path, values, monitor="val_cc", mode=mode)
    assert epoch_of(path) == best


def test_every_epoch_has_a_file_of_its_own(tmp_path):
    train(tmp_path / "{epoch:02d}-{val_cc:.1f}.keras", [0.1, 0.2])
    assert {path.name for path in tmp_path.iterdir()} == {
        "01-0.1.keras",
        "02-0.2.keras",
    }


def test_a_continued_training_remembers_the_best_value(tmp_path):
    path = tmp_path / "best.keras"
    train(path, [0.1, 0.5], monitor="val_cc")
    train(path, [0, 0, 0.3, 0.4], initial_epoch=2, monitor="val_cc")
    assert epoch_of(path) == 2
    train(path, [0, 0, 0.3, 0.6], initial_epoch=2, monitor="val_cc")
    assert epoch_of(path) == 4
    # A new training begins anew.
    train(path, [0.2], monitor="val_cc")
    assert epoch_of(path) == 1


@pytest.mark.parametrize("moment", ["write", "flush", "replace"])
def test_a_write_that_fails_leaves_the_last_model(
    tmp_path, monkeypatch, moment
):
    path = tmp_path / "best.keras"
    model, _ = train(path, [0.1])
    before = path.read_bytes()

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    if moment == "write":
        monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    elif moment == "flush":
        monkeypatch.setattr(atomic.os, "fsync", full)
    else:
        monkeypatch.setattr(atomic.os, "replace", full)
    with pytest.raises(OSError, match="best.keras could not be written"):
        train(path, [0.2])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["best.keras"]


def test_errors(tmp_path):
    with pytest.raises(ValueError, match="must end in .keras"):
        Checkpoint(tmp_path / "best.h5")
    with pytest.raises(ValueError, match='mode must be "max" or "min"'):
        Checkpoint(tmp_path / "best.keras", mode="auto")
    with pytest.raises(ValueError, match="no 'val_sim' in the logs.*val_cc"):
        train(tmp_path / "best.keras", [0.1], monitor="val_sim")
