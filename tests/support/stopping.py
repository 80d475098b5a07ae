"""Trainings that are stopped like by Control-C."""

import contextlib

import keras
import pytest


class _Stopped(keras.callbacks.BackupAndRestore):
    """Keeps the first epoch and ends the training."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        raise KeyboardInterrupt


@contextlib.contextmanager
def after_one_epoch():
    """The training inside is stopped after its first epoch."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(keras.callbacks, "BackupAndRestore", _Stopped)
        with pytest.raises(KeyboardInterrupt):
            yield
