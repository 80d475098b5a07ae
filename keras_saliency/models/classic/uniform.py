"""The lowest floor: the same value at every pixel."""

import dataclasses

import numpy as np

from keras_saliency._utils.types import Array
from keras_saliency.models.classic.base import ClassicModel


@dataclasses.dataclass(frozen=True, kw_only=True)
class Uniform(ClassicModel):
    """1 everywhere: chance, with 0.5 in every AUC and 0 in CC and NSS."""

    def _map(self, image: Array) -> Array:
        return np.ones(image.shape[:2], np.float32)
