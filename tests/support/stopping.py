"""Trainings that are stopped like by Control-C."""

import contextlib

import pytest

from keras_saliency import callbacks


class _Stopped(callbacks.Resume):
    """Keeps the first epoch and ends the training."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        raise KeyboardInterrupt


@contextlib.contextmanager
def after_one_epoch():
    """The training inside is stopped after its first epoch."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(callbacks, "Resume", _Stopped)
        with pytest.raises(KeyboardInterrupt):
            yield
