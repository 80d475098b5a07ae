"""Checks and small steps that the benchmark's metrics share.

H and W are a map's height and width, N the number of maps in one call.
"""

import functools
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from keras_saliency._utils.types import Array, ArrayLike

# A metric of one map, or of several.
Scores = np.float64 | Array

EPSILON = 2.0**-52

_BLOCK = 8192

# The numbers of 8 bits: sums of these, and of their squares, are exact.
_BYTES = np.arange(256.0)

# OpenCV counts in float32, which holds every whole number up to this.
_COUNTABLE = 2**24

# Sums of the pixels between these, and squares of the smallest difference of
# two of them, neither over- nor underflow.
_LARGE, _SMALL = 2.0**400, 2.0**-400

# A map of these may be given once for all N predictions.
_SHARED = ("baseline", "other_fixations")

# What has no scale that could be changed.
_COUNTED = ("fixations", "other_fixations")


class Map:
    """One image's map, and what metrics ask of it, each computed once.

    Several metrics of one prediction, and of one ground truth with several
    predictions, share what they have in common. The array must not change
    meanwhile.

    Args:
        name: What errors call it, such as "prediction".
        array: Real numbers, shape `(H, W)`.
    """

    def __init__(self, name: str, array: Array) -> None:
        self.name = name
        self.array = array
        self.shape = array.shape
        self.size = array.size
        self._masses: dict[tuple[bool, float], tuple[float, float]] = {}
        self._fixated: dict[bool, tuple[Array, Array]] = {}
        self._kept: dict[object, Array | None] = {}

    @functools.cached_property
    def any(self) -> bool:
        """Whether a value is not zero."""
        return bool(self.low != 0 or self.high != 0)

    @functools.cached_property
    def flat(self) -> Array:
        """The values in their own type, shape `(H * W,)`, finite or not.

        They may be the caller's own memory: never write into it.
        """
        return np.ascontiguousarray(self.array).reshape(-1)

    @functools.cached_property
    def comparable(self) -> Array:
        """Finite pixels in a type that keeps their order, `(H * W,)`."""
        self.check_finite()
        if self.array.dtype == np.float32:
            return self.flat
        return self.flat.astype(np.float64, copy=False)

    @functools.cached_property
    def ordered(self) -> Array:
        """The comparable pixels from low to high."""
        return np.sort(self.comparable)

    @functools.cached_property
    def byte_counts(self) -> Array | None:
        """How many pixels have each of the numbers 0..255, shape `(256,)`.

        It is that of maps from 8-bit files; None if a pixel has another value.
        """
        if not (self.low >= 0 and self.high <= 255):
            return None
        # One block tells of most other maps.
        for part in (self.flat[:_BLOCK], self.flat):
            whole = part.astype(np.uint8)
            if not np.array_equal(whole, part):
                return None
        counts = np.zeros(256, np.intp)
        for start in range(0, whole.size, _COUNTABLE):
            part = whole[start : start + _COUNTABLE]
            found = cv2.calcHist([part], [0], None, [256], [0, 256])
            counts += found.reshape(256).astype(np.intp)
        return counts

    @functools.cached_property
    def low(self) -> np.float64:
        """The least pixel; NaN where one is NaN."""
        return np.float64(self.flat.min())

    @functools.cached_property
    def high(self) -> np.float64:
        """The largest pixel; NaN where one is NaN."""
        return np.float64(self.flat.max())

    @functools.cached_property
    def total(self) -> np.float64:
        """The sum of the pixels, finite or not."""
        if self.byte_counts is not None:
            return np.dot(self.byte_counts, _BYTES)
        with np.errstate(over="ignore", invalid="ignore"):
            return self.flat.sum(dtype=np.float64)

    def at(self, where: Array) -> Array:
        """Return pixels as float64, by their indices."""
        return self.flat[where].astype(np.float64, copy=False)

    def check_finite(self) -> None:
        """Raise a ValueError on NaN and infinity."""
        if not (np.isfinite(self.low) and np.isfinite(self.high)):
            raise ValueError(f"{self.name} holds NaN or infinity")

    def check_mass(self) -> None:
        """Raise a ValueError on NaN, infinity and negative pixels."""
        self.check_finite()
        if self.low < 0:
            raise ValueError(
                f"{self.name} holds negative values, which are no probability "
                "mass; shift or rescale the map first"
            )

    @functools.cached_property
    def mean(self) -> np.float64:
        """The mean of the pixels, which are finite if it is."""
        with np.errstate(over="ignore", invalid="ignore"):
            mean = self.total / self.size
        if not np.isfinite(mean):
            self.check_finite()
            raise ValueError(
                f"the values of {self.name} are too large to be summed"
            )
        return mean

    @functools.cached_property
    def squares(self) -> np.float64:
        """The sum of the squared deviations from the mean."""
        with np.errstate(over="ignore", invalid="ignore"):
            squares = self._raw_squares - self.size * self.mean**2
        # The difference loses digits where it is small, two of 16 at most.
        if squares > 0.01 * self._raw_squares and np.isfinite(squares):
            return squares
        moved = (block - self.mean for (block,) in blocks(self.flat))
        return sum(np.dot(block, block) for block in moved)

    @property
    def is_spread(self) -> bool:
        """Whether sums of products about 0 keep their digits."""
        return bool(self.squares > 0.25 * self._raw_squares)

    def low_and_mass(
        self, minmax: bool, floor: float = 0.0
    ) -> tuple[float, float]:
        """Return what makes a distribution: `(pixels - low) / mass`.

        With `minmax` they are moved to [0, 1] before they are divided by
        their sum, as the MIT code does; `floor` is added in between. A
        constant map other than zero is then uniform (MIT: NaN), and an
        all-zero map stays zero, as in MIT's code: it has no mass. NaN or
        infinity is an error.
        """
        key = minmax, floor
        if key not in self._masses:
            self._masses[key] = self._low_and_mass(minmax, floor)
        return self._masses[key]

    def fixated(self, repeats: bool) -> tuple[Array, Array]:
        """Return where the fixations are and how much each pixel counts.

        Returns:
            Indices into the pixels and float64 weights, both of shape `(n,)`:
            the counts of the map with `repeats`, else ones.
        """
        if repeats not in self._fixated:
            self._fixated[repeats] = self._find_fixated(repeats)
        return self._fixated[repeats]

    def keep(
        self, key: object, compute: Callable[[], Array | None]
    ) -> Array | None:
        """Return what a metric computes of this map alone, computed once."""
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]

    def moderate(self) -> "Map":
        """Return the map times a power of 2, if its peak is extreme.

        Only float64 holds numbers whose squares over- or underflow.
        """
        if self.array.dtype.kind != "f" or self.array.dtype.itemsize < 8:
            return self
        return self._moderated

    @functools.cached_property
    def _moderated(self) -> "Map":
        peak = max(self.high, -self.low)
        if not 0 < peak < np.inf or _SMALL < peak < _LARGE:
            return self
        exponent = -int(np.frexp(peak)[1])
        return Map(self.name, np.ldexp(self.array, exponent))

    @functools.cached_property
    def _raw_squares(self) -> np.float64:
        if self.byte_counts is not None:
            return np.dot(self.byte_counts, _BYTES**2)
        with np.errstate(over="ignore", invalid="ignore"):
            return sum(np.dot(block, block) for (block,) in blocks(self.flat))

    def _low_and_mass(self, minmax: bool, floor: float) -> tuple[float, float]:
        low = 0.0
        if minmax:
            self.check_finite()
            low, high = self.low, self.high
            if low == high:
                low = 0.0
            with np.errstate(over="ignore"):
                floor = floor * (high - low)
        low = low - floor
        with np.errstate(over="ignore", invalid="ignore"):
            total, moved = self.total, self.size * low
            mass = total - moved
            # The difference loses digits where little is left of the two.
            if not abs(total) + abs(moved) <= 4 * mass < np.inf:
                mass = sum(
                    (block - low).sum() for (block,) in blocks(self.flat)
                )
        if not np.isfinite(mass):
            raise ValueError(
                f"the values of {self.name} are too large to be summed"
            )
        return low, mass or 1.0

    def _find_fixated(self, repeats: bool) -> tuple[Array, Array]:
        where = np.flatnonzero(self.flat != 0)
        counts = self.at(where)
        # One look at the usual map of ones; the others for what else there is.
        if np.all(counts == 1):
            return where, counts
        if not np.isfinite(counts).all():
            raise ValueError(f"{self.name} holds NaN or infinity")
        if np.any(counts < 0) or np.any(counts != np.floor(counts)):
            raise ValueError(
                f"{self.name} must hold numbers of fixations (0, 1, 2, ...); "
                "this looks like a density map, or like a map that was resized"
            )
        return where, counts if repeats else np.ones_like(counts)


