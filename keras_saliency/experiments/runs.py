"""Trainings that are kept in a folder.

A training that is done is read from its folder; one that was stopped goes on
after the last epoch it finished. A folder holds

    run.json        settings, logs and seconds
    *.weights.h5    the trained weights
    unfinished.json what a training that was begun depends on
    unfinished.npz  its last whole epoch
    best.keras      its best epoch, where the validation images say when to end

What earlier versions left in `unfinished/` is not read: such a training starts
again.
"""

import dataclasses
import json
import math
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_saliency import callbacks
from keras_saliency._utils.atomic import replacing, write_text


class SettingsError(ValueError):
    """A folder holds results that were made with other settings.

    The message names the folder and both settings. It is a `ValueError`.
    """


class Kind(NamedTuple):
    """What is trained of a model, and the names under which it is kept.

    Attributes:
        part: Function from a model to the part of it that is trained.
        weights: Name of the weights file.
        settings: Key of the settings in `run.json`.
    """

    part: Callable[[Any], Any]
    weights: str
    settings: str


# Settings that runs of earlier versions and plans lack: equal where they do.
_SINCE = {
    "names",
    "truth",
    "backbone",
    "backbone weights",
    "input",
    "checksum",
    "measured",
}
# Stored runs depend on these names.
HEAD = Kind(lambda model: model.head, "head.weights.h5", "settings")
_RECORD = "run.json"
_BEGUN, _UNFINISHED, _BEST = "unfinished.json", "unfinished.npz", "best.keras"
NETWORK = Kind(lambda model: model, "model.weights.h5", "facts")


@dataclasses.dataclass(frozen=True)
class Stopping:
    """What ends a training: its CC on validation images no longer rises.

    Attributes:
        batches: Function from the model to the batches of these images.
        patience: Passes without a gain after which it ends.
    """

    batches: Callable[[Any], Any]
    patience: int

    def callbacks(self, model: Any, folder: Path) -> list[Any]:
        """Return the callbacks: first the one that measures."""
        return [
            callbacks.SaliencyMetrics(
                self.batches(model), metrics=["cc", "nss", "kl"]
            ),
            callbacks.Checkpoint(folder / _BEST, monitor="val_cc"),
            keras.callbacks.EarlyStopping(
                "val_cc", mode="max", patience=self.patience
            ),
        ]

    @staticmethod
    def best_weights(folder: Path) -> list[Any]:
        """Return the weights after the best pass."""
        return keras.models.load_model(
            folder / _BEST, compile=False
        ).get_weights()


@dataclasses.dataclass(frozen=True)
class Run:
    """A training that is done.

    Attributes:
        model: The trained model, in float32.
        folder: The folder that the run is kept in.
        settings: What the run depends on, as in `run.json`.
        logs: The logs of `fit`: name -> one value per epoch.
        seconds: Seconds that the last command spent on it; a training that
            was stopped took longer.
    """

    model: Any
    folder: Path
    settings: dict[str, Any]
    logs: dict[str, list[float]]
    seconds: float

    def digest(self) -> str:
        """Return a text that changes with the weights."""
        check = 0
        for values in self.model.get_weights():
            check = zlib.crc32(np.ascontiguousarray(values).tobytes(), check)
        return f"{check:08x}"


def fit(
    folder: Path,
    settings: Mapping[str, Any],
    build: Callable[[bool], Any],
    prepare: Callable[[Any], Any],
    *,
    kind: Kind,
    epochs: int,
    seed: int,
    stopping: Stopping | None = None,
    start: Run | None = None,
) -> Run:
    """Train a model, or read the training from its folder.

    Args:
        folder: Folder of the run, made if it is not there.
        settings: All that the run depends on, in types that JSON knows.
        build: Function that returns a new model. Its argument says whether
            the model is about to be trained: then it may compute in half
            precision, and it needs the weights to start from.
        prepare: Function that compiles the part of the model that is trained
            and returns the batches to train on.
        kind: `HEAD` or `NETWORK`.
        epochs: Number of passes over the batches.
        seed: Seed of initial weights and dropout.
        stopping: What ends it before, if anything does.
        start: The run whose weights `build` starts from.

    Returns:
        A `Run`; its model is a new one of `build(False)`.

    Raises:
        SettingsError: If the folder holds a run with other settings, or one
            that was begun with others.
        DivergedError: If the loss is NaN or infinity after an epoch.
    """
    settings = _as_json(settings)
    record, weights = folder / _RECORD, folder / kind.weights
    if is_done(folder, settings, kind):
        kept = read_record(record, kind.settings, "logs", "seconds")
        model = build(False)
        kind.part(model).load_weights(weights)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        begin(folder, {**settings, "start weights": start and start.digest()})
        print(f"\n{folder.name}", flush=True)
        begun = time.perf_counter()
        keras.utils.set_random_seed(seed)
        model = build(True)
        batches = prepare(model)
        trained = kind.part(model)
        watching = [] if stopping is None else stopping.callbacks(model, folder)
        resume = callbacks.Resume(
            folder / _UNFINISHED, data=batches, callbacks=watching[1:]
        )
        trained.fit(
            batches,
            epochs=epochs,
            verbose=2,
            callbacks=[_Finite(folder), *watching, resume],
        )
        if stopping is None:
            values = trained.get_weights()
        else:
            values = stopping.best_weights(folder)
        model = build(False)
        kind.part(model).set_weights(values)
        with replacing(weights) as new:
            kind.part(model).save_weights(new)
        kept = {
            kind.settings: settings,
            "logs": resume.history,
            "seconds": round(time.perf_counter() - begun, 1),
        }
        write_text(record, json.dumps(kept, indent=1))
        for name in (_UNFINISHED, _BEGUN, _BEST):
            (folder / name).unlink(missing_ok=True)
    return Run(model, folder, settings, kept["logs"], kept["seconds"])


