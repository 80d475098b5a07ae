"""Checks and small steps that the benchmark's metrics share.

H and W are a map's height and width, N the number of maps in one call.
"""

from collections.abc import Callable, Iterator

import numpy as np

from keras_saliency._utils.types import Array, ArrayLike

# A metric of one map, or of several.
Scores = np.float64 | Array

EPSILON = 2.0**-52

_BLOCK = 8192

# Squares and sums of all pixels between these neither over- nor underflow.
_LARGE, _SMALL = 2.0**480, 2.0**-480

# A map of these may be given once for all N predictions.
_SHARED = ("baseline", "other_fixations")


def score_each(
    score: Callable[..., float],
    *,
    scale_free: bool = True,
    **maps: ArrayLike,
) -> Scores:
    """Call `score` once per image.

    Args:
        score: A function of one image's maps, each of shape `(H, W)`, by the
            names given in `maps`; it returns one number.
        scale_free: Whether a factor changes nothing: maps of very large or
            very small numbers are then multiplied by one.
        **maps: Arrays of shape `(H, W)`, `(H, W, 1)`, `(N, H, W)` or
            `(N, H, W, 1)`. The first is the prediction.

    Returns:
        A float64 number for maps of shape `(H, W)` or `(H, W, 1)`, else a
        float64 array of shape `(N,)`.
    """
    stacks, is_single = {}, {}
    for name, value in maps.items():
        stacks[name], is_single[name] = _stack(name, value)
    first = next(iter(stacks))
    count, size = len(stacks[first]), stacks[first].shape[1:]
    for name, stack in stacks.items():
        shared = name in _SHARED and len(stack) == 1
        if stack.shape[1:] != size or (len(stack) != count and not shared):
            raise ValueError(
                f"{name} and {first} must have the same shape; received "
                f"{np.shape(maps[name])} and {np.shape(maps[first])}. Nothing "
                "is resized here: keras_saliency.evaluation.evaluate does it"
            )
    values = np.empty(count)
    for i in range(count):
        one = {n: s[i if len(s) > 1 else 0] for n, s in stacks.items()}
        if scale_free:
            one = {name: _moderate(map_) for name, map_ in one.items()}
        try:
            values[i] = score(**one)
        except ValueError as error:
            if is_single[first]:
                raise
            raise ValueError(f"image {i}: {error}") from error
    return values[0] if is_single[first] else values


def _stack(name: str, value: ArrayLike) -> tuple[Array, bool]:
    """Return an argument as an array (N, H, W), and whether it was one map."""
    if value is None:
        raise ValueError(f"{name}= is needed and was None")
    stack = np.asarray(value)
    if stack.dtype == bool:
        stack = stack.view(np.uint8)
    if stack.dtype.kind not in "fiu":
        raise ValueError(
            f"{name} must hold real numbers; received {stack.dtype}"
        )
    if stack.ndim in (3, 4) and stack.shape[-1] == 1:
        stack = stack[..., 0]
    is_single = stack.ndim == 2
    if is_single:
        stack = stack[np.newaxis]
    if stack.ndim != 3 or 0 in stack.shape:
        raise ValueError(
            f"{name} must have the shape (H, W), (H, W, 1), (N, H, W) or "
            f"(N, H, W, 1) and not be empty; received {np.shape(value)}"
        )
    return stack, is_single


def _moderate(map_: Array) -> Array:
    """Return a map times a power of 2, if its peak is extreme.

    Only float64 holds numbers whose squares over- or underflow.
    """
    if map_.dtype.kind != "f" or map_.dtype.itemsize < 8:
        return map_
    peak = max(map_.max(), -map_.min())
    if not 0 < peak < np.inf or _SMALL < peak < _LARGE:
        return map_
    return np.ldexp(map_, -int(np.frexp(peak)[1]))


def unchecked_values(name: str, map_: Array) -> Array:
    """Return a map's pixels as float64, shape (H * W,), finite or not.

    They may be the caller's own memory: never write into it.
    """
    return np.ascontiguousarray(map_, dtype=np.float64).ravel()


def real_values(name: str, map_: Array) -> Array:
    """Return a finite map's pixels as `unchecked_values` does."""
    pixels = unchecked_values(name, map_)
    refuse_not_finite(name, pixels)
    return pixels


