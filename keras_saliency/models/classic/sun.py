"""Saliency using natural statistics."""

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
class SUN(ClassicModel):
    """Saliency Using Natural statistics, Zhang et al. 2008.

    Journal of Vision 8(7):32, the model with features of independent
    component analysis. A re-implementation from the paper.

    362 filters of 11x11 pixels respond to the patch about a pixel. The
    saliency is the patch's self-information in natural images, not in this
    one: `sum_i |f_i / sigma_i| ** theta_i` up to a constant, where sigma and
    theta are those of a generalized Gaussian that was fitted to each
    filter's responses to natural patches.

    Known differences: the filters and the statistics are our own
    (`natural_bases.txt` beside this file says what they were learned from),
    not those of the authors' photos of Kyoto and with FastICA. The image goes
    on as its mirror image beyond its edges. Larger images are reduced.

    Args:
        longest: Longer side in pixels that larger images are reduced to.
        blur: Sigma of a last blur, a share of the longer side; the paper has
            none.

    Raises:
        ValueError: If an argument is out of its range.
    """

    longest: int = 256
    blur: float = 0.0

    smallest_side = 32

    def _check(self) -> None:
        require_longest(self.longest, least=32)
        require(self.blur >= 0, "blur", self.blur, "0 or more")

    def _map(self, image: Array) -> Array:
        image = _stages.reduced(image, self.longest)
        size = image.shape[:2]
        if _stages.is_constant(image):
            return np.zeros(size, np.float32)
        bank = (
            _bases.load("sun") / _bases.load("sun_scale")[:, None, None, None]
        )
        strips = _bases.responses(image / 255, bank)
        sums = [(np.abs(f) ** _bases.load("sun_shape")).sum(1) for f in strips]
        total = np.concatenate(sums).reshape(size)
        return _stages.min_max(_stages.blur(total, self.blur * max(size)))