def score_each(
    score: Callable[..., float],
    *,
    scale_free: bool = True,
    **maps: ArrayLike | Map,
) -> Scores:
    """Call `score` once per image.

    Args:
        score: A function of one image's `Map`s, by the names given in `maps`;
            it returns one number.
        scale_free: Whether a factor changes nothing: maps of very large or
            very small numbers are then multiplied by one.
        **maps: Arrays of shape `(H, W)`, `(H, W, 1)`, `(N, H, W)` or
            `(N, H, W, 1)`, or the `Map` of one image. The first is the
            prediction.

    Returns:
        A float64 number for maps of shape `(H, W)` or `(H, W, 1)`, else a
        float64 array of shape `(N,)`.
    """
    stacks, is_single = {}, {}
    for name, value in maps.items():
        stacks[name], is_single[name] = _stack(name, value)
    first = next(iter(stacks))
    count, size = len(stacks[first]), stacks[first][0].shape
    for name, stack in stacks.items():
        shared = name in _SHARED and len(stack) == 1
        if stack[0].shape != size or (len(stack) != count and not shared):
            raise ValueError(
                f"{name} and {first} must have the same shape; received "
                f"{_shape(maps[name])} and {_shape(maps[first])}. Nothing "
                "is resized here: keras_saliency.evaluation.evaluate does it"
            )
    values = np.empty(count)
    for i in range(count):
        one = {n: s[i if len(s) > 1 else 0] for n, s in stacks.items()}
        if scale_free:
            one = {
                name: map_ if name in _COUNTED else map_.moderate()
                for name, map_ in one.items()
            }
        try:
            values[i] = score(**one)
        except ValueError as error:
            if is_single[first]:
                raise
            raise ValueError(f"image {i}: {error}") from error
    return values[0] if is_single[first] else values


def as_map(name: str, value: ArrayLike | Map) -> Map:
    """Return the `Map` of one image, made where an array is given."""
    (map_,), _ = _stack(name, value)
    return map_


def _stack(name: str, value: ArrayLike | Map) -> tuple[list[Map], bool]:
    """Return an argument as a list of maps, and whether it was one map."""
    if isinstance(value, Map):
        return [value], True
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
    return [Map(name, map_) for map_ in stack], is_single


def _shape(value: ArrayLike | Map) -> tuple[int, ...]:
    return value.shape if isinstance(value, Map) else np.shape(value)


def blocks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Yield matching slices of long arrays as float64, short for the cache.

    Steps on slices need no large temporary arrays, and NumPy's products of
    slices run on one core: shared among all, they take ten times as long
    whenever one of them is busy.
    """
    for start in range(0, arrays[0].size, _BLOCK):
        yield tuple(
            array[start : start + _BLOCK].astype(np.float64, copy=False)
            for array in arrays
        )
