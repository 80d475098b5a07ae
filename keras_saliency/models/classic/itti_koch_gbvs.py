"""Itti and Koch's model as the GBVS package has it."""

import dataclasses

import numpy as np

from keras_saliency._utils.types import Array
from keras_saliency.models.classic import _stages
from keras_saliency.models.classic.base import ClassicModel, require
from keras_saliency.models.classic.gbvs import check_features, feature_maps


@dataclasses.dataclass(frozen=True, kw_only=True)
class IttiKochGBVS(ClassicModel):
    """Itti, Koch & Niebur, PAMI 1998, as `ittikochmap` of the GBVS package.

    What SMILER calls IKN and pysaliency GBVSIttiKoch; `IttiKochToolbox` is
    the other "Itti-Koch". SMILER runs it with `channels="DIO"` and
    `map_side=32`. Feature maps are those of `GBVS`. The squared difference of
    a center and a surround level is normalized by N(.), which promotes maps
    with one peak over maps with many; so is each channel's sum.

    Known differences: the mean of N(.) leaves the greatest local maximum out,
    as the paper says; a local maximum is found among four neighbors. With
    channel D, see `GBVS`.

    Images below 128 pixels are enlarged.

    Args:
        channels: Letters of the feature channels, as of `GBVS`.
        levels: Center levels of the pyramid, level k at 1/2^k of the size.
        deltas: Numbers of levels from a center up to its surround levels.
        map_side: Longer side of the map. Defaults to an eighth of the
            image's.
        border: Pixels of the sum over which it is faded to the edges.
        blur: Sigma of the last blur, a share of the map's longer side.

    Raises:
        ValueError: If an argument is out of its range.
    """

    channels: str = "CIO"
    levels: tuple[int, ...] = (2, 3)
    deltas: tuple[int, ...] = (2,)
    map_side: int | None = None
    border: int = 4
    blur: float = 0.03

    smallest_side = 128

    def _check(self) -> None:
        check_features(self.channels, self._all_levels(), self.map_side or 32)
        require(
            self.deltas and min(self.deltas) >= 1,
            "deltas",
            self.deltas,
            "numbers from 1",
        )
        require(self.border >= 0, "border", self.border, "0 or more")
        require(self.blur >= 0, "blur", self.blur, "0 or more")

    def _all_levels(self):
        surrounds = {c + d for c in self.levels for d in self.deltas}
        return tuple(sorted({*self.levels, *surrounds}))

    def _map(self, image: Array) -> Array:
        size = image.shape[:2]
        size = _stages.map_size(size, self.map_side or round(max(size) / 8))
        maps = feature_maps(image / 255, self.channels, self._all_levels())
        total = np.zeros(size, np.float32)
        for channel in maps.values():
            resized = {
                level: [_stages.resize(map_, size) for map_ in level_maps]
                for level, level_maps in channel.items()
            }
            conspicuity = np.zeros(size, np.float32)
            for level in self.levels:
                for delta in self.deltas:
                    for center, surround in zip(
                        resized[level], resized[level + delta], strict=True
                    ):
                        conspicuity += _stages.normalize_itti(
                            (center - surround) ** 2
                        )
            total += _stages.normalize_itti(conspicuity)
        return _stages.finished(total, self.border, self.blur)
