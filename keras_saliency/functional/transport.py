"""Optimal transport between maps on a coarse grid: lower is better."""

from typing import Any

from keras import ops

from keras_saliency._utils.types import Tensor
from keras_saliency.functional.maps import divide_by_sum, map_pair

# Of a cell without mass, whose logarithm is taken.
_SMALLEST_MASS = 1e-30


def sinkhorn_divergence(
    y_true: Tensor,
    y_pred: Tensor,
    *,
    grid: int = 16,
    blur: float = 0.05,
    iterations: int = 30,
) -> Tensor:
    """Return the debiased entropic Wasserstein-1 distance: lower is better.

    Both maps are divided by their sum, and their mass is collected in `grid`
    times `grid` cells. With W(a, b) the entropic cost of transport between
    two such maps, the value is

        W(a, b) - (W(a, a) + W(b, b)) / 2

    The cost of a unit of mass is the distance of the cells' centers along
    both axes, |dx| + |dy|, in units of the map's longer side. So the
    exponential of the costs is a product of one matrix for each axis, and a
    step of Sinkhorn's iteration, in logarithms, is two small products.

    The gradient is that of the optimum: the potentials, taken as constants
    (the envelope theorem). Nothing is differentiated through the iterations.

    Args:
        y_true: Density maps `(batch, height, width, 1)`, not negative.
        y_pred: Predicted maps, same shape, not negative.
        grid: Cells along each axis.
        blur: Strength of the entropic term, in units of the longer side. Maps
            that differ on a smaller scale are nearly equal. At least 0.02.
        iterations: Steps of Sinkhorn's iteration.

    Returns:
        Tensor `(batch,)` in [0, 2], in units of the longer side; 0 for equal
        maps. An all-zero map counts as uniform.

    References:
        Cuturi, Sinkhorn distances, NeurIPS 2013; Feydy et al., Interpolating
        between optimal transport and MMD using Sinkhorn divergences, AISTATS
        2019, from which the debiased form, the averaged steps and the gradient
        are taken.
    """
    y_true, y_pred = map_pair(y_true, y_pred)
    b, a = (_cells(divide_by_sum(x), grid) for x in (y_true, y_pred))
    down, across = _kernels(y_pred, grid, blur)

    def softmin(mass: Tensor, potential: Tensor) -> Tensor:
        x = _log_product(ops.log(mass) + potential / blur, across)
        x = _log_product(ops.transpose(x, (0, 2, 1)), down)
        return -blur * ops.transpose(x, (0, 2, 1))

    masses = [ops.maximum(ops.stop_gradient(x), _SMALLEST_MASS) for x in (a, b)]
    both = ops.concatenate(masses)

    def step(_: Any, potentials: tuple[Tensor, Tensor]) -> tuple:
        # Those of a and b in turns; those of a and a, and of b and b, which
        # are symmetric, by the mean of old and new.
        g, own = potentials
        g = softmin(masses[0], softmin(masses[1], g))
        return g, 0.5 * (own + softmin(both, own))

    start = ops.zeros_like(masses[0]), ops.zeros_like(both)
    g_ab, own = ops.fori_loop(0, iterations, step, start)
    f_ab, g_ab, own = (
        ops.stop_gradient(x) for x in (softmin(masses[1], g_ab), g_ab, own)
    )
    f_aa, g_bb = ops.split(own, 2)
    return ops.sum(a * (f_ab - f_aa) + b * (g_ab - g_bb), axis=(1, 2))


def _cells(x: Tensor, grid: int) -> Tensor:
    """Return the mass of each cell, `(batch, grid, grid)`, of sum 1."""
    height, width = ops.shape(x)[1:3]
    down, across = (
        ops.one_hot(ops.arange(side) * grid // side, grid, dtype="float32")
        for side in (height, width)
    )
    mass = ops.einsum("hg,bhw,wk->bgk", down, x[..., 0], across)
    missing = 1.0 - ops.sum(mass, axis=(1, 2), keepdims=True)
    return mass + missing / grid**2


def _kernels(x: Tensor, grid: int, blur: float) -> list[Tensor]:
    """Return exp(-distance / blur) of the cells along each axis."""
    height, width = (ops.cast(n, "float32") for n in ops.shape(x)[1:3])
    places = ops.arange(grid, dtype="float32")
    steps = ops.abs(places[:, None] - places[None, :]) / (grid * blur)
    longer = ops.maximum(height, width)
    return [ops.exp(-steps * side / longer) for side in (height, width)]


def _log_product(x: Tensor, kernel: Tensor) -> Tensor:
    """Return the logarithm of exp(x) times a symmetric matrix.

    The largest value of a row is taken out before. The smallest entry of the
    matrix, exp(-1 / blur), is far within float32, so that the sum is not lost.
    """
    largest = ops.max(x, axis=-1, keepdims=True)
    return largest + ops.log(ops.matmul(ops.exp(x - largest), kernel))
