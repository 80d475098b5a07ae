"""The metrics by name, what they need, and several of them at once."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_saliency._utils.types import Array
from keras_saliency.evaluation._maps import Map, as_map
from keras_saliency.evaluation.auc import auc, auc_borji, auc_judd, auc_shuffled
from keras_saliency.evaluation.distribution import cc, kl_divergence, sim
from keras_saliency.evaluation.emd import emd
from keras_saliency.evaluation.location import information_gain, nss

# A `metrics=` argument: names, or names and options.
Metrics = str | Sequence[str] | Mapping[str, Mapping[str, Any]]


class Metric(NamedTuple):
    """A metric and what other code has to know of it.

    `needs` and `may_use` name the maps it takes besides the prediction.
    """

    function: Callable[..., Any]
    needs: tuple[str, ...]
    higher_is_better: bool
    title: str
    may_use: tuple[str, ...] = ()


METRICS = {
    "cc": Metric(cc, ("density",), True, "CC"),
    "sim": Metric(sim, ("density",), True, "SIM"),
    "auc_judd": Metric(auc_judd, ("fixations",), True, "AUC-Judd"),
    "auc_borji": Metric(auc_borji, ("fixations",), True, "AUC-Borji"),
    "nss": Metric(nss, ("fixations",), True, "NSS"),
    "emd": Metric(emd, ("density",), False, "EMD"),
    "kl": Metric(kl_divergence, ("density",), False, "KL"),
    "auc_shuffled": Metric(
        auc_shuffled, ("fixations", "other_fixations"), True, "sAUC"
    ),
    "auc": Metric(auc, ("fixations",), True, "AUC"),
    "information_gain": Metric(
        information_gain, ("fixations",), True, "IG", ("baseline",)
    ),
}

# The metrics of the paper's tables, in their order.
SEVEN = ("cc", "sim", "auc_judd", "auc_borji", "nss", "emd", "kl")


def title(name: str) -> str:
    """Return a metric's title, or the name itself of another program's."""
    return METRICS[name].title if name in METRICS else name


def lower_is_better(name: str) -> bool:
    """Return whether less is better by a metric; not by an unknown one."""
    return name in METRICS and not METRICS[name].higher_is_better


def choose(
    metrics: Metrics | None, given: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Read a `metrics=` argument against the maps there are.

    Args:
        metrics: Names of `METRICS`, or a dictionary of names and options,
            `{"emd": {"downsize": 8}}`; `None` for those of `SEVEN` that the
            maps allow.
        given: Names of the maps there are, such as `("density",)`.

    Returns:
        A dictionary of names and options.

    Raises:
        ValueError: On an unknown name, and on a metric asked for by name
            that needs another map.
    """
    if metrics is None:
        metrics = [n for n in SEVEN if set(METRICS[n].needs) <= set(given)]
    elif isinstance(metrics, str):
        metrics = [metrics]
    if not isinstance(metrics, Mapping):
        metrics = {name: {} for name in metrics}
    metrics = {name: options or {} for name, options in metrics.items()}
    if not metrics:
        raise ValueError("metrics= names no metric")
    for name in metrics:
        if name not in METRICS:
            raise ValueError(
                f"there is no metric {name!r}; choose from {', '.join(METRICS)}"
            )
        missing = [need for need in METRICS[name].needs if need not in given]
        if missing:
            raise ValueError(
                f"{name} needs {' and '.join(missing)}, which this data does "
                f"not have (it has {', '.join(given) or 'none'})"
            )
        _check_options(name, metrics[name])
    return {name: dict(options) for name, options in metrics.items()}


def _check_options(name: str, options: Mapping[str, Any]) -> None:
    maps = ("prediction", "density", "fixations", "other_fixations", "baseline")
    known = [
        option
        for option in inspect.signature(METRICS[name].function).parameters
        if option not in maps
    ]
    if not isinstance(options, Mapping):
        raise ValueError(
            f"the options of {name} must be a dictionary; received {options!r}"
        )
    for option in options:
        if option not in known:
            raise ValueError(
                f"{name} has no option {option!r}; "
                + (
                    f"choose from {', '.join(known)}"
                    if known
                    else "it has none"
                )
            )


def wanted(chosen: Collection[str]) -> set[str]:
    """Return the names of the maps that metrics take besides a prediction."""
    return {
        need
        for name in chosen
        for need in (*METRICS[name].needs, *METRICS[name].may_use)
    }


def masses(chosen: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the metrics that take a prediction as a probability mass.

    They are not defined where one is negative.
    """
    names = []
    for name, options in chosen.items():
        parameters = inspect.signature(METRICS[name].function).parameters
        if "minmax" in parameters:
            if not options.get("minmax", parameters["minmax"].default):
                names.append(name)
        elif name == "emd":
            names.append(name)
    return names


def score(
    prediction: Array | Map,
    maps: Mapping[str, Array | Map],
    chosen: Mapping[str, Mapping[str, Any]],
) -> dict[str, float]:
    """Score one prediction by several metrics.

    Args:
        prediction: Predicted map, shape `(H, W)`.
        maps: Dictionary of the other maps by name, each `(H, W)`.
        chosen: Names and options, as `choose` returns them.

    Returns:
        A dictionary of names and float64 values; NaN where the ground truth
        is empty, so that nothing is measured.
    """
    values: dict[str, float] = {}
    # Metrics share what they ask of a map.
    prediction = as_map("prediction", prediction)
    maps = {name: as_map(name, map_) for name, map_ in maps.items()}
    for name, options in chosen.items():
        metric = METRICS[name]
        taken = [n for n in (*metric.needs, *metric.may_use) if n in maps]
        if any(not maps[need].any for need in metric.needs):
            values[name] = np.nan
        else:
            try:
                values[name] = metric.function(
                    prediction=prediction,
                    **{n: maps[n] for n in taken},
                    **options,
                )
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
    return values