def pixels_and_mean(name: str, map_: Array) -> tuple[Array, np.float64]:
    """Return a finite map's pixels with their mean, whose sum checks them."""
    pixels = unchecked_values(name, map_)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = pixels.sum() / pixels.size
    if not np.isfinite(mean):
        refuse_not_finite(name, pixels)
        raise ValueError(f"the values of {name} are too large to be summed")
    return pixels, mean


def refuse_not_finite(name: str, pixels: Array) -> None:
    """Raise a ValueError when an array holds NaN or infinity."""
    # The quickest pass there is; only an overflowing one needs a second look.
    with np.errstate(over="ignore", invalid="ignore"):
        total = sum(np.dot(block, block) for (block,) in blocks(pixels))
    if not np.isfinite(total) and not np.isfinite(pixels).all():
        raise ValueError(f"{name} holds NaN or infinity")


def non_negative_values(name: str, map_: Array) -> Array:
    """Return a finite map's pixels, all >= 0, as `unchecked_values` does."""
    pixels = real_values(name, map_)
    if pixels.min() < 0:
        raise ValueError(
            f"{name} holds negative values, which are no probability mass; "
            "shift or rescale the map first"
        )
    return pixels


def fixated_pixels(
    name: str, map_: Array, repeats: bool
) -> tuple[Array, Array]:
    """Return where the fixations are and how much each pixel counts.

    Returns:
        Indices into the raveled map and float64 weights, both of shape
        `(n,)`: the counts of the map with `repeats`, else ones.
    """
    pixels = map_.reshape(-1)
    where = np.flatnonzero(pixels != 0)
    counts = pixels[where].astype(np.float64)
    # One look at the usual map of ones; the others for what else there is.
    if np.all(counts == 1):
        return where, counts
    if not np.isfinite(counts).all():
        raise ValueError(f"{name} holds NaN or infinity")
    if np.any(counts < 0) or np.any(counts != np.floor(counts)):
        raise ValueError(
            f"{name} must hold numbers of fixations (0, 1, 2, ...); this "
            "looks like a density map, or like a map that was resized"
        )
    return where, counts if repeats else np.ones_like(counts)


def blocks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Yield matching slices of long arrays, short enough for the cache.

    Steps on slices need no large temporary arrays, and NumPy's products of
    slices run on one core: shared among all, they take ten times as long
    whenever one of them is busy.
    """
    for start in range(0, arrays[0].size, _BLOCK):
        yield tuple(array[start : start + _BLOCK] for array in arrays)


def sum_of_squares(pixels: Array, mean: np.float64) -> np.float64:
    """Return the sum of the squared deviations from the mean."""
    with np.errstate(over="ignore", invalid="ignore"):
        raw = sum(np.dot(block, block) for (block,) in blocks(pixels))
        squares = raw - pixels.size * mean**2
    # The difference loses digits where it is small, two of 16 at most here.
    if squares > 0.01 * raw and np.isfinite(squares):
        return squares
    return sum(
        np.dot(block - mean, block - mean) for (block,) in blocks(pixels)
    )


def low_and_mass(
    name: str, pixels: Array, minmax: bool, floor: float = 0.0
) -> tuple[float, float]:
    """Return what makes a distribution of pixels: `(pixels - low) / mass`.

    With `minmax` they are moved to [0, 1] before they are divided by their
    sum, as the MIT code does; `floor` is added in between. A constant map
    other than zero is then uniform (MIT: NaN), and an all-zero map stays
    zero, as in MIT's code: it has no mass. NaN or infinity is an error.
    """
    low = 0.0
    if minmax:
        low, high = pixels.min(), pixels.max()
        if not np.isfinite(high - low):
            refuse_not_finite(name, pixels)
        if low == high:
            low = 0.0
        floor = floor * (high - low)
    low = low - floor
    with np.errstate(over="ignore"):
        if low == 0:
            mass = pixels.sum()
        else:
            mass = sum((block - low).sum() for (block,) in blocks(pixels))
    if not np.isfinite(mass):
        raise ValueError(f"the values of {name} are too large to be summed")
    return low, mass or 1.0
