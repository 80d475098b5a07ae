"""Random changes of an image that move its fixations and density along."""

import copy
import importlib
from collections.abc import Sequence
from typing import Any, Protocol

import cv2
import numpy as np

from keras_saliency._utils.types import Array, Size
from keras_saliency.datasets import density as maps
from keras_saliency.images import divide_by_peak, resize

# ImageNet's mean color, which most networks take as zero.
MEAN_COLOR = (124, 116, 104)
# An image, the positions on it, its density map.
Parts = tuple[Array, Array, Array]


class Augmentation(Protocol):
    """What `SaliencySequence` takes as `augment=`.

    It gets, and returns, an image (uint8 `(height, width, 3)`), positions on
    it (float64 `(N, 2)`, columns x and y; the first pixel reaches from 0 to 1)
    and its density map (float32 `(height, width)`), all of one size, which may
    be another one in what is returned. Positions outside of the image are left
    out later. All that is random must come from the generator, so that a
    sample is the same in every thread and on every backend.
    """

    def __call__(
        self,
        image: Array,
        points: Array,
        density: Array,
        rng: np.random.Generator,
    ) -> Parts:
        """Return the image, the positions and the density map, changed."""


class Affine:
    """Rotate, zoom and shift, each by an amount drawn for each sample.

    Image, positions and density map are moved by the same matrix. What comes
    in from outside of the image has one color, and density 0.

    Args:
        rotation: Largest angle in degrees, to either side.
        zoom: Lowest and highest factor; above 1 the image is enlarged.
        shift: Largest shift to either side, as a part of height and width.
        color: RGB, 0..255, of what lies outside of the image.

    Raises:
        ValueError: If a number is out of its range.

    Examples:
    >>> Affine(rotation=10, zoom=(0.9, 1.2), shift=0.05)
    Affine(rotation=10, zoom=(0.9, 1.2), shift=0.05, color=(124, 116, 104))
    """

    def __init__(
        self,
        *,
        rotation: float = 0.0,
        zoom: tuple[float, float] = (1.0, 1.0),
        shift: float = 0.0,
        color: Sequence[int] = MEAN_COLOR,
    ) -> None:
        low, high = zoom
        if not (0 <= rotation <= 180 and 0 < low <= high and 0 <= shift < 1):
            raise ValueError(
                "rotation must be from 0 to 180, zoom two factors above 0, the "
                "lower first, and shift from 0 to below 1; received "
                f"rotation={rotation!r}, zoom={zoom!r}, shift={shift!r}."
            )
        self.rotation, self.shift = rotation, shift
        self.zoom, self.color = (low, high), tuple(color)

    def __repr__(self) -> str:
        return (
            f"Affine(rotation={self.rotation!r}, zoom={self.zoom!r}, "
            f"shift={self.shift!r}, color={self.color!r})"
        )

    def __call__(
        self,
        image: Array,
        points: Array,
        density: Array,
        rng: np.random.Generator,
    ) -> Parts:
        """Return the image, the positions and the density map, moved."""
        height, width = image.shape[:2]
        angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation))
        factor = np.exp(rng.uniform(*np.log(self.zoom)))
        center = np.array([width, height]) / 2
        moved = center * (1 + 2 * rng.uniform(-self.shift, self.shift, 2))
        cosine, sine = factor * np.cos(angle), factor * np.sin(angle)
        matrix = np.array([[cosine, sine], [-sine, cosine]])
        offset = moved - matrix @ center
        # OpenCV counts from the center of the first pixel, not from its edge.
        of_pixels = np.column_stack([matrix, offset + (matrix.sum(1) - 1) / 2])
        image = cv2.warpAffine(
            image, of_pixels, (width, height), borderValue=self.color
        )
        density = cv2.warpAffine(density, of_pixels, (width, height))
        return image, points @ matrix.T + offset, density


