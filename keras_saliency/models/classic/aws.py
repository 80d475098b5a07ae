"""Adaptive whitening saliency."""

import dataclasses

import numpy as np

from keras_saliency import images
from keras_saliency._utils.types import Array
from keras_saliency.models.classic import _filters, _stages
from keras_saliency.models.classic.base import ClassicModel, require


@dataclasses.dataclass(frozen=True, kw_only=True)
class AWS(ClassicModel):
    """Adaptive Whitening Saliency, Garcia-Diaz et al., IVC 30(1), 2012.

    A re-implementation from the paper; the authors' algorithm is distributed
    as an encrypted file, so its maps cannot be compared stage by stage.

    The colors are whitened. Each component is decomposed by log-Gabor
    filters into orientations and scales. Of each orientation, the magnitudes
    at all scales are whitened in turn, and the squared norm of what results
    (Hotelling's T^2: how unusual the pixel is in this image) is the
    saliency, summed over orientations and components and blurred.

    `rescale` and `blur` are the authors' arguments `fr` and `sp`, with their
    defaults (`blur` is `sp` / 100). The numbers of scales and the filters'
    bandwidths are not in their interface; they were recalled from the paper
    and not verified in it.

    Known differences: the orientations' maps are added without being scaled
    first, as all have the same mean, the number of scales; directions whose
    variance is below a millionth of the largest are left out of the second
    whitening.

    Args:
        rescale: Factor by which the image is resized first.
        blur: Sigma of the last blur, a share of the longer side.
        scales: Number of scales, an octave apart.
        orientations: Number of orientations.
        wavelength: Wavelength of the finest scale in pixels.
        bandwidth: Quotient of a filter's radial standard deviation and its
            center; 0.55 is about two octaves.
        angle: A filter's angular standard deviation in degrees.

    Raises:
        ValueError: If an argument is out of its range.
    """

    rescale: float = 1.0
    blur: float = 0.021
    scales: int = 5
    orientations: int = 4
    wavelength: float = 6.0
    bandwidth: float = 0.55
    angle: float = 37.5

    smallest_side = 32

    def _check(self) -> None:
        require(0 < self.rescale <= 4, "rescale", self.rescale, "in (0, 4]")
        require(self.blur >= 0, "blur", self.blur, "0 or more")
        for name in ("scales", "orientations"):
            value = getattr(self, name)
            require(1 <= value <= 16, name, value, "from 1 to 16")
        require(
            self.wavelength >= 2, "wavelength", self.wavelength, "2 or more"
        )
        require(
            0 < self.bandwidth < 1, "bandwidth", self.bandwidth, "in (0, 1)"
        )
        require(0 < self.angle <= 180, "angle", self.angle, "in (0, 180]")

    def _map(self, image: Array) -> Array:
        size = tuple(
            max(self.smallest_side, round(self.rescale * side))
            for side in image.shape[:2]
        )
        image = images.resize(image, size)
        total = np.zeros(size, np.float32)
        for component in _filters.principal_components(image / 255):
            scales = []
            for response in _filters.responses(component, self._bank):
                scales.append(response)
                if len(scales) == self.scales:
                    total += squared_norm(np.stack(scales))
                    scales = []
        return _stages.blur(total, self.blur * max(size))

    def _bank(self, shape):
        return _filters.log_gabor_bank(
            shape,
            self.scales,
            self.orientations,
            self.wavelength,
            self.bandwidth,
            self.angle,
        )


def squared_norm(maps: Array) -> Array:
    """Return the squared norm of each pixel's values after whitening.

    Args:
        maps: float32 array `(count, height, width)`, whitened here over the
            image.

    Returns:
        float32 array `(height, width)`, Hotelling's T^2 of each pixel. Its
        mean is the number of directions with variance.
    """
    values = maps.reshape(len(maps), -1)
    values = values - values.mean(axis=1, keepdims=True)
    variances, axes = np.linalg.eigh(
        values.astype(np.float64) @ values.T / values.shape[1]
    )
    known = variances > max(1e-6 * variances[-1], 1e-12)
    whitening = (axes[:, known] / np.sqrt(variances[known])).T
    whitened = whitening.astype(np.float32) @ values
    return (whitened**2).sum(axis=0).reshape(maps.shape[1:])
