"""Going on with a training that was broken off, as if it had not been."""

import json
import math
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_saliency._utils import checksums
from keras_saliency._utils.atomic import replacing
from keras_saliency._utils.types import Array, PathName

_FORMAT = 1
# What `Checkpoint`, `EarlyStopping` and `ReduceLROnPlateau` change in training.
_COUNTED = ("best", "best_epoch", "wait", "cooldown_counter")
# What files of earlier versions do not say of the data.
_SINCE = {"drop_last", "sigma", "truth"}


class Resume(keras.callbacks.Callback):
    """Keep all that a training depends on, and go on from there.

    After each epoch one file receives the weights, the optimizer's state, what
    a `CombinedLoss(weighting=)` has learned, the states of dropout and other
    random layers, the order in which `fit` draws batches, the pass of `data`,
    the logs so far, the best values of `callbacks`, and whether one of them has
    ended the training, which then stays ended. If the file is there
    when `fit` begins, training goes on after the epoch it was written in. On
    the CPU of one machine the result is then that of the training without a
    break, bit for bit. The file is replaced in one step: a process killed at
    any moment leaves a whole one. After an epoch whose loss is NaN or infinite
    nothing is written: training can go on from the epoch before.

        resume = callbacks.Resume("run/state.npz", data=train)
        model.fit(train, epochs=20, callbacks=[metrics, best, resume])

    Put it last in the list. The model must be built and compiled as before,
    and the data must be the same: images are known by their names and order,
    their ground truth by fixations, sigma and published maps, the model by the
    names and shapes of its variables and by its optimizer. What `compile` was
    given besides, such as the loss, is not looked at; the learning rate goes
    on from its value in the file.

    Args:
        path: The `.npz` file.
        data: What `fit` trains on, a `SaliencySequence` or `CachedFeatures`
            whose samples are arranged anew in each pass, or another
            `PyDataset` with an attribute `pass_number` that decides its order
            and can be set. `None` for data that are the same in each pass.
        callbacks: Other callbacks of the list whose state counts: `Checkpoint`
            and Keras' `EarlyStopping` and `ReduceLROnPlateau`. Their counts
            and best values are kept, not weights: use `Checkpoint` in place
            of `EarlyStopping(restore_best_weights=True)`.
        delete: Whether the file is removed when training ends as planned.

    Attributes:
        history: Logs of all epochs, those before the break included: a
            dictionary of lists, as `History.history`.

    Raises:
        ValueError: When `fit` begins, if the file holds the state of another
            model or optimizer or was written with other data, is damaged, or
            an epoch by `steps_per_epoch` is not a pass of `data`.
        OSError: If the file cannot be written; the message names it.
    """

    def __init__(
        self,
        path: PathName,
        *,
        data: Any = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        delete: bool = False,
    ) -> None:
        super().__init__()
        self.path = Path(path)
        if self.path.suffix != ".npz":
            raise ValueError(
                f"Resume: the file must end in .npz; received {path}."
            )
        self.data = getattr(data, "sequence", data)
        if self.data is not None and not hasattr(self.data, "pass_number"):
            raise ValueError(
                "Resume: data must be a SaliencySequence or CachedFeatures; "
                f"received {type(data).__name__}. Leave it out for data that "
                "are the same in each pass."
            )
        self.callbacks = list(callbacks)
        self.delete = delete
        self.history: dict[str, list[float]] = {}
        self._state: dict[str, Any] | None = None
        self._data_facts: dict[str, str] = {}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restore the state, if there is one."""
        self.history = {}
        self._state = None
        # Keras keeps the number that an earlier training began with.
        self.model._initial_epoch = None
        self._check_steps()
        self._data_facts = _facts(self.data)
        variables = self._variables()
        if not self.path.exists():
            return
        state, values = self._read()
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self.history = state["history"]
        self.model._initial_epoch = state["epoch"]
        if state.get("ended"):
            # Another callback ended it: no epoch is left.
            self.model._initial_epoch = self.params["epochs"]
        self._state = state

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Restore, in the first epoch, what others set when training began."""
        self.model._initial_epoch = None
        if self._state is None:
            return
        state, self._state = self._state, None
        for callback, numbers in zip(
            self.callbacks, state["callbacks"], strict=True
        ):
            vars(callback).update(numbers)
        if self.data is not None and state["pass"] is not None:
            self.data.pass_number = state["pass"]
        _set_generators(state["generators"])

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Write the state."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            return
        state = {
            "format": _FORMAT,
            "epoch": epoch + 1,
            "ended": bool(getattr(self.model, "stop_training", False)),
            "history": self.history,
            "pass": None if self.data is None else self.data.pass_number,
            "data": self._data_facts,
            "model": self._names(),
            "generators": _generators(),
            "callbacks": [_numbers(callback) for callback in self.callbacks],
        }
        arrays: dict[str, Any] = {
            f"variable_{i}": _known_to_numpy(variable)
            for i, variable in enumerate(self._variables())
        }
        arrays["state"] = np.array(json.dumps(state))
        with replacing(self.path) as new:
            np.savez(new, **arrays)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Remove the file, if that is wanted and the training went well."""
        self.model._initial_epoch = None
        if self.delete and math.isfinite(self.history.get("loss", [0.0])[-1]):
            self.path.unlink(missing_ok=True)

    def _check_steps(self) -> None:
        """Refuse epochs that are not whole passes of the data.

        Keras goes on within a pass in the next epoch, but not after a break.
        """
        steps = self.params.get("steps")
        count = getattr(self.data, "num_batches", None)
        if steps and count and steps != count:
            raise ValueError(
                f"Resume: an epoch of {steps} steps is not a pass of {count} "
                "batches. Leave out steps_per_epoch, and change the number of "
                "epochs."
            )

    def _variables(self) -> list[Any]:
        optimizer = self.model.optimizer
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        learned = getattr(getattr(self.model, "loss", None), "learned", None)
        variables = [
            *self.model.variables,
            *optimizer.variables,
            *(learned.variables if learned is not None else []),
        ]
        # A second optimizer's, as `AdversarialTraining` has them.
        known = {id(variable) for variable in variables}
        return variables + [
            variable
            for variable in self.model.non_trainable_variables
            if id(variable) not in known
        ]

    def _names(self) -> list[str]:
        """Names of the optimizer and of all variables."""
        names = [variable.path for variable in self._variables()]
        return _plain([type(self.model.optimizer).__name__, *names])

    def _read(self) -> tuple[dict[str, Any], list[Array]]:
        try:
            # NumPy leaves a damaged file open.
            with (
                open(self.path, "rb") as opened,
                np.load(opened, allow_pickle=False) as file,
            ):
                state = json.loads(file["state"].item())
                count = len(file.files) - 1
                values = [file[f"variable_{i}"] for i in range(count)]
            known = state["format"] == _FORMAT
            if known:
                _check_types(state)
        except Exception as error:  # a damaged archive raises nearly anything
            raise ValueError(
                f"Resume: {self.path} is damaged, or not a file of Resume "
                f"({error or repr(error)}). Remove it to begin anew."
            ) from error
        variables = self._variables()
        fits = len(values) == len(variables) and all(
            tuple(value.shape) == tuple(variable.shape)
            for value, variable in zip(values, variables, strict=True)
        )
        if not known or not fits or _plain(state["model"]) != self._names():
            raise ValueError(
                f"Resume: {self.path} holds the state of another model or "
                f"optimizer ({len(values)} variables; this one has "
                f"{len(variables)}). Build and compile as before, or remove "
                "the file to begin anew."
            )
        if len(state["callbacks"]) != len(self.callbacks):
            raise ValueError(
                f"Resume: {self.path} was written with "
                f"{len(state['callbacks'])} callbacks, but there are "
                f"{len(self.callbacks)} now. Give the same ones."
            )
        before, now = state["data"], self._data_facts
        changed = sorted(
            f"{name} {before.get(name)}, now {now.get(name)}"
            for name in (before.keys() | now.keys()) - (_SINCE - before.keys())
            if before.get(name) != now.get(name)
        )
        if changed:
            raise ValueError(
                f"Resume: {self.path} was written with other data "
                f"({'; '.join(changed)}). Give the same, or remove the file to "
                "begin anew."
            )
        return state, values


def _plain(names: list[str]) -> list[str]:
    """Return names of variables as they are compared.

    Keras numbers the layers that the user does not name, and names variables
    of an optimizer with a scaled loss by where they were made.
    """
    return [
        re.sub(r"_\d+", "", name).removeprefix("loss_scale_optimizer/")
        for name in names
    ]


def _check_types(state: dict[str, Any]) -> None:
    """Raise unless a state is made as it must be."""
    wanted = {
        "epoch": int,
        "history": dict,
        "data": dict,
        "model": list,
        "generators": dict,
        "callbacks": list,
    }
    for name, kind in wanted.items():
        if not isinstance(state[name], kind):
            raise ValueError(f"{name} is no {kind.__name__}")
    for name in ("python", "numpy"):
        if not isinstance(state["generators"][name], list):
            raise ValueError(f"{name} is no list")


def _facts(data: Any) -> dict[str, str]:
    """Return what tells the data of one training from others."""
    if data is None:
        return {}
    facts: dict[str, Any] = {
        name: getattr(data, name, None)
        for name in (
            "batch_size",
            "shuffle",
            "flip",
            "seed",
            "drop_last",
            "sigma",
        )
    }
    for name in ("image_size", "map_size"):
        facts[name] = "x".join(map(str, getattr(data, name, ())))
    if getattr(data, "augment", None) is not None:
        # Python shows functions, and objects it knows nothing of, with their
        # address.
        augment = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(data.augment))
        facts |= {"augment": augment, "versions": data.versions}
    dataset: Any = getattr(data, "dataset", None)
    if hasattr(dataset, "truth_digest"):
        facts |= checksums.of_dataset(dataset)
    elif hasattr(dataset, "names"):
        facts["names"] = checksums.of_texts(dataset.names)
    if hasattr(dataset, "names"):
        facts["images"] = len(dataset.names)
    # Numbers may be NumPy's, which JSON does not know.
    return {name: str(value) for name, value in facts.items()}


def _generators() -> dict[str, Any]:
    """States of the global generators of random numbers.

    `fit` draws the order of batches from Python's, and unseeded dropout on
    PyTorch takes PyTorch's; the other backends' random layers keep their
    states in variables of the model.
    """
    kind, keys, *rest = np.random.get_state(legacy=True)
    states: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": (kind, np.asarray(keys).tolist(), *rest),
    }
    if keras.backend.backend() == "torch":
        import torch

        states["torch"] = torch.get_rng_state().tolist()
    return states


def _set_generators(states: dict[str, Any]) -> None:
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, np.array(keys, "uint32"), *rest))
    if keras.backend.backend() == "torch" and "torch" in states:
        import torch

        torch.set_rng_state(torch.tensor(states["torch"], dtype=torch.uint8))


def _known_to_numpy(variable: Any) -> Array:
    """Return a variable's value, in float32 where NumPy lacks its type."""
    value = keras.ops.convert_to_numpy(variable)
    return value.astype("float32") if value.dtype.kind == "V" else value


def _numbers(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """Return what a callback has counted and found best so far."""
    values = {name: vars(callback).get(name) for name in _COUNTED}
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in values.items()
        if name in vars(callback)
    }
