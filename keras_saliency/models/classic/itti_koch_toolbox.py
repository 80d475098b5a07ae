"""Itti and Koch's model with the SaliencyToolbox's parameters."""

import dataclasses
import functools
from typing import Any

import numpy as np

from keras_saliency._utils.types import Array
from keras_saliency.models.classic import _stages
from keras_saliency.models.classic.base import ClassicModel, require

_ANGLES = (0, 45, 90, 135)


@dataclasses.dataclass(frozen=True, kw_only=True)
class IttiKochToolbox(ClassicModel):
    """Itti, Koch & Niebur 1998 with the parameters of the SaliencyToolbox.

    The toolbox is by Walther & Koch, Neural Networks 2006; pysaliency calls
    it IttiKoch. `IttiKochGBVS` is the other "Itti-Koch". Written from the
    papers, not from the toolbox, whose license forbids that.

    Color (red-green and blue-yellow), intensity and four orientations are
    compared between a center level c and a surround level c + d of a pyramid.
    The differences, at the center's size, are brought to one level and
    normalized by iterations of a difference of Gaussians (Itti & Koch,
    Vision Research 2000, section 2.3), which leaves few peaks of many; so are
    the sums of a feature and of a channel.

    Known differences: differences are taken at the size of the center level,
    as in the paper of 1998; the toolbox takes them at the size of the map.
    The long kernels end at three standard deviations.

    The map is 1/16 of the image and sparse: most of it is zero. Metrics of
    whole distributions (SIM, KL) want it blurred, which the toolbox does not
    do. Images below 128 pixels are enlarged.

    Args:
        centers: Center levels, level k at 1/2^k of the size.
        deltas: Numbers of levels from a center up to its surround levels.
        level: Level of the map.
        darkest: Value in [0, 1] of the largest channel below which a pixel
            has no color.
        iterations: Number of iterations of the normalization.
        blur: Sigma of a last blur, a share of the longer side.

    Raises:
        ValueError: If an argument is out of its range.
    """

    centers: tuple[int, ...] = (2, 3, 4)
    deltas: tuple[int, ...] = (3, 4)
    level: int = 4
    darkest: float = 0.1
    iterations: int = 3
    blur: float = 0.0

    smallest_side = 128

    def _check(self) -> None:
        for name in ("centers", "deltas"):
            values = getattr(self, name)
            require(
                values and all(1 <= value <= 8 for value in values),
                name,
                values,
                "numbers from 1 to 8",
            )
        require(1 <= self.level <= 8, "level", self.level, "from 1 to 8")
        require(0 <= self.darkest < 1, "darkest", self.darkest, "in [0, 1)")
        require(
            self.iterations >= 0, "iterations", self.iterations, "0 or more"
        )
        require(self.blur >= 0, "blur", self.blur, "0 or more")

    def _map(self, image: Array) -> Array:
        image = image / 255
        intensity = image.mean(axis=-1)
        highest = max(self.centers) + max(self.deltas)
        size = tuple(-(-side // 2**self.level) for side in intensity.shape)
        stages = _stages.pyramid(intensity, highest)
        channels: list[list[Any]] = [
            [
                _stages.pyramid(opponent, highest)
                for opponent in _stages.opponents(image, self.darkest)
            ],
            [stages],
            [
                [None] * min(self.centers)
                + [
                    _stages.gabor_energy(stage, angle, 7 / 3, 1.0, 7.0, 4)
                    for stage in stages[min(self.centers) :]
                ]
                for angle in _ANGLES
            ],
        ]
        total = np.zeros(size, np.float32)
        for features in channels:
            conspicuity = np.zeros(size, np.float32)
            for pyramid in features:
                conspicuity += self._feature(pyramid, size)
            total += iterate(conspicuity, self.iterations)
        return _stages.blur(total, self.blur * max(size))

    def _feature(self, pyramid, size):
        """Return the normalized sum of a feature's differences."""
        total = np.zeros(size, np.float32)
        for c in self.centers:
            center = pyramid[c]
            for d in self.deltas:
                surround = _stages.resize(pyramid[c + d], center.shape)
                difference = np.abs(center - surround)
                border = round(max(center.shape) / 20)
                difference = _stages.attenuate_borders(difference, border)
                total += iterate(
                    np.maximum(_stages.resize(difference, size), 0),
                    self.iterations,
                )
        return iterate(total, self.iterations)


def iterate(map_: Array, iterations: int) -> Array:
    """Normalize a map iteratively, Itti & Koch 2000, section 2.3.

    The map is scaled to [0, 1]. Each iteration adds its convolution with a
    difference of Gaussians (excitation of weight 0.5 and sigma 2 % of the
    longer side, inhibition of 1.5 and 25 %) less 2 % of its maximum, and
    sets what is negative to zero. At the edges the part of a Gaussian that
    lies inside counts as the whole.
    """
    map_ = _stages.min_max(map_)
    side = max(map_.shape)
    for _ in range(iterations):
        excitation = 0.5**2 * _inside(map_, 0.02 * side)
        inhibition = 1.5**2 * _inside(map_, 0.25 * side)
        inhibition += 0.02 * map_.max()
        map_ = np.maximum(map_ + excitation - inhibition, 0)
    return map_


def _inside(map_, sigma):
    """Return the Gaussian mean of the pixels inside, within three sigma."""
    for axis in (0, 1):
        weights = _weights(map_.shape[axis], sigma)
        map_ = weights @ map_ if axis == 0 else map_ @ weights.T
    return map_


@functools.lru_cache(maxsize=16)
def _weights(size, sigma):
    distance = np.subtract.outer(np.arange(size), np.arange(size))
    weights = np.exp(-(distance**2) / (2 * sigma**2))
    weights[np.abs(distance) > max(1, round(3 * sigma))] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)
