"""Attention by information maximization."""

import dataclasses

import numpy as np

from keras_saliency._utils.types import Array
from keras_saliency.models.classic import _bases, _stages
from keras_saliency.models.classic.base import (
    ClassicModel,
    require,
    require_longest,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AIM(ClassicModel):
    """Attention based on Information Maximization, Bruce & Tsotsos 2009.

    Journal of Vision 9(3):5; first in NIPS 2005. A re-implementation from the
    papers.

    The responses of filters that independent component analysis has found in
    natural patches are independent, so that the likelihood of a patch is the
    product of theirs. Each is estimated by a Parzen window from the responses
    to all of this image, and the saliency is the self-information
    `-sum_k log p(w_k)` of the patch about a pixel. A blur of about one degree
    stands for the fall of acuity.

    Known differences: the filters are our own (`natural_bases.txt` beside
    this file says what they were learned from): 21x21 pixels, FastICA after a
    PCA that keeps 95 % of the variance, where the authors have JADE and
    infomax and other photos. The image goes on as its mirror image beyond its
    edges, where the authors' map has its minimum. Larger images are reduced;
    the authors halve those of benchmarks.

    Args:
        longest: Longer side in pixels that larger images are reduced to.
        bins: Number of places at which a density is estimated.
        bandwidth: Sigma of the Parzen window, a share of the range of a
            filter's responses.
        blur: Sigma of the last blur, a share of the longer side.

    Raises:
        ValueError: If an argument is out of its range.
    """

    longest: int = 512
    bins: int = 100
    bandwidth: float = 0.01
    blur: float = 0.03

    smallest_side = 64

    def _check(self) -> None:
        require_longest(self.longest, least=32)
        require(2 <= self.bins <= 10000, "bins", self.bins, "from 2 to 10000")
        require(
            0 <= self.bandwidth <= 1, "bandwidth", self.bandwidth, "in [0, 1]"
        )
        require(self.blur >= 0, "blur", self.blur, "0 or more")

    def _map(self, image: Array) -> Array:
        image = _stages.reduced(image, self.longest)
        size = image.shape[:2]
        total = np.zeros(size, np.float32)
        if _stages.is_constant(image):
            return total
        for response in _bases.maps(image / 255, _bases.load("aim")):
            total += self_information(response, self.bins, self.bandwidth)
        return _stages.min_max(_stages.blur(total, self.blur * max(size)))


def self_information(map_: Array, bins: int, bandwidth: float) -> Array:
    """Return -log(p) of each value, p by a Parzen window over all values.

    Args:
        map_: float32 array `(height, width)`.
        bins: Number of places between the least and the greatest value at
            which p is estimated.
        bandwidth: Sigma of the Gaussian window, a share of that range.

    Returns:
        float32 array `(height, width)`, in nats, p being the probability of
        a bin.
    """
    scaled = _stages.min_max(map_)
    numbers = np.minimum((scaled * bins).astype(np.intp), bins - 1)
    counts = np.bincount(numbers.ravel(), minlength=bins)
    if bandwidth > 0:
        distances = np.subtract.outer(np.arange(bins), np.arange(bins)) / bins
        window = np.exp(-((distances / bandwidth) ** 2) / 2)
        # All of a window lies within the range.
        counts = (window / window.sum(axis=0)) @ counts
    information = -np.log(np.maximum(counts, 1e-6) / map_.size)
    return information.astype(np.float32)[numbers]
