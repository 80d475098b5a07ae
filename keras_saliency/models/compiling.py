"""What `compile` of our models takes as losses and metrics.

Targets are packed, densities and fixations in two channels. Keras' own losses
and metrics would compare the one channel of the prediction with both, without
a word. So names mean ours, Keras' own are refused, and what a user has written
is taken as it is.
"""

import functools
import inspect
from typing import Any

import keras
import numpy as np

from keras_saliency import losses
from keras_saliency._utils.checks import as_number
from keras_saliency.losses import CombinedLoss, SaliencyLoss
from keras_saliency.metrics import METRICS, LossTerms, SaliencyMetric

_OWN = (
    "A function (y_true, y_pred) of your own, or a subclass of {base} with its "
    "own `{method}`, is taken as it is: it gets the packed target (batch, "
    "height, width, 2), channels density and fixations."
)


def loss_of(loss: Any) -> Any:
    """Return the one loss that a model with one output is compiled with.

    Args:
        loss: Argument of `compile`: a loss of the package, its name
            (`losses.get`), a loss or function of the user's, or `None`; also
            one of them in a list or dictionary.

    Raises:
        ValueError: If it is one of Keras' own, there is no such name, or there
            are several.
    """
    found = [item for item in keras.tree.flatten(loss) if item is not None]
    if not found:
        return None
    if len(found) > 1:
        raise ValueError(
            f"The model has one output and takes one loss, received {found}: "
            "Keras would train with the first and drop the others. Combine "
            "them: losses.CombinedLoss([first, second], weights=[10, 2]), or "
            "10 * first + 2 * second; the terms show in the logs."
        )
    (loss,) = found
    if isinstance(loss, str):
        return losses.get(loss)
    if inspect.isclass(loss) and issubclass(loss, SaliencyLoss):
        return loss()
    if _is_of_keras(loss):
        raise ValueError(
            f"Keras' own loss {_name(loss)} compares the prediction with both "
            "channels of a target, density and fixations, and would train for "
            f"neither. {_ours(loss)} "
            + _OWN.format(base="keras.losses.Loss", method="call")
        )
    return loss


def check_one_output(model: keras.Model) -> None:
    """Raise a ValueError if a model has several outputs."""
    # One whose `call` is written by hand has no list of them.
    count = len(getattr(model, "outputs", [None]))
    if count > 1:
        raise ValueError(
            f"{type(model).__name__} is trained by one loss of one output, the "
            f"map; this one has {count} outputs. Give it the map alone, or "
            "make it a keras.Model, which takes a loss for each output."
        )


def loss_weight_of(loss_weights: Any) -> float | None:
    """Return the one weight of the one loss, or `None`.

    Raises:
        ValueError: If there are several, or it is no number.
    """
    found = [w for w in keras.tree.flatten(loss_weights) if w is not None]
    if not found:
        return None
    weight = as_number(found[0])
    if len(found) > 1 or weight is None:
        raise ValueError(
            "The model has one output, so loss_weights is one number, received "
            f"{loss_weights!r}. The weights of the terms of a loss belong to "
            "losses.CombinedLoss([first, second], weights=[10, 2])."
        )
    return weight


def metrics_of(metrics: Any) -> list[Any]:
    """Return the metrics that a model with one output is compiled with.

    Args:
        metrics: Argument of `compile`: metrics of the package, their names
            (`metrics.METRICS`), names of losses (`losses.get`) whose mean is
            to show, metrics or functions of the user's; one, or a list, tuple
            or dictionary of them.

    Raises:
        ValueError: If one is one of Keras' own, or there is no such name.
    """
    return [
        _metric_of(item)
        for item in keras.tree.flatten(metrics)
        if item is not None
    ]


def with_weights(y: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments of `fit` whose weights of images are arrays.

    Keras takes a list for a structure of several arrays, and no number.
    """
    arguments = dict(arguments)
    if "sample_weight" in arguments:
        arguments["sample_weight"] = _weights(arguments["sample_weight"], y)
    validation = arguments.get("validation_data")
    if isinstance(validation, (tuple, list)) and len(validation) == 3:
        x, y, weights = validation
        arguments["validation_data"] = (x, y, _weights(weights, y))
    return arguments


def _weights(weights, y):
    if isinstance(weights, (list, tuple)):
        return np.asarray(weights, dtype="float32")
    number = as_number(weights)
    if number is not None and hasattr(y, "shape"):
        return np.full(y.shape[0], number, dtype="float32")
    return weights


def _metric_of(metric):
    if isinstance(metric, str):
        return _metric_named(metric)
    if inspect.isclass(metric) and issubclass(metric, SaliencyMetric):
        return metric()
    if not isinstance(metric, SaliencyLoss) and _is_of_keras(metric):
        raise ValueError(
            f"Keras' own metric {_name(metric)} compares the prediction with "
            "both channels of a target, density and fixations. "
            f"{_ours(metric)} Metrics are {', '.join(METRICS)}. "
            + _OWN.format(base="keras.metrics.Metric", method="update_state")
        )
    return metric


def _metric_named(name):
    if name.strip().lower() in METRICS:
        return METRICS[name.strip().lower()]()
    try:
        loss = losses.get(name)
    except ValueError as error:
        raise ValueError(
            f"There is no metric {name!r} for maps. Metrics are "
            f"{', '.join(METRICS)}; the name of a loss shows its mean. {error}"
        ) from None
    if not isinstance(loss, CombinedLoss):
        loss.name = name
        loss = CombinedLoss([loss])
    return LossTerms(loss, name=name)


def _is_of_keras(value: Any) -> bool:
    """Return whether Keras' own code compares target and prediction."""
    if isinstance(value, functools.partial):
        return _is_of_keras(value.func)
    kind = value if inspect.isclass(value) else type(value)
    for base, method in (
        (keras.losses.Loss, "call"),
        (keras.metrics.Metric, "update_state"),
    ):
        if issubclass(kind, base):
            if not _is_defined_by_keras(getattr(kind, method)):
                return False
            # A wrapper of a function, perhaps of the user's.
            inner = getattr(value, "fn", getattr(value, "_fn", None))
            return inner is None or _is_of_keras(inner)
    return _is_defined_by_keras(value)


def _is_defined_by_keras(function: Any) -> bool:
    module = getattr(function, "__module__", None) or ""
    return module.partition(".")[0] == "keras"


def _name(value: Any) -> str:
    if isinstance(value, functools.partial):
        return _name(value.func)
    return getattr(value, "__name__", type(value).__name__)


def _ours(value: Any) -> str:
    """Return a sentence with the loss of ours that takes its place."""
    if isinstance(value, functools.partial):
        return _ours(value.func)
    function = getattr(value, "fn", getattr(value, "_fn", value))
    for name in (_name(function), _name(value)):
        snake = "".join(
            f"_{c.lower()}"
            if c.isupper() and i and not name[i - 1].isupper()
            else c.lower()
            for i, c in enumerate(name)
        ).replace("cross_entropy", "crossentropy")
        try:
            loss = losses.get(snake)
        except ValueError:
            continue
        return f'Use losses.{type(loss).__name__}() or its name "{snake}".'
    return "Losses are named by losses.get: " + ", ".join(losses.LOSSES) + "."
