"""A generated data set whose true densities of fixations are known."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from keras_saliency._utils.checks import as_count
from keras_saliency._utils.types import Array, PathName, Size
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.fixations import Fixations
from keras_saliency.images import as_size, divide_by_peak, resize

# Everything here that decides a pixel or a fixation is done with operations
# that IEEE 754 rounds exactly (+ - * / sqrt, comparisons, cumulative sums in
# order), and draws nothing but uniform numbers: no exp, no matrix product,
# no normal variates. So the set is the same on every machine.

_CENTER_WEIGHT = 0.25
_UNIFORM_WEIGHT = 0.08


class GeneratedDataset(SaliencyDataset):
    """A `SaliencyDataset` that also knows the true densities; see `generate`.

    Args:
        name: As for `SaliencyDataset`.
        images: As for `SaliencyDataset`.
        truths: True density per image, an array of the image's size.
        **options: As for `SaliencyDataset`.
    """

    def __init__(
        self,
        name: str,
        images: Sequence[PathName | Array],
        *,
        truths: Sequence[Array],
        **options: Any,
    ) -> None:
        super().__init__(name, images, **options)
        self._truths = list(truths)

    def true_density(self, i: int, size: Size | None = None) -> Array:
        """Return the density that the fixations of an image were drawn from.

        Args:
            i: Number of the image.
            size: `(height, width)` of the map. Defaults to the image's size.

        Returns:
            float32 array `(height, width)`, maximum 1.
        """
        truth = self._truths[i]
        truth = truth.copy() if size is None else resize(truth, size)
        return divide_by_peak(truth)

    def _take(self, chosen: list[int]) -> Self:
        part = super()._take(chosen)
        part._truths = [self._truths[i] for i in chosen]
        return part


def generate(
    count: int = 64,
    size: Size = (120, 160),
    *,
    observers: int = 8,
    fixations_per_observer: int = 8,
    seed: int = 0,
) -> GeneratedDataset:
    """Generate images with fixations drawn from a known density.

    Each image has a textured background, two to four salient objects
    (saturated colors, high contrast, several shapes and sizes) and two to
    four dull ones in the colors of the background that attract nobody. The
    true density is a sum of one bump per salient object, higher the more
    saturated the object is, a center bias that is the same in all images,
    and a small constant. The observers' fixations are independent draws from
    it. A center bias alone thus explains a part, and a model that finds
    saturated objects explains more.

    Args:
        count: Number of images.
        size: `(height, width)` of the images, at least 16 each.
        observers: Number of observers, who all see every image.
        fixations_per_observer: Fixations per observer and image.
        seed: Seed of the NumPy generator. The set is the same on every
            machine, and image `i` does not depend on `count`.

    Returns:
        A `GeneratedDataset`: a `SaliencyDataset` with `true_density(i)`.

    Raises:
        ValueError: If the images are too small, or nothing is asked for.

    Examples:
    >>> dataset = generate(count=2, size=(24, 32))
    >>> dataset.image(0).shape, len(dataset.fixations)
    ((24, 32, 3), 128)
    """
    size = as_size(size)
    if min(size) < 16:
        raise ValueError(
            f"Generated images need at least 16 pixels a side, received "
            f"size {size}."
        )
    for name, value in (
        ("count", count),
        ("observers", observers),
        ("fixations_per_observer", fixations_per_observer),
    ):
        as_count(value, name)
    per_image = observers * fixations_per_observer
    images, truths, points = [], [], []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        image, truth = _image(rng, size)
        images.append(image)
        truths.append(truth.astype("float32"))
        points.append(_draw(rng, truth, per_image))
    x, y = np.concatenate(points, axis=1)
    return GeneratedDataset(
        "generated",
        images,
        truths=truths,
        names=[f"generated_{i:04d}" for i in range(count)],
        fixations=Fixations(
            np.repeat(np.arange(count), per_image),
            x,
            y,
            subject=np.tile(
                np.repeat(np.arange(observers), fixations_per_observer), count
            ),
            order=np.tile(np.arange(fixations_per_observer), count * observers),
            duration=np.full(count * per_image, 250.0),
        ),
        default_sigma=max(size) / 32,
    )


def _image(rng: np.random.Generator, size: Size) -> tuple[Array, Array]:
    """Return an image and its true density."""
    height, width = size
    scale = min(size)
    rows = (np.arange(height) + 0.5)[:, None]
    columns = (np.arange(width) + 0.5)[None, :]
    base = 90.0 + 70.0 * rng.random()
    tint = 24.0 * rng.random(3) - 12.0
    amplitude = 15.0 + 25.0 * rng.random()
    texture = _noise(rng, size, max(2, scale // 12)) + 0.5 * _noise(
        rng, size, 2
    )
    # Light falls off across the image, so brightness alone says little.
    slope = 60.0 * rng.random(2) - 30.0
    light = slope[0] * (rows / height - 0.5) + slope[1] * (
        columns / width - 0.5
    )
    image = np.empty((height, width, 3))
    for channel in range(3):
        image[..., channel] = base + tint[channel] + amplitude * texture + light
    truth = _CENTER_WEIGHT * _unit(
        1.0
        / _square(
            1.0
            + _square((rows / height - 0.5) / 0.28)
            + _square((columns / width - 0.5) / 0.28)
        )
    )
    bumps = np.zeros(size)
    dull = rng.integers(2, 5)
    salient = rng.integers(2, 5)
    for k in range(dull + salient):
        is_salient = k >= dull
        radius = scale * (0.05 + 0.06 * rng.random())
        # Two draws averaged: objects lie nearer the center, as in photographs.
        place = 0.5 * (rng.random(2) + rng.random(2))
        row = radius + (height - 2.0 * radius) * place[0]
        column = radius + (width - 2.0 * radius) * place[1]
        saturation = 0.35 + 0.65 * rng.random()
        color = base + _hue(rng) * 110.0 * saturation
        shade = (20.0 + 40.0 * rng.random()) * (1 if rng.random() < 0.5 else -1)
        shape = int(rng.integers(4))
        cover = _shape(shape, rows - row, columns - column, radius)[..., None]
        if not is_salient:
            color = base + tint + shade
        image = (
            image * (1.0 - cover)
            + (color + 0.3 * amplitude * texture[..., None]) * cover
        )
        if is_salient:
            distance = (_square(rows - row) + _square(columns - column)) / (
                _square(1.8 * radius)
            )
            bump = _square(np.maximum(1.0 - distance, 0.0))
            bumps += saturation * saturation * bump
    truth = truth + (1.0 - _CENTER_WEIGHT - _UNIFORM_WEIGHT) * _unit(bumps)
    truth = truth + _UNIFORM_WEIGHT / (height * width)
    return np.clip(np.floor(image + 0.5), 0, 255).astype("uint8"), truth


def _draw(rng: np.random.Generator, truth: Array, count: int) -> Array:
    """Return `count` fixations, x and y, drawn from a density."""
    height, width = truth.shape
    cumulative = np.cumsum(truth.ravel())
    cell = np.searchsorted(
        cumulative, rng.random(count) * cumulative[-1], side="right"
    )
    cell = np.minimum(cell, truth.size - 1)
    within = rng.random((2, count))
    # Kept below 1, so that rounding to float32 cannot leave the image.
    within = 0.98 * within + 0.01
    return np.stack([cell % width + within[0], cell // width + within[1]])


def _noise(rng: np.random.Generator, size: Size, spacing: int) -> Array:
    """Draw values in [-1, 1] on a coarse grid and interpolate linearly."""
    height, width = size
    grid = 2.0 * rng.random((height // spacing + 2, width // spacing + 2)) - 1.0
    row = np.arange(height) / spacing
    column = np.arange(width) / spacing
    top, left = row.astype("int64"), column.astype("int64")
    down, across = (row - top)[:, None], (column - left)[None, :]
    lines = grid[top] * (1.0 - down) + grid[top + 1] * down
    return lines[:, left] * (1.0 - across) + lines[:, left + 1] * across


def _hue(rng: np.random.Generator) -> Array:
    """Draw a saturated color direction: channels that differ, of mean zero."""
    hues = np.array(
        [
            (1.0, -0.5, -0.5),
            (-0.5, 1.0, -0.5),
            (-0.5, -0.5, 1.0),
            (0.5, 0.5, -1.0),
            (0.5, -1.0, 0.5),
            (-1.0, 0.5, 0.5),
        ]
    )
    return hues[rng.integers(6)]


def _shape(kind: int, rows: Array, columns: Array, radius: float) -> Array:
    """Return the coverage in [0, 1] of a disc, square, ring or cross."""
    distance = np.sqrt(_square(rows) + _square(columns))
    if kind == 0:
        edge = radius - distance
    elif kind == 1:
        edge = 0.85 * radius - np.maximum(np.abs(rows), np.abs(columns))
    elif kind == 2:
        edge = 0.3 * radius - np.abs(distance - 0.7 * radius)
    else:
        arm = 0.35 * radius
        edge = np.minimum(
            arm - np.minimum(np.abs(rows), np.abs(columns)),
            radius - np.maximum(np.abs(rows), np.abs(columns)),
        )
    return np.clip(edge + 0.5, 0.0, 1.0)


def _square(values: Any) -> Any:
    return values * values


def _unit(values: Array) -> Array:
    """Divide values by their sum."""
    # A sum in sequence: its order, and so its rounding, is the same anywhere.
    return values / np.cumsum(values.ravel())[-1]
