"""Spectral residual."""

import dataclasses

import cv2
import numpy as np

from keras_saliency import images
from keras_saliency._utils.types import Array
from keras_saliency.models.classic import _stages
from keras_saliency.models.classic.base import ClassicModel, require


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpectralResidual(ClassicModel):
    """Spectral residual, Hou & Zhang, CVPR 2007.

    The residual is the logarithm of the amplitude spectrum of a small gray
    image less its local mean. It is transformed back with the image's phase,
    and the squared magnitude is blurred. Defaults are those of the code that
    the authors published with the paper: a width of 64 pixels, a mean over
    3x3 and a Gaussian of sigma 2.5 pixels (the paper's text says 8).

    Known differences: the longer side is 64, not the width, so images in
    portrait format are treated as those in landscape; the Gaussian is not
    cut off at 10x10 pixels.

    Args:
        longest: Longer side in pixels that the image is resized to.
        average: Side of the square of the local mean, odd.
        sigma: Sigma of the last blur in pixels of the small image.

    Raises:
        ValueError: If an argument is out of its range.
    """

    longest: int = 64
    average: int = 3
    sigma: float = 2.5

    def _check(self) -> None:
        require(self.longest >= 8, "longest", self.longest, "8 or more")
        require(
            self.average >= 1 and self.average % 2 == 1,
            "average",
            self.average,
            "odd",
        )
        require(self.sigma >= 0, "sigma", self.sigma, "0 or more")

    def _map(self, image: Array) -> Array:
        gray = cv2.cvtColor(image / 255, cv2.COLOR_RGB2GRAY)
        size = _stages.map_size(gray.shape, self.longest)
        residual = saliency(images.resize(gray, size), self.average)
        return _stages.blur(residual, self.sigma)


def saliency(gray: Array, average: int) -> Array:
    """Return the squared magnitude of the residual transformed back.

    Args:
        gray: Map `(height, width)`, in [0, 1].
        average: Side of the square of the local mean, which replicates
            edges.

    Returns:
        float32 array `(height, width)`; zero for a constant image.
    """
    if not _stages.min_max(gray).any():
        return np.zeros(gray.shape, np.float32)
    spectrum = np.fft.fft2(np.asarray(gray, np.float64))
    amplitude = np.abs(spectrum)
    # Frequencies that the image lacks have no phase either.
    least = 1e-6 * amplitude.max()
    present = amplitude > least
    amplitude = np.maximum(amplitude, least)
    log = np.log(amplitude)
    mean = cv2.blur(log, (average, average), borderType=cv2.BORDER_REPLICATE)
    phase = np.where(present, spectrum / amplitude, 0)
    return (np.abs(np.fft.ifft2(np.exp(log - mean) * phase)) ** 2).astype(
        np.float32
    )
