"""Rarity in color and orientation at several scales."""

import dataclasses

import numpy as np

from keras_saliency import images
from keras_saliency._utils.types import Array
from keras_saliency.models.classic import _filters, _stages
from keras_saliency.models.classic.base import ClassicModel, require
from keras_saliency.models.classic.center_bias import gaussian


@dataclasses.dataclass(frozen=True, kw_only=True)
class RARE2012(ClassicModel):
    """Riche et al., Signal Processing: Image Communication 28(6), 2013.

    A re-implementation from the published description; the authors'
    algorithm is distributed as an encrypted file, so its maps cannot be
    compared stage by stage. Numbers of orientations, scales and levels and
    both thresholds are those of the authors' `genParams`.

    The colors are decorrelated (PCA). Of each component, the values and the
    magnitudes of a Gabor bank are features. A feature's rarity is the self
    information -log(p) of its values in their histogram, the mean over the
    levels of a pyramid. Maps are fused by their efficiency
    `(max - mean) ** 2` of maps scaled to [0, 1]: those below a share of the
    best are left out, the others are added with their efficiency times
    rank / count as weight. Fused are the orientations of a scale, the
    scales, color with orientation, and the components.

    The authors' README says that the raw result is not what the paper
    measures: it must be blurred and, for data like MIT1003, a centered
    Gaussian be added. `RARE2012(blur=0.04, center=1.0)` does that; how much
    of each is not published, these were chosen on validation images.

    Known differences: the image is reduced to `longest` pixels first; the
    number of bins, the pyramid's filter and the finest frequency of the bank
    are not published. Where a component is constant it is left out.

    Args:
        orientations: Number of orientations of the Gabor bank.
        scales: Number of scales of the Gabor bank.
        levels: Number of levels of the pyramid in which rarity is measured.
        gabor_threshold: Share of the best efficiency below which an
            orientation or a scale is left out.
        inter_threshold: The same for the other fusions.
        bins: Number of bins of the histograms.
        longest: Longer side in pixels that larger images are reduced to.
        blur: Sigma of the low-pass filter, a share of the longer side.
        center: Weight of the centered Gaussian added to the map in [0, 1].

    Raises:
        ValueError: If an argument is out of its range.
    """

    orientations: int = 8
    scales: int = 3
    levels: int = 4
    gabor_threshold: float = 0.3
    inter_threshold: float = 0.3
    bins: int = 32
    longest: int = 320
    blur: float = 0.0
    center: float = 0.0

    smallest_side = 64

    def _check(self) -> None:
        for name in ("orientations", "scales", "levels"):
            value = getattr(self, name)
            require(1 <= value <= 16, name, value, "from 1 to 16")
        for name in ("gabor_threshold", "inter_threshold"):
            value = getattr(self, name)
            require(0 <= value <= 1, name, value, "in [0, 1]")
        require(2 <= self.bins <= 256, "bins", self.bins, "from 2 to 256")
        require(self.longest >= 64, "longest", self.longest, "64 or more")
        require(self.blur >= 0, "blur", self.blur, "0 or more")
        require(self.center >= 0, "center", self.center, "0 or more")

    def _map(self, image: Array) -> Array:
        image = _stages.reduced(image, self.longest)
        components = [
            fuse(
                [self._rarity(component), self._orientation(component)],
                self.inter_threshold,
            )
            for component in _filters.principal_components(image / 255)
        ]
        size = image.shape[:2]
        map_: Array = np.zeros(size, np.float32)
        if components:
            map_ = fuse(components, self.inter_threshold)
        map_ = _stages.min_max(_stages.blur(map_, self.blur * max(size)))
        if self.center:
            map_ = map_ + self.center * gaussian(size)
        return map_

    def _orientation(self, component):
        """Return the fused rarity of the Gabor bank's magnitudes."""
        maps = [
            self._rarity(response)
            for response in _filters.responses(component, self._bank)
        ]
        count = self.orientations
        scales = [
            fuse(maps[i : i + count], self.gabor_threshold)
            for i in range(0, len(maps), count)
        ]
        return fuse(scales, self.gabor_threshold)

    def _bank(self, shape):
        return _filters.gabor_bank(shape, self.scales, self.orientations, 0.25)

    def _rarity(self, map_):
        return rarity(map_, self.levels, self.bins)


def rarity(map_: Array, levels: int, bins: int) -> Array:
    """Return the mean self information of values over levels of a pyramid.

    Args:
        map_: float32 array `(height, width)`.
        levels: Number of levels, each half the size of the one before.
        bins: Number of bins between a level's least and greatest value.

    Returns:
        float32 array `(height, width)`, in nats.
    """
    size = map_.shape
    total = np.zeros(size, np.float32)
    for level in range(levels):
        if level:
            map_ = _stages.halved(map_)
        total += images.resize(self_information(map_, bins), size)
    return total / levels


def self_information(map_: Array, bins: int) -> Array:
    """Return -log(p) of each value, p taken from the histogram of all."""
    scaled = _stages.min_max(map_)
    numbers = np.minimum((scaled * bins).astype(np.intp), bins - 1)
    counts = np.bincount(numbers.ravel(), minlength=bins)
    information = -np.log(np.maximum(counts, 1) / map_.size)
    return information.astype(np.float32)[numbers]


def fuse(maps: list[Array], threshold: float) -> Array:
    """Fuse maps by their efficiency; see `RARE2012`.

    Args:
        maps: List of maps of one size.
        threshold: Share of the best efficiency below which a map is left out.

    Returns:
        float32 map of that size, not negative.
    """
    maps = [_stages.min_max(map_) for map_ in maps]
    efficiency = np.array([(m.max() - m.mean()) ** 2 for m in maps])
    order = np.argsort(efficiency, kind="stable")
    total = np.zeros(maps[0].shape, np.float32)
    for rank, i in enumerate(order, 1):
        if efficiency[i] >= threshold * efficiency[order[-1]]:
            total += np.float32(efficiency[i] * rank / len(maps)) * maps[i]
    return total
