"""Saliency-inspired losses (paper, section 3.2.3): negated metrics."""

import keras

from keras_saliency import functional
from keras_saliency._utils.types import Tensor
from keras_saliency.losses.base import PACKAGE, SaliencyLoss


class _SaliencyInspiredLoss(SaliencyLoss):
    family = "Saliency-inspired"


@keras.saving.register_keras_serializable(PACKAGE)
class NormalizedScanpathSaliency(_SaliencyInspiredLoss):
    """NSS (eq. 11), negated: its value in logs, `neg_nss`, falls below 0.

    It is a mean over fixations, as the metric and SAM have it.
    """

    default_name = "neg_nss"
    target = "fixations"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.normalized_scanpath_saliency`."""
        return -functional.normalized_scanpath_saliency(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class CorrelationCoefficient(_SaliencyInspiredLoss):
    """CC (eq. 12), negated: its value in logs, `neg_cc`, is in [-1, 1]."""

    default_name = "neg_cc"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.correlation_coefficient`."""
        return -functional.correlation_coefficient(y_true, y_pred)