class Albumentations:
    """A transform of the library albumentations as an `Augmentation`.

    Fixations are its keypoints, and the density map is its mask.

    Args:
        transform: A transform, or an `albumentations.Compose` of some. Its own
            parameters of keypoints are not used.
    """

    def __init__(self, transform: Any) -> None:
        library = importlib.import_module("albumentations")
        self._transform = transform
        self._composed = library.Compose(
            [transform],
            # The first one's name differs between versions.
            keypoint_params=library.KeypointParams(
                "xy", remove_invisible=False
            ),
            mask_interpolation=cv2.INTER_LINEAR,
        )

    def __repr__(self) -> str:
        return f"Albumentations({self._transform.to_dict()})"

    def __call__(
        self,
        image: Array,
        points: Array,
        density: Array,
        rng: np.random.Generator,
    ) -> Parts:
        """Return the image, the positions and the density map, changed."""
        # A generator is part of it, and another thread may be using it.
        transform = copy.deepcopy(self._composed)
        transform.set_random_seed(int(rng.integers(2**31)))
        # It counts from the center of the first pixel, not from its edge.
        found = transform(image=image, mask=density, keypoints=points - 0.5)
        moved = np.asarray(found["keypoints"], "float64").reshape(-1, 2)
        return found["image"], moved + 0.5, found["mask"]


def as_augmentation(augment: Any) -> Augmentation | None:
    """Return what `augment=` stands for.

    Raises:
        ValueError: If it is neither a function nor a transform.
    """
    if augment is None or isinstance(augment, Albumentations):
        return augment
    if hasattr(augment, "set_random_seed") and hasattr(augment, "to_dict"):
        return Albumentations(augment)
    if not callable(augment):
        raise ValueError(
            "augment must be a function of image, points, density and rng, "
            "such as datasets.Affine(rotation=10), or a transform of "
            f"albumentations; received {augment!r}."
        )
    return augment


def augmented(
    augment: Augmentation,
    parts: Parts,
    rng: np.random.Generator,
    *,
    flip: bool,
    map_size: Size,
    has_fixations: bool,
) -> tuple[Array, Array] | None:
    """Return the image and the target of an augmented sample.

    Args:
        augment: The function.
        parts: Image, positions and density map, of one size.
        rng: Where all that is random comes from.
        flip: Whether the sample is mirrored with probability 1/2 before.
        map_size: `(height, width)` of the target.
        has_fixations: Whether the target has the counts of fixations.

    Returns:
        uint8 `(height, width, 3)`, of the size of the given image, and float32
        `(*map_size, 1 or 2)`; or None if no density, or no fixation where
        there are some, is left in the image.

    Raises:
        ValueError: If the function returns something else.
    """
    size = parts[0].shape[:2]
    if flip and rng.random() < 0.5:
        image, points, density = parts
        # A position on the edge of two pixels, as whole numbers are, is in
        # the right one, and has to stay in it when that is the left one.
        x = np.nextafter(size[1] - points[:, 0].astype("float64"), 0)
        points = np.column_stack([x, points[:, 1]])
        parts = cv2.flip(image, 1), points, cv2.flip(density, 1)
    image, points, density = _checked(augment(*parts, rng))
    found = image.shape[:2]
    counts = maps.fixation_map(points[:, 0], points[:, 1], found, map_size)
    density = resize(density, map_size)
    if not density.max() > 0 or (has_fixations and not counts.any()):
        return None
    target = [divide_by_peak(density)]
    if has_fixations:
        target.append(counts)
    if found != size:
        image = resize(image, size)
    return image, cv2.merge(target).reshape(*map_size, len(target))


def _checked(parts: Any) -> Parts:
    try:
        image, points, density = map(np.asarray, parts)
    except (TypeError, ValueError):
        raise ValueError(
            "augment must return an image, positions and a density map; "
            f"received {type(parts).__name__}."
        ) from None
    if (
        image.dtype != np.uint8
        or image.ndim != 3
        or image.shape[2] != 3
        or points.ndim != 2
        or points.shape[1] != 2
        or density.shape != image.shape[:2]
        or density.dtype.kind != "f"
    ):
        raise ValueError(
            "augment must return a uint8 image (height, width, 3), positions "
            "(N, 2) and a float density map (height, width); received "
            f"{image.dtype} {image.shape}, {points.shape} and "
            f"{density.dtype} {density.shape}."
        )
    return image, points, np.maximum(density, 0, dtype="float32")
