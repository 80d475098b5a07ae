"""What the authors of a model do to images before and to maps after."""

import cv2
import numpy as np
from scipy import ndimage

from keras_saliency import images
from keras_saliency._utils.types import Array, Size


class PaddedImages:
    """Mixin of models whose authors keep an image's proportions.

    The image is laid among zeros, the map is cut out at the image's size,
    blurred and divided by its peak.

    Attributes:
        keep_proportions: Whether to do so. `False` stretches the image to the
            input, as `datasets.SaliencySequence` does in training.
        blur: Sigma of the Gaussian in pixels of the image; 0 for none.
    """

    keep_proportions: bool = True
    blur: float = 0.0

    def prepare_image(self, image: Array) -> Array:
        """See `SaliencyModel.prepare_image`."""
        if self.keep_proportions:
            return pad(image, self.input_shape[1:3])  # type: ignore
        return super().prepare_image(image)  # type: ignore

    def finish_map(self, map_: Array, size: Size) -> Array:
        """See `SaliencyModel.finish_map`."""
        if self.keep_proportions:
            map_ = unpad(map_, size)
        else:
            map_ = images.resize(map_, size)
        if self.blur:
            map_ = ndimage.gaussian_filter(map_, self.blur)
        return images.divide_by_peak(map_)


def pad(image: Array, size: Size) -> Array:
    """Return an image as large as it fits into a size, zeros around it.

    Args:
        image: Array `(height, width, 3)`.
        size: `(height, width)` wanted.

    Returns:
        Array `(*size, 3)` of the same type, the image in its middle.
    """
    fitted = _covered(size, image.shape[:2], min)
    padded = np.zeros((*size, 3), image.dtype)
    padded[_middle(size, fitted)] = images.resize(image, fitted)
    return padded


def unpad(map_: Array, size: Size) -> Array:
    """Return the map of an image, cut out of that of the padded image.

    Args:
        map_: Array `(height, width)`.
        size: `(height, width)` of the image.

    Returns:
        Array of that size.
    """
    whole = _covered(size, map_.shape, max)
    return images.resize(map_, whole)[_middle(whole, size)]


def enlarge_and_blur(map_: Array, size: Size) -> Array:
    """Resize a map by cubic interpolation and blur it.

    The blur is OpenCV's 5x5 Gaussian, of sigma 1.1.

    Args:
        map_: float32 array `(height, width)` in [0, 1].
        size: `(height, width)` wanted.

    Returns:
        float32 array of that size in [0, 1]; values that the interpolation
        brings beyond are clipped.
    """
    map_ = cv2.resize(
        map_, (size[1], size[0]), interpolation=cv2.INTER_CUBIC
    ).reshape(size)
    return np.clip(cv2.GaussianBlur(map_, (5, 5), 0), 0.0, 1.0)


def _covered(size, shape, choose):
    """Return the size in the proportions of `shape` that fits into `size`.

    With `choose=max` it covers `size`.
    """
    factor = choose(a / b for a, b in zip(size, shape, strict=True))
    # What exceeds a whole number by rounding alone is not one more.
    sides = [
        min(a, int(factor * b + 1e-6))
        if choose is min
        else max(a, int(factor * b + 1e-6))
        for a, b in zip(size, shape, strict=True)
    ]
    return tuple(max(1, side) for side in sides)


def _middle(size, inner):
    """Return slices of `inner` rows and columns in the middle of `size`."""
    return tuple(
        slice((a - b) // 2, (a - b) // 2 + b)
        for a, b in zip(size, inner, strict=True)
    )