class _Finite(keras.callbacks.Callback):
    """End a training that can come to nothing, before its state is kept."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise callbacks.DivergedError(
                f"{self.folder.name}: the loss is {loss} after epoch "
                f"{epoch + 1}, so this training has diverged. Take a lower "
                f"learning rate, and remove {self.folder}."
            )


def is_done(folder: Path, settings: Mapping[str, Any], kind: Kind) -> bool:
    """Return whether a folder holds a run that is done.

    Args:
        folder: Folder of the run.
        settings: The settings of the run that is asked for.
        kind: `HEAD` or `NETWORK`.

    Raises:
        SettingsError: If it holds a run with other settings.
        DivergedError: If it holds a run whose loss was NaN or infinity.
        ValueError: If what is kept is damaged.
    """
    record = folder / _RECORD
    if not record.exists():
        return False
    kept = read_record(record, kind.settings, "logs", "seconds")
    check_settings(settings, kept[kind.settings], folder)
    if not np.isfinite(kept["logs"].get("loss", [])).all():
        raise callbacks.DivergedError(
            f"{folder} holds a training that diverged. Remove it, and take a "
            "lower learning rate."
        )
    return True


def begin(folder: Path, settings: Mapping[str, Any]) -> None:
    """Note what a training depends on that has not ended yet.

    Raises:
        SettingsError: If it was begun with other settings and has got so far
            that it would go on.
        ValueError: If the note is damaged.
    """
    note = folder / _BEGUN
    if (folder / _UNFINISHED).exists() and note.exists():
        kept = read_record(note, "settings")["settings"]
        check_settings(settings, kept, folder)
    content = json.dumps({"settings": settings}, indent=1)
    write_text(note, content)


def check_settings(
    settings: Mapping[str, Any], kept: Mapping[str, Any], path: Path
) -> None:
    """Refuse results that were made with other settings.

    Args:
        settings: The settings that are asked for.
        kept: The settings that the results were made with.
        path: The folder or file that holds the results.

    Raises:
        SettingsError: If the two differ.
    """
    if not _alike(_as_json(settings), kept):
        raise SettingsError(
            f"{path} was made with other settings; choose another folder with "
            f"--results, or remove it.\nIt was made with {kept}\n"
            f"received {settings}"
        )


def _alike(asked: Any, kept: Any) -> bool:
    if not (isinstance(asked, dict) and isinstance(kept, dict)):
        return bool(asked == kept)
    lacking = {n for n in _SINCE if n not in kept or n not in asked}
    names = kept.keys() - lacking
    return asked.keys() - lacking == names and all(
        _alike(asked[name], kept[name]) for name in names
    )


def read_record(path: Path, *fields: str) -> dict[str, Any]:
    """Read what is kept of a run or a measurement.

    Args:
        path: The JSON file.
        *fields: What it must hold.

    Raises:
        ValueError: If it is damaged; the message names it.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        missing = [field for field in fields if field not in kept]
        if not isinstance(kept, dict) or missing:
            raise ValueError(f"it lacks {', '.join(missing) or 'fields'}")
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged ({error}). Remove it to make it anew."
        ) from error
    return kept


def slug(name: str) -> str:
    """Return a name as part of a file name, such as `"kld_cc_nss"`."""
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    return "_".join(words)


def _as_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as they are read back: tuples are lists."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(
            f"A setting must be one that JSON knows; received {value!r}."
        )

    return json.loads(json.dumps(settings, default=plain))
