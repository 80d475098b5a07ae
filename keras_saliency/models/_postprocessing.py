"""What the authors of a model do to its map of a picture."""

import cv2
import numpy as np


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
