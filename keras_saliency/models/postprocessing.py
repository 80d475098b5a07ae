"""What the authors of a model do to pictures before and to maps after."""

import cv2
import numpy as np
from scipy import ndimage

from keras_saliency import images
from keras_saliency.models.base import output_map, saliency_map


def pad(image, size):
    """Picture as large as it fits into a size, in the middle, zeros around.

    Args:
        image: Array `(height, width, 3)`.
        size: `(height, width)` wanted.

    Returns:
        Array `(*size, 3)` of the same type.
    """
    fitted = _covered(size, image.shape[:2], min)
    padded = np.zeros((*size, 3), image.dtype)
    padded[_middle(size, fitted)] = images.resize(image, fitted)
    return padded


def unpad(map_, size):
    """Map of a picture from that of the padded picture.

    Args:
        map_: Array `(height, width)`.
        size: `(height, width)` of the picture.

    Returns:
        Array of that size.
    """
    whole = _covered(size, map_.shape, max)
    return images.resize(map_, whole)[_middle(whole, size)]


def padded_saliency_map(model, image, keep_proportions, sigma=0.0):
    """`saliency_map` of the models whose authors pad pictures.

    Args:
        model: The model.
        image: As for `SaliencyModel.saliency_map`.
        keep_proportions: Whether to pad, or to stretch.
        sigma: Of a Gaussian at the picture's size, in pixels; 0 for none.

    Returns:
        float32 array `(height, width)`, the largest value 1, or all zero.

    Raises:
        ValueError: As for `SaliencyModel.saliency_map`.
    """
    image = np.asarray(image)
    picture = image.ndim == 3 and image.shape[-1] == 3 and image.size
    if keep_proportions and picture:
        map_ = output_map(model, pad(image, model.input_shape[1:3]))
        map_ = unpad(map_, image.shape[:2])
    else:
        map_ = saliency_map(model, image)
    if sigma:
        map_ = ndimage.gaussian_filter(map_, sigma)
    peak = map_.max()
    return map_ / peak if peak > 0 else map_


def _covered(size, shape, choose):
    """Size in the proportions of `shape` that fits into `size` or covers it."""
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
    """Slices of `inner` rows and columns in the middle of `size`."""
    return tuple(
        slice((a - b) // 2, (a - b) // 2 + b)
        for a, b in zip(size, inner, strict=True)
    )


def enlarge_and_blur(map_, size):
    """Cubic resize, then OpenCV's 5x5 Gaussian (sigma 1.1).

    Args:
        map_: float32 array `(height, width)` in [0, 1].
        size: `(height, width)` wanted.

    Returns:
        float32 array of that size in [0, 1]: what the cubic overshoots is
        clipped.
    """
    map_ = cv2.resize(
        map_, (size[1], size[0]), interpolation=cv2.INTER_CUBIC
    ).reshape(size)
    return np.clip(cv2.GaussianBlur(map_, (5, 5), 0), 0.0, 1.0)
