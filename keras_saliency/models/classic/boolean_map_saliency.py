"""Boolean map saliency."""

import dataclasses

import cv2
import numpy as np

from keras_saliency._utils.types import Array
from keras_saliency.models.classic import _stages
from keras_saliency.models.classic.base import (
    ClassicModel,
    require,
    require_longest,
)

_SQUARE = np.ones((3, 3), np.uint8)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BooleanMapSaliency(ClassicModel):
    """Boolean Map Saliency, Zhang & Sclaroff, ICCV 2013.

    A re-implementation from the paper, with the parameters of the authors'
    program.

    The CIELAB channels are whitened and scaled to 0..255. Each is
    thresholded at levels `step` apart, which gives boolean maps. The regions
    of a boolean map, and of its inverse, that do not touch the image's border
    (what is surrounded is a figure, says Gestalt psychology) are an attention
    map:
    it is dilated and divided by its L2 norm, so that a map of few small
    regions counts more. The sum of all is dilated again and blurred.

    Known differences: a region touches the border where it has one of its
    pixels (the authors' program also begins at random a few pixels inside);
    the Gaussian is not cut off at 33 pixels.

    Args:
        longest: Longer side in pixels that larger images are reduced to.
        step: Distance of thresholds, of 256 levels.
        regularization: Added to the variance of each channel, in units of
            CIELAB in 8 bits, before whitening.
        dilation: Side of the square that attention maps are dilated by.
        last_dilation: The same for their sum.
        blur: Sigma of the last blur, in pixels of an image of 400, as a share
            of the longer side.

    Raises:
        ValueError: If an argument is out of its range.
    """

    longest: int = 400
    step: int = 8
    regularization: float = 50.0
    dilation: int = 7
    last_dilation: int = 9
    blur: float = 0.0225

    smallest_side = 32

    def _check(self) -> None:
        require_longest(self.longest, least=32)
        require(1 <= self.step <= 128, "step", self.step, "from 1 to 128")
        require(
            self.regularization > 0,
            "regularization",
            self.regularization,
            "positive",
        )
        for name in ("dilation", "last_dilation"):
            value = getattr(self, name)
            require(
                1 <= value <= 101 and value % 2 == 1,
                name,
                value,
                "odd, from 1 to 101",
            )
        require(self.blur >= 0, "blur", self.blur, "0 or more")

    def _map(self, image: Array) -> Array:
        image = _stages.reduced(image, self.longest)
        size = image.shape[:2]
        total = np.zeros(size, np.float32)
        for channel in whitened(image, self.regularization):
            for threshold in range(0, 256, self.step):
                above = (channel > threshold).astype(np.uint8)
                for figure in (above, 1 - above):
                    total += self._attention(figure)
        total = _dilated(total, self.last_dilation)
        return _stages.min_max(_stages.blur(total, self.blur * max(size)))

    def _attention(self, figure):
        """Return the dilated surrounded regions, of L2 norm 1 or empty."""
        inside = surrounded(figure)
        if not inside.any():
            return inside.astype(np.float32)
        dilated = _dilated(inside, self.dilation).astype(np.float32)
        return dilated / np.linalg.norm(dilated)


def whitened(image: Array, regularization: float) -> list[Array]:
    """Return the whitened channels of CIELAB, uint8 maps in 0..255.

    Args:
        image: float32 array `(height, width, 3)` in 0..255.
        regularization: Added to the diagonal of the covariance.

    Returns:
        Those with variance: of a gray image one, of a constant one none.
    """
    lab = cv2.cvtColor(image / 255, cv2.COLOR_RGB2Lab)
    lab *= np.array([255 / 100, 1, 1], np.float32)
    known = np.flatnonzero(np.ptp(lab, axis=(0, 1)) > 0.1)
    if not known.size:
        return []
    pixels = lab[..., known].reshape(-1, known.size).astype(np.float64)
    pixels -= pixels.mean(axis=0)
    covariance = pixels.T @ pixels / len(pixels)
    variances, axes = np.linalg.eigh(
        covariance + regularization * np.eye(known.size)
    )
    maps = (pixels @ (axes / np.sqrt(variances)) @ axes.T).T
    levels = [(255 * _stages.min_max(map_)).astype(np.uint8) for map_ in maps]
    return [cv2.medianBlur(map_.reshape(lab.shape[:2]), 3) for map_ in levels]


def surrounded(figure: Array) -> Array:
    """Return the regions of a boolean map that do not touch its border.

    Args:
        figure: uint8 array `(height, width)` of 0 and 1; neighbors by an edge
            or a corner are of one region.

    Returns:
        uint8 array of that shape.
    """
    # The frame joins all that touches the border.
    framed = np.pad(figure, 1, constant_values=1)
    _, labels = cv2.connectedComponents(framed, connectivity=8)
    inner = labels[1:-1, 1:-1]
    return ((inner != labels[0, 0]) & (figure > 0)).astype(np.uint8)


def _dilated(map_, side):
    return cv2.dilate(map_, _SQUARE, iterations=side // 2)
