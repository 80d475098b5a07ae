"""Maps of a video that change less from frame to frame."""

import math

import cv2

from keras_saliency import images
from keras_saliency._utils.checks import as_number
from keras_saliency._utils.types import Array


class Smoothing:
    """Function from a video's maps, one after the other, to smoother ones.

    With the frame rate r and the time T, the map m of frame t becomes
    `s[t] / max(s[t])`, where `s[0] = m[0]`, `s[t] = w s[t-1] + (1 - w) m[t]`
    and `w = exp(-1 / (r T))`: what a frame adds falls to 1/e within T.

    Args:
        seconds: T, above 0.
        rate: r, frames per second.

    Raises:
        ValueError: If one of them is not above 0.
    """

    def __init__(self, seconds: float, rate: float) -> None:
        for name, value in (("smooth", seconds), ("rate", rate)):
            number = as_number(value)
            if number is None or not 0 < number < math.inf:
                raise ValueError(
                    f"{name} must be a number above 0; received {value!r}."
                )
        self.weight = math.exp(-1 / (rate * seconds))
        self._mean: Array | None = None

    def __call__(self, map_: Array) -> Array:
        """Return the next frame's map, smoothed.

        Args:
            map_: float32 array `(height, width)`.

        Returns:
            A new array of the same kind, largest value 1 unless it is zero.
            A map of another size than the one before begins anew.
        """
        if self._mean is None or self._mean.shape != map_.shape:
            self._mean = map_.copy()
        else:
            cv2.accumulateWeighted(map_, self._mean, 1 - self.weight)
        mean = images.divide_by_peak(self._mean)
        return mean.copy() if mean is self._mean else mean
