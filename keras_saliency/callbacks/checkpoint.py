"""Saving the best model so that no kill can lose it."""

import json
import math
import zipfile
from pathlib import Path
from typing import Any, Literal

import keras

from keras_saliency._utils.atomic import replacing
from keras_saliency._utils.types import PathName

# In the `.keras` file, which is a zip archive: what it was saved for.
_MEMBER = "keras_saliency_checkpoint.json"


class Checkpoint(keras.callbacks.Callback):
    """Save the model after each epoch, or after each that is the best so far.

    As `keras.callbacks.ModelCheckpoint`, but

    - the file is written beside the old one and takes its place when it is
      complete: a process killed at any moment leaves a whole model;
    - the best value is kept in the file itself: a training that goes on in
      another process (with `callbacks.Resume`, or `fit(initial_epoch=)`) does
      not replace it by a worse model.

    Put it after the callback that computes what it monitors.

    Args:
        path: The `.keras` file. Names of logs in braces are filled in, as in
            `"{epoch:02d}-{val_cc:.3f}.keras"`; each epoch then has a file of
            its own.
        monitor: Name of a value in the logs, such as `"val_cc"`; only the
            best model by it is kept. `None` saves after each epoch.
        mode: `"max"` or `"min"`: which value of `monitor` is best.
        verbose: 1 says what is saved, 0 nothing.

    Attributes:
        best: The best value so far, or `None`.

    Raises:
        ValueError: If an argument is wrong, or, in the first epoch, if
            `monitor` is not in the logs.
        OSError: If the file cannot be written; the message names it.
    """

    def __init__(
        self,
        path: PathName,
        *,
        monitor: str | None = None,
        mode: Literal["max", "min"] = "max",
        verbose: int = 0,
    ) -> None:
        super().__init__()
        if not str(path).endswith(".keras"):
            raise ValueError(
                f"Checkpoint: the file must end in .keras; received {path}."
            )
        if mode not in ("max", "min"):
            raise ValueError(
                f'Checkpoint: mode must be "max" or "min"; received {mode!r}.'
            )
        self.path = path
        self.monitor = monitor
        self.mode = mode
        self.verbose = verbose
        self.best: float | None = None
        self._begun = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forget the best value of an earlier training."""
        self.best = None
        self._begun = False

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Take over the best value of a training that is continued."""
        if not self._begun and epoch > 0 and self.best is None:
            self.best = self._best_on_disk()
        self._begun = True

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Save the model if it is to be kept."""
        logs = logs or {}
        value = self._value(logs)
        if value is not None:
            if math.isnan(value) or not self._is_better(value):
                return
            self.best = value
        path = Path(str(self.path).format(epoch=epoch + 1, **logs))
        with replacing(path) as new:
            self.model.save(new)
            note = {"epoch": epoch + 1, "monitor": self.monitor, "best": value}
            with zipfile.ZipFile(new, "a") as archive:
                archive.writestr(_MEMBER, json.dumps(note))
        if self.verbose:
            reason = "" if value is None else f" ({self.monitor} {value:.4f})"
            print(f"\nEpoch {epoch + 1}: saved {path}{reason}")

    def _value(self, logs: dict[str, Any]) -> float | None:
        if self.monitor is None:
            return None
        if self.monitor not in logs:
            raise ValueError(
                f"Checkpoint: there is no {self.monitor!r} in the logs; "
                f"received {', '.join(logs) or 'none'}. The callback that "
                "computes it, such as SaliencyMetrics, must stand before "
                "Checkpoint in the list."
            )
        return float(logs[self.monitor])

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return True
        return value > self.best if self.mode == "max" else value < self.best

    def _best_on_disk(self) -> float | None:
        try:
            with zipfile.ZipFile(self.path) as archive:
                note = json.loads(archive.read(_MEMBER))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile):
            return None
        return note["best"] if note["monitor"] == self.monitor else None
