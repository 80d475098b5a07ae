"""Both ends of the scale: how well observers and the center predict."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from keras_saliency._utils.types import Array, Size
from keras_saliency.datasets import Fixations, SaliencyDataset
from keras_saliency.datasets.density import fixation_map
from keras_saliency.evaluation.scores import METRICS
from keras_saliency.images import as_size

# The metrics of a map of few fixations. AUC-Judd, as MIT's, counts a pixel
# with several fixations once, the others each fixation.
_OPTIONS: dict[str, dict[str, Any]] = {
    "nss": {"repeats": True},
    "auc_judd": {},
    "information_gain": {"repeats": True, "minmax": False, "epsilon": 0.0},
}
_ALL = tuple(_OPTIONS)

# Share of the uniform distribution in the center bias, so that a fixation
# where nobody else ever looked costs bits but not infinitely many.
_UNIFORM = 0.01


def inter_observer(
    dataset: SaliencyDataset,
    *,
    metrics: str | Sequence[str] = _ALL,
    size: Size = (64, 64),
    sigma: float = 2.5,
    center_weight: float = 0.1,
) -> dict[str, Array]:
    """Score how well the other observers of an image predict one: a ceiling.

    Each observer in turn is left out: the map of the others, blurred, is the
    prediction and the observer's fixations are what is predicted. An image's
    score is the mean over its observers. All maps are on a grid over the
    image.

    Args:
        dataset: A data set whose fixations know their observers.
        metrics: Some of "nss", "auc_judd" and "information_gain" (bits per
            fixation over the center bias of the other images).
        size: `(height, width)` of the grid.
        sigma: Sigma of the Gaussian in cells of the grid.
        center_weight: Share of the center bias that is mixed into the
            others' map for the information gain, as those maps are zero in
            places.

    Returns:
        Dictionary of metric and float64 array, one value per image; NaN where
        fewer than two observers have a fixation.

    Raises:
        ValueError: If the observers are not told apart, or on a metric that
            is not known.

    Notes:
        NSS and information gain count each fixation, AUC-Judd each cell with
        fixations once, as MIT's. A prediction from few others is noisy, so
        this is a lower bound of what is predictable. A good model that knows
        many images can exceed it.

    Examples:
    >>> from keras_saliency.datasets import generate
    >>> dataset = generate(4, (48, 64))
    >>> ceiling = inter_observer(dataset, metrics="nss")["nss"]
    >>> floor = center_bias(dataset, metrics="nss")["nss"]
    >>> bool((ceiling > floor).all())
    True
    """
    metrics = _checked(metrics)
    if dataset.fixations is None or (dataset.fixations.subject < 0).any():
        raise ValueError(
            f"The data set {dataset.name} does not tell its observers apart, "
            "so none can be left out: its files merge them."
        )
    maps = _Maps(dataset, size, sigma)
    scores = {name: np.full(len(dataset), np.nan) for name in metrics}
    for i in range(len(dataset)):
        fixations = dataset.fixations_of(i)
        observers = np.unique(fixations.subject)
        if observers.size < 2:
            continue
        center = maps.center(i)
        values = []
        for observer in observers:
            own = maps.count(i, fixations.select(fixations.subject == observer))
            others = maps.blurred[i] - maps.blur(own)
            others = np.maximum(others, 0) / others.sum()
            mixed = (1 - center_weight) * others + center_weight * center
            values.append(_score(metrics, others, mixed, center, own))
        for name, mean in zip(metrics, np.mean(values, axis=0), strict=True):
            scores[name][i] = mean
    return scores


def center_bias(
    dataset: SaliencyDataset,
    *,
    metrics: str | Sequence[str] = _ALL,
    size: Size = (64, 64),
    sigma: float = 2.5,
) -> dict[str, Array]:
    """Score how well other images' fixations predict those of one: a floor.

    Args:
        dataset: A data set with fixations, of two images or more.
        metrics: Some of "nss", "auc_judd" and "information_gain" (bits per
            fixation over the uniform distribution).
        size: `(height, width)` of the grid.
        sigma: Sigma of the Gaussian in cells of the grid.

    Returns:
        Dictionary of metric and float64 array, one value per image; NaN for
        an image without fixations.

    Raises:
        ValueError: On fewer than two images, no fixations, or a metric that
            is not known.
    """
    metrics = _checked(metrics)
    if not dataset.has_fixations or len(dataset) < 2:
        raise ValueError(
            "The center bias needs two images or more with fixations; "
            f"received {dataset!r}."
        )
    maps = _Maps(dataset, size, sigma)
    uniform = np.full(maps.size, 1 / np.prod(maps.size))
    scores = {name: np.full(len(dataset), np.nan) for name in metrics}
    for i in range(len(dataset)):
        own = maps.count(i, dataset.fixations_of(i))
        if own.any():
            center = maps.center(i)
            values = _score(metrics, center, center, uniform, own)
            for name, value in zip(metrics, values, strict=True):
                scores[name][i] = value
    return scores


class _Maps:
    """Fixations of a data set's images, blurred on one grid."""

    def __init__(
        self, dataset: SaliencyDataset, size: Size, sigma: float
    ) -> None:
        self.size = as_size(size)
        self.sigma = sigma
        self.sizes = dataset.sizes
        self.blurred = np.stack(
            [
                self.blur(self.count(i, dataset.fixations_of(i)))
                for i in range(len(dataset))
            ]
        )
        self.total = self.blurred.sum(0)

    def count(self, i: int, fixations: Fixations) -> Array:
        counts = fixation_map(
            fixations.x, fixations.y, self.sizes[i], self.size
        )
        return counts.astype("float64")

    def blur(self, counts: Array) -> Array:
        return gaussian_filter(counts, self.sigma)

    def center(self, i: int) -> Array:
        """Return the distribution of the other images' fixations."""
        rest = np.maximum(self.total - self.blurred[i], 0)
        mass = rest.sum()
        uniform = 1 / rest.size
        if mass <= 0:
            return np.full(self.size, uniform)
        return (1 - _UNIFORM) * rest / mass + _UNIFORM * uniform


def _checked(metrics: str | Sequence[str]) -> list[str]:
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    if not metrics or not set(metrics) <= set(_ALL):
        raise ValueError(f"metrics must be some of {_ALL}; received {metrics}.")
    return metrics


def _score(
    metrics: list[str],
    prediction: Array,
    distribution: Array,
    baseline: Array,
    fixations: Array,
) -> list[float]:
    maps = {
        "nss": {"prediction": prediction},
        "auc_judd": {"prediction": prediction},
        "information_gain": {
            "prediction": distribution,
            "baseline": baseline,
        },
    }
    return [
        float(
            METRICS[name].function(
                fixations=fixations, **maps[name], **_OPTIONS[name]
            )
        )
        for name in metrics
    ]
