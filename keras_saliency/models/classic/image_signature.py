"""Image signature."""

import dataclasses
from typing import Literal

import cv2
import numpy as np
from scipy import fft

from keras_saliency import images
from keras_saliency._utils.types import Array
from keras_saliency.models.classic import _stages
from keras_saliency.models.classic.base import (
    ClassicModel,
    require,
    require_longest,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageSignature(ClassicModel):
    """Image signature, Hou, Harel & Koch, TPAMI 34(1), 2012.

    The signature of a small image is the sign of its discrete cosine
    transform (equation 1). Transformed back and squared, it is large where
    the image's sparse foreground is; the mean over the channels is blurred.
    Defaults are those of the authors' code.

    Known differences: the longer side is 64, not the width, so images in
    portrait format are treated as those in landscape. Coefficients that are
    zero up to rounding have no sign, and channels without variance (of a gray
    image) are left out.

    Args:
        color: Channels: `"lab"` (CIELAB) or `"rgb"`.
        longest: Longer side in pixels that the image is resized to.
        blur: Sigma of the last blur, a share of the longer side.

    Raises:
        ValueError: If an argument is out of its range.
    """

    color: Literal["lab", "rgb"] = "lab"
    longest: int = 64
    blur: float = 0.045

    def _check(self) -> None:
        require(
            self.color in ("lab", "rgb"), "color", self.color, '"lab" or "rgb"'
        )
        require_longest(self.longest, least=8)
        require(self.blur >= 0, "blur", self.blur, "0 or more")

    def _map(self, image: Array) -> Array:
        size = _stages.map_size(image.shape[:2], self.longest)
        small = images.resize(image, size) / 255
        if self.color == "lab":
            small = cv2.cvtColor(small, cv2.COLOR_RGB2Lab) / 100
        total = np.zeros(size, np.float32)
        for channel in cv2.split(small):
            if np.ptp(channel) > 1e-3:
                total += reconstructed(channel) ** 2
        return _stages.min_max(_stages.blur(total, self.blur * max(size)))


def reconstructed(map_: Array) -> Array:
    """Return the inverse transform of a map's signature.

    Args:
        map_: float32 array `(height, width)`.

    Returns:
        float32 array of that shape.
    """
    coefficients = fft.dctn(map_, norm="ortho")
    least = 1e-6 * np.abs(coefficients).max()
    signs = np.where(
        np.abs(coefficients) > least, np.sign(coefficients), 0
    ).astype(np.float32)
    return fft.idctn(signs, norm="ortho")
