"""Saliency-inspired losses (paper, section 3.2.3): negated metrics."""

import keras

from keras_saliency import functional
from keras_saliency.losses.base import PACKAGE, SaliencyLoss


class _SaliencyInspiredLoss(SaliencyLoss):
    family = "Saliency-inspired"


@keras.saving.register_keras_serializable(PACKAGE)
class NormalizedScanpathSaliency(_SaliencyInspiredLoss):
    """NSS (eq. 11), negated: its value in logs, `neg_nss`, falls below 0.

    It is a mean over fixations, as the metric and SAM have it.

    See `SaliencyLoss` for targets and shapes, `keras.losses.Loss` for
    `reduction`, `name` and `dtype`.
    """

    target = "fixations"

    def __init__(
        self, reduction="sum_over_batch_size", name="neg_nss", dtype=None
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)

    def compute(self, y_true, y_pred):
        """See `functional.normalized_scanpath_saliency`."""
        return -functional.normalized_scanpath_saliency(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class CorrelationCoefficient(_SaliencyInspiredLoss):
    """CC (eq. 12), negated: its value in logs, `neg_cc`, is in [-1, 1].

    See `SaliencyLoss` for targets and shapes, `keras.losses.Loss` for
    `reduction`, `name` and `dtype`.
    """

    def __init__(
        self, reduction="sum_over_batch_size", name="neg_cc", dtype=None
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)

    def compute(self, y_true, y_pred):
        """See `functional.correlation_coefficient`."""
        return -functional.correlation_coefficient(y_true, y_pred)
