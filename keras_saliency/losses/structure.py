"""Overlap and structure of maps in [0, 1], as losses: 1 less the measure."""

from typing import Any

import keras

from keras_saliency import functional
from keras_saliency._utils.types import Tensor
from keras_saliency.losses.base import PACKAGE, SaliencyLoss
from keras_saliency.losses.checks import checked


class _Overlap(SaliencyLoss):
    family = "Pixel-based"
    probabilities = True

    def __init__(self, *, threshold: float | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.threshold = (
            None
            if threshold is None
            else checked(self, "threshold", threshold, 0.0, maximum=1.0)
        )


@keras.saving.register_keras_serializable(PACKAGE)
class Dice(_Overlap):
    """1 less the soft Dice coefficient, in [0, 1].

    Args:
        threshold: Densities from this value on, in [0, 1], count as 1 and
            others as 0. By default the densities themselves count.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "dice_error"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.dice_coefficient`."""
        return 1.0 - functional.dice_coefficient(
            y_true, y_pred, threshold=self.threshold
        )


@keras.saving.register_keras_serializable(PACKAGE)
class IntersectionOverUnion(_Overlap):
    """1 less the soft intersection over union, in [0, 1].

    Args:
        threshold: As for `Dice`.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "iou_error"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.intersection_over_union`."""
        return 1.0 - functional.intersection_over_union(
            y_true, y_pred, threshold=self.threshold
        )


@keras.saving.register_keras_serializable(PACKAGE)
class StructuralSimilarity(SaliencyLoss):
    """1 less the mean structural similarity (SSIM), in [0, 2]."""

    default_name = "ssim_error"
    family = "Pixel-based"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.structural_similarity`."""
        return 1.0 - functional.structural_similarity(y_true, y_pred)
