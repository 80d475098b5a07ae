"""Distances between maps as distributions over pixels: lower is better.

All but `information_gain` take

- `y_true`, density maps `(batch, height, width, 1)`;
- `y_pred`, predicted maps of the same shape;
- `normalization`: `"sum"`, every map divided by its sum, values below zero
  counting as zero, or `"softmax"`, the softmax of every map, of any values;

and return a tensor `(batch,)`, 0 for equal maps. In the formulas g is the
target and p the prediction, normalized so. With "sum" an all-zero map stays
zero.

Jetley et al. compare softmax maps. A network that ends in a softmax gives such
a map: that is "sum". Where the network gives what would enter the softmax,
"softmax" is meant; a density map in [0, 1] is then taken in the same way.

References:
    Jetley, Murray, Vig, End-to-end saliency mapping via probability
    distribution prediction, CVPR 2016.
"""

import math

from keras import ops

from keras_saliency._utils.types import Tensor
from keras_saliency.functional.maps import (
    EPSILON,
    distribution,
    divide_by_sum,
    divide_where_positive,
    log_softmax,
    map_pair,
    pixel_count,
    pixel_sum,
)

# Far below any probability of a pixel; its square is within float32.
_GUARD = 1e-12


def chi_squared(
    y_true: Tensor, y_pred: Tensor, *, normalization: str = "sum"
) -> Tensor:
    """Return sum (p - g)^2 / (p + g), in [0, 2]; 2 for disjoint maps."""
    g, p = _distributions(y_true, y_pred, normalization)
    return pixel_sum(ops.square(p - g) / (p + g + _GUARD))


def total_variation(
    y_true: Tensor, y_pred: Tensor, *, normalization: str = "sum"
) -> Tensor:
    """Return half of sum |p - g|, in [0, 1]; 1 for disjoint maps."""
    g, p = _distributions(y_true, y_pred, normalization)
    return 0.5 * pixel_sum(ops.abs(p - g))


def cosine_distance(
    y_true: Tensor, y_pred: Tensor, *, normalization: str = "sum"
) -> Tensor:
    """Return 1 - p g / (|p| |g|), in [0, 1]; 1 for disjoint maps."""
    g, p = _distributions(y_true, y_pred, normalization)
    norms = [ops.sqrt(pixel_sum(ops.square(x)) + _GUARD) for x in (g, p)]
    return 1.0 - pixel_sum(p * g) / (norms[0] * norms[1])


def jensen_shannon(
    y_true: Tensor,
    y_pred: Tensor,
    *,
    normalization: str = "sum",
    epsilon: float = EPSILON,
) -> Tensor:
    """Return the Jensen-Shannon divergence, in nats, in [0, ln 2].

    Half of KL(g || m) + KL(p || m) with the mean m of the two. `epsilon` is a
    guard in the quotients and logarithms.

    References:
        Lin, Divergence measures based on the Shannon entropy, IEEE
        Transactions on Information Theory, 1991.
    """
    g, p = _distributions(y_true, y_pred, normalization)
    mean = 0.5 * (g + p) + _GUARD
    return 0.5 * pixel_sum(
        g * ops.log(epsilon + g / mean) + p * ops.log(epsilon + p / mean)
    )


def information_gain(
    fixations: Tensor,
    y_pred: Tensor,
    *,
    baseline: Tensor | None = None,
    normalization: str = "sum",
    epsilon: float = 1e-6,
) -> Tensor:
    """Return the information gain over a baseline: higher is better.

    The mean over fixations of log2 p - log2 b.

    Args:
        fixations: Fixation maps `(batch, height, width, 1)`: counts, or 0/1.
        y_pred: Predicted maps, same shape.
        baseline: Density b, `(1 or batch, height, width, 1)`, of any
            non-negative scale; uniform by default.
        normalization: `"sum"` or `"softmax"` of the prediction; see the
            module.
        epsilon: Share of a uniform density that is mixed into b, and into p
            with "sum", so that no logarithm is of 0.

    Returns:
        Tensor `(batch,)` in bits a fixation; 0 for a prediction equal to the
        baseline, and without fixations.

    References:
        Kümmerer, Wallis, Bethge, Information-theoretic model comparison
        unifies saliency metrics, PNAS 2015.
    """
    fixations, y_pred = map_pair(fixations, y_pred)
    uniform = 1.0 / pixel_count(y_pred)

    def log_of_mixed(p):
        return ops.log((1.0 - epsilon) * p + epsilon * uniform)

    if normalization == "softmax":
        log_p = log_softmax(y_pred)
    else:
        log_p = log_of_mixed(distribution(y_pred, normalization))
    if baseline is None:
        log_b = ops.log(ops.cast(uniform, "float32"))
    else:
        log_b = log_of_mixed(divide_by_sum(baseline))
    return divide_where_positive(
        pixel_sum(fixations * (log_p - log_b)) / math.log(2),
        pixel_sum(fixations),
    )


def _distributions(y_true, y_pred, normalization):
    y_true, y_pred = map_pair(y_true, y_pred)
    return (
        distribution(y_true, normalization),
        distribution(y_pred, normalization),
    )
