"""The transform of the largest likelihood of fixations, in float64.

The log likelihood and its gradient are in closed form; SciPy's L-BFGS-B climbs
it. For 100 images it takes some seconds.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import fft

from keras_saliency._utils.types import Array, ArrayLike, Size
from keras_saliency.densities import transform
from keras_saliency.densities.transform import Transform

# 17 numbers are fitted: blur, 10 of the curve, aspect, 5 of the center bias.
_NODES, _DISTANCES = 11, 5
# Of the blur, as a share of the longer side: from a fifth of a cell.
_BLURS = (0.002, 0.2)
# Of the steps of the curve and of the center bias, in nats.
_STEPS, _CENTER = (1e-6, 12.0), (-12.0, 12.0)
_ASPECTS = (-3.0, 3.0)
# What it costs, in nats and divided by the number of images, that neighboring
# steps of the curve differ, in their logarithms, and those of the center bias:
# half of the sum of their squares. Fitted to 5, 10 and 50 of the validation
# images of MIT1003, `best` has 1.94, 1.95 and 1.97 bits on others of them;
# without this 1.77, 1.90 and 1.96.
_SMOOTHNESS = 1.0


class Sample(NamedTuple):
    """What the likelihood needs of an image.

    Attributes:
        coefficients: Cosine spectrum of its map on the grid.
        fixations: Share of the fixations in each cell, sum 1.
    """

    coefficients: Array
    fixations: Array


def sample(map_: ArrayLike, x: ArrayLike, y: ArrayLike, size: Size) -> Sample:
    """Return what the likelihood needs of an image.

    Args:
        map_: Saliency map `(height, width)` of any size.
        x: Columns of the fixations in pixels of the image, at least one.
        y: Their rows.
        size: `(height, width)` of the image.
    """
    grid = transform.grid_of(size)
    coefficients = transform.spectrum(transform.prepared(map_, grid))
    # A density is linear between the middles of its cells.
    rows, down = _between(np.asarray(y, np.float64), size[0], grid[0])
    columns, right = _between(np.asarray(x, np.float64), size[1], grid[1])
    fixations = np.zeros(grid)
    for row, vertical in ((rows, 1 - down), (rows + 1, down)):
        for column, horizontal in ((columns, 1 - right), (columns + 1, right)):
            np.add.at(fixations, (row, column), vertical * horizontal)
    return Sample(coefficients, fixations / len(rows))


def _between(position, length, cells):
    """Return the cell before each position, and the share of the next one."""
    position = np.clip(position * cells / length - 0.5, 0, cells - 1)
    cell = np.minimum(position.astype(int), cells - 2)
    return cell, position - cell


def fit(
    samples: Sequence[Sample],
    *,
    iterations: int = 200,
    callback: Callable[[], None] | None = None,
) -> Transform:
    """Return the transform under which the fixations are the likeliest.

    Each image counts the same, however many fixations it has.

    Args:
        samples: One per image, at least one.
        iterations: Steps of the optimizer, at most.
        callback: Called after each of them.

    Returns:
        The best transform that was found.
    """
    # It takes long to import.
    from scipy import optimize

    nodes = _nodes(samples)
    start = np.concatenate(
        [
            [np.log(0.01)],
            np.log(np.full(_NODES - 1, 5 / _NODES)),
            [0.0],
            -np.arange(1, _DISTANCES + 1) / _DISTANCES,
        ]
    )
    bounds = [
        np.log(_BLURS),
        *[np.log(_STEPS)] * (_NODES - 1),
        _ASPECTS,
        *[_CENTER] * _DISTANCES,
    ]
    result = optimize.minimize(
        _regularized,
        start,
        (samples, nodes),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": iterations, "ftol": 1e-7},
        callback=None if callback is None else lambda _: callback(),
    )
    return _unpacked(result.x, nodes)


def information(transform_: Transform, samples: Sequence[Sample]) -> Array:
    """Return the information gain over the uniform density, in bits.

    Returns:
        float64 array, the mean over the fixations of each image.
    """
    nodes = np.array(transform_.nodes)
    packed = np.concatenate(
        [
            [np.log(max(transform_.blur, 1e-12))],
            np.log(np.maximum(np.diff(transform_.curve), 1e-300)),
            [np.log(transform_.aspect / (1 - transform_.aspect))],
            np.array(transform_.center[1:]) - transform_.center[0],
        ]
    )
    return np.array(
        [-_loss(packed, [each], nodes)[0] / np.log(2) for each in samples]
    )


def cross_validated(
    samples: Sequence[Sample],
    folds: int,
    *,
    seed: int = 0,
    callback: Callable[[int], object] | None = None,
) -> Array:
    """Return the bits of each image under a transform fitted without it.

    Args:
        samples: One per image.
        folds: Number of parts, each left out once.
        seed: Seed of the parts.
        callback: Called with the number of parts that are done.

    Returns:
        float64 array, as `information` returns it.
    """
    order = np.random.default_rng(seed).permutation(len(samples))
    bits = np.empty(len(samples))
    for fold in range(folds):
        held = order[fold::folds]
        rest = [samples[i] for i in np.setdiff1d(order, held)]
        bits[held] = information(fit(rest), [samples[i] for i in held])
        if callback is not None:
            callback(fold + 1)
    return bits


def _nodes(samples):
    """Return values that cut both maps and fixated cells in equal parts."""
    maps = [
        fft.idctn(each.coefficients, norm="ortho").ravel() for each in samples
    ]
    values = np.concatenate(maps)
    weights = np.concatenate(
        [each.fixations.ravel() + 1 / each.fixations.size for each in samples]
    )
    order = np.argsort(values)
    shares = np.cumsum(weights[order])
    shares = (shares - shares[0]) / (shares[-1] - shares[0])
    wanted = np.linspace(0, 1, _NODES)
    nodes = np.interp(wanted, shares, np.clip(values[order], 0, 1))
    nodes[0], nodes[-1] = 0, 1
    # Of maps with many equal values, most of them zeros, nodes fall together.
    least = 1e-6
    nodes = np.maximum.accumulate(nodes + least * np.arange(_NODES))
    return nodes / nodes[-1]


def _unpacked(packed, nodes):
    blur, steps, aspect, center = _split(packed, nodes)
    return Transform(
        blur=float(np.exp(blur)),
        nodes=tuple(nodes),
        curve=(0.0, *np.cumsum(np.exp(steps))),
        aspect=float(1 / (1 + np.exp(-aspect))),
        center=(0.0, *center),
    )


def _split(packed, nodes):
    """Return log blur, log steps of the curve, logit of aspect, center."""
    count = len(nodes)
    return packed[0], packed[1:count], packed[count], packed[count + 1 :]


def _regularized(packed, samples, nodes):
    """Return what the fit minimizes, and its gradient."""
    loss, gradient = _loss(packed, samples, nodes)
    weight = _SMOOTHNESS / len(samples)
    _, steps, _, center = _split(packed, nodes)
    center = np.concatenate([[0.0], center])
    count = len(nodes)
    change = np.diff(steps), np.diff(center)
    loss += 0.5 * weight * sum(part @ part for part in change)
    slopes = [-weight * np.diff(part, prepend=0, append=0) for part in change]
    gradient[1:count] += slopes[0]
    gradient[count + 1 :] += slopes[1][1:]
    return loss, gradient


def _loss(packed, samples, nodes):
    """Return the mean negative log likelihood and its gradient.

    In nats per fixation, relative to the uniform density.
    """
    blur, steps, aspect, center = _split(packed, nodes)
    blur, steps, aspect = np.exp(blur), np.exp(steps), 1 / (1 + np.exp(-aspect))
    curve = np.concatenate([[0.0], np.cumsum(steps)])
    center = np.concatenate([[0.0], center])
    slopes = np.diff(curve) / np.diff(nodes)
    distances = len(center) - 1
    total = 0.0
    for_blur = for_aspect = 0.0
    for_curve, for_center = np.zeros_like(curve), np.zeros_like(center)
    for coefficients, fixations in samples:
        grid = coefficients.shape
        decay = transform.frequencies(grid) * blur**2
        kept = coefficients * np.exp(-0.5 * decay)
        map_ = fft.idctn(kept, norm="ortho").ravel()
        node, part = _position(map_, nodes)
        from_center = transform.distance(grid, aspect).ravel()
        ring, over = _position(from_center, np.linspace(0, 1, distances + 1))
        logs = curve[node] + part * (curve[node + 1] - curve[node])
        logs += center[ring] + over * (center[ring + 1] - center[ring])
        highest = logs.max()
        density = np.exp(logs - highest)
        mass = density.sum()
        fixated = fixations.ravel()
        total += _dot(fixated, logs) - highest - np.log(mass / density.size)
        # The derivative by each cell's logarithm.
        rest = fixated - density / mass
        for_curve += np.bincount(node, rest * (1 - part), len(curve))
        for_curve += np.bincount(node + 1, rest * part, len(curve))
        for_center += np.bincount(ring, rest * (1 - over), len(center))
        for_center += np.bincount(ring + 1, rest * over, len(center))
        inside = (map_ > nodes[0]) & (map_ < nodes[-1])
        change = fft.idctn(-decay * kept, norm="ortho").ravel()
        for_blur += _dot(rest * slopes[node] * inside, change)
        x2, y2 = transform.squares(grid)
        outward = (x2 - y2).ravel() / (2 * np.maximum(from_center, 1e-9))
        step = distances * (center[ring + 1] - center[ring])
        for_aspect += _dot(rest * step, outward)
    gradient = np.concatenate(
        [
            [for_blur],
            np.cumsum(for_curve[::-1])[::-1][1:] * steps,
            [for_aspect * aspect * (1 - aspect)],
            for_center[1:],
        ]
    )
    return -total / len(samples), -gradient / len(samples)


def _dot(a, b):
    """Return the product of two long vectors, computed by one core.

    NumPy's `@` shares it among all cores, and takes ten times as long whenever
    one of them is busy.
    """
    return np.einsum("i,i->", a, b)


def _position(values, nodes):
    """Return the node before each value, and how far it is to the next."""
    node = np.searchsorted(nodes, values, side="right") - 1
    node = np.clip(node, 0, len(nodes) - 2)
    part = (values - nodes[node]) / (nodes[node + 1] - nodes[node])
    return node, np.clip(part, 0, 1)
