"""Saliency-inspired losses: the paper's (section 3.2.3), and later ones."""

from typing import Any

import keras

from keras_saliency import functional, targets
from keras_saliency._utils.types import Tensor
from keras_saliency.functional.saliency import SMALLEST_MARGIN
from keras_saliency.losses.base import PACKAGE, SaliencyLoss
from keras_saliency.losses.checks import checked


class _SaliencyInspiredLoss(SaliencyLoss):
    family = "Saliency-inspired"


@keras.saving.register_keras_serializable(PACKAGE)
class NormalizedScanpathSaliency(_SaliencyInspiredLoss):
    """NSS (eq. 11), negated: its value in logs, `neg_nss`, falls below 0.

    It is a mean over fixations, as the metric and SAM have it.
    """

    default_name = "neg_nss"
    target = "fixations"
    lower_bound = -float("inf")

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.normalized_scanpath_saliency`."""
        return -functional.normalized_scanpath_saliency(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class CorrelationCoefficient(_SaliencyInspiredLoss):
    """CC (eq. 12), negated: its value in logs, `neg_cc`, is in [-1, 1]."""

    default_name = "neg_cc"
    lower_bound = -1.0

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.correlation_coefficient`."""
        return -functional.correlation_coefficient(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class Similarity(_SaliencyInspiredLoss):
    """SIM, negated: its value in logs, `neg_sim`, is in [-1, 0].

    Both maps are scaled from their minimum and maximum before they are divided
    by their sum, as in the metric and in the codes of TranSalNet, SUM and
    UMSI++.
    """

    default_name = "neg_sim"
    lower_bound = -1.0

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.similarity`."""
        return -functional.similarity(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class BoundedScanpathSaliency(_SaliencyInspiredLoss):
    """EML-NET's NSS: how far the NSS is below its highest value.

    Not negative: the NSS of the fixation map itself, less that of the
    prediction. It trains as `NormalizedScanpathSaliency` does; its bound is
    what weights that are learned need.
    """

    default_name = "eml_nss"
    target = "fixations"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.bounded_scanpath_saliency`."""
        return functional.bounded_scanpath_saliency(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class SelectiveFixationError(_SaliencyInspiredLoss):
    """SalFBNet's sFNE: squared error of standardized maps, of two means.

    One is the mean at the fixations, one that at all other pixels. It compares
    with both channels of the target.
    """

    default_name = "sfne"
    target = "fixations"

    def _per_image(
        self, y_true: Tensor, y_pred: Tensor, shared: dict[Any, Any]
    ) -> Tensor:
        fixations = targets.fixations(y_true, self.name)
        return functional.selective_fixation_error(
            targets.density(y_true), fixations, y_pred
        )


@keras.saving.register_keras_serializable(PACKAGE)
class SoftAUC(_SaliencyInspiredLoss):
    """1 less the area under the ROC curve with soft comparisons, in [0, 1].

    The mean over pairs of a fixation and a pixel that is not fixated of how far
    the two are in the wrong order; 0.5 for a constant map.

    Args:
        margin: Difference beyond which a pair counts wholly, in standard
            deviations of the map; 0.001 to 100.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "auc_error"
    target = "fixations"

    def __init__(self, *, margin: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.margin = checked(
            self, "margin", margin, SMALLEST_MARGIN, maximum=100.0
        )

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.soft_auc`."""
        return 1.0 - functional.soft_auc(y_true, y_pred, margin=self.margin)
