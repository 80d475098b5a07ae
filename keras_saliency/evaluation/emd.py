"""Earth mover's distance between downsized maps."""

import functools
import math
import os
import sys
from typing import Any, Literal

import numpy as np

from keras_saliency._utils.types import ArrayLike
from keras_saliency.evaluation import _maps
from keras_saliency.evaluation._maps import Scores
from keras_saliency.images import imresize

_SWITCHES = {
    "PYTORCH": "torch",
    "JAX": "jax",
    "CUPY": "cupy",
    "TENSORFLOW": "tensorflow",
}


def emd(
    *,
    prediction: ArrayLike,
    density: ArrayLike,
    downsize: float = 32,
    unit: Literal["bins", "pixels"] = "bins",
    resize: Literal["mit", "same"] = "mit",
    negative: Literal["signed", "clip"] = "signed",
) -> Scores:
    """Return the earth mover's distance of downsized maps; lower is better.

    Both maps are downsized, divided by their sums, and the value is the least
    work that turns one into the other: mass times Euclidean distance, 0 for
    equal histograms. The optimum is exact (a network simplex); MIT's code
    rounds masses and distances to millionths. pysaliency has no EMD.

    MIT's code brings the density to `1 / downsize` of its size, and then the
    prediction to the density's new size. Unless height and width are multiples
    of `downsize`, the two grids differ, and **a map's distance from itself is
    not 0**: about 0.4 at 300x400, where the density's bins are 32 pixels wide
    and the prediction's 30. `resize="same"` treats both maps alike and makes
    it a metric: 0 for equal maps, symmetric, and with the
    triangle inequality. Maps no larger than `downsize` become one bin, and
    every distance 0.

    Args:
        prediction: Predicted map or maps, `>= 0`, shape `(H, W)` or
            `(N, H, W)`, with or without a trailing channel.
        density: Ground-truth density, `>= 0`, same shape, any scale.
        downsize: How many times smaller the maps are made. Defaults to 32, as
            in MIT's code.
        unit: `"bins"`, distances in pixels of the downsized maps, as in MIT's
            code, or `"pixels"`, in pixels of the maps as given.
        resize: `"mit"` or `"same"`, see above.
        negative: What happens to the small negative bins that bicubic
            resizing leaves. `"signed"`: what they lack is moved too, as in
            MIT's solver; `"clip"`: they are set to 0 before the maps are
            divided by their sums, as a textbook would.

    Returns:
        One float64 per image. A constant prediction is uniform; an all-zero
        prediction has no mass to move, and gets the largest distance between
        two bins, the worst value there is; NaN for an all-zero density, where
        nothing can be measured. MIT's code is undefined in both cases.

    Raises:
        ValueError: On NaN or infinity, on negative values in a map, and on
            shapes that differ.

    References:
    - Rubner et al. (2000), The earth mover's distance as a metric for image
      retrieval.
    - Bonneel et al. (2011), Displacement interpolation using Lagrangian mass
      transport (the solver).
    """
    if not downsize >= 1:
        raise ValueError(f"downsize must be at least 1; received {downsize}")
    for name, value, choices in (
        ("unit", unit, ("bins", "pixels")),
        ("resize", resize, ("mit", "same")),
        ("negative", negative, ("signed", "clip")),
    ):
        if value not in choices:
            raise ValueError(
                f"{name} must be one of {choices}; received {value!r}"
            )

    def score(prediction, density):
        bins = tuple(math.ceil(n / downsize) for n in prediction.shape)
        p = _histogram(prediction, bins, None, negative)
        q = _histogram(
            density, bins, 1 / downsize if resize == "mit" else None, negative
        )
        if q is None:
            return np.nan
        if p is None:
            work = math.hypot(bins[0] - 1, bins[1] - 1)
        else:
            work = _least_work(p - q, bins)
        return work * downsize if unit == "pixels" else work

    return _maps.score_each(score, prediction=prediction, density=density)


def _histogram(map_, bins, scale, negative):
    """Return a downsized map of sum 1, shape (bins,); None without mass."""

    def compute():
        map_.check_mass()
        if not map_.any:
            return None
        small = imresize(map_.array, bins, scale=scale).ravel()
        if negative == "clip":
            small = np.maximum(small, 0.0)
        total = small.sum()
        return small / total if total > 0 else None

    return map_.keep((bins, scale, negative), compute)


def _least_work(surplus, bins):
    """Return the least work that levels a surplus of sum 0, shape (bins,)."""
    sources = np.flatnonzero(surplus > 0)
    sinks = np.flatnonzero(surplus < 0)
    if sources.size > sinks.size:
        # The way back is as long, and the solver is quicker with few sources.
        surplus, sources, sinks = -surplus, sinks, sources
    if sources.size == 0 or sinks.size == 0:
        return 0.0
    mass = surplus[sources].sum()
    # Differences of rounding error only: the solver needs sums of 1.
    if mass < 1e-14:
        return 0.0
    supply = surplus[sources] / mass
    demand = surplus[sinks] / surplus[sinks].sum()
    places = sources[:, np.newaxis] * surplus.size + sinks
    cost = _distances(*bins).take(places)
    work, log = _solver().emd2(
        supply,
        demand,
        cost,
        numItermax=10_000_000,
        log=True,
        center_dual=False,
    )
    if log["warning"] is not None:
        raise RuntimeError(f"the transport was not solved: {log['warning']}")
    return mass * work


@functools.cache
def _solver() -> Any:
    """Import POT's solver without the frameworks that POT would import.

    It imports every one that is installed, for seconds, unless a variable
    forbids it. Those that the process has anyway stay known to POT.
    """
    unused = [
        f"POT_BACKEND_DISABLE_{switch}"
        for switch, framework in _SWITCHES.items()
        if framework not in sys.modules
    ]
    before = {name: os.environ.get(name) for name in unused}
    os.environ.update(dict.fromkeys(unused, "1"))
    try:
        from ot import lp
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return lp


@functools.lru_cache(maxsize=8)
def _distances(rows, columns):
    """Return the distances between all bins, shape (bins, bins)."""
    y, x = np.divmod(np.arange(rows * columns), columns)
    distances = np.hypot(y[:, np.newaxis] - y, x[:, np.newaxis] - x)
    distances.flags.writeable = False
    return distances
