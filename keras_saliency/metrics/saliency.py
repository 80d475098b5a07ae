"""The benchmark's measures of saliency as streaming Keras metrics.

The earth mover's distance has no streaming form: the callback
`SaliencyMetrics` computes it, with the six others, on validation data.
"""

from typing import Any

import keras
from keras import ops

from keras_saliency import functional
from keras_saliency._utils.types import Tensor
from keras_saliency.functional.maps import pixel_count
from keras_saliency.metrics.base import PACKAGE, SaliencyMetric


@keras.saving.register_keras_serializable(PACKAGE, name="CC")
class CorrelationCoefficient(SaliencyMetric):
    """Pearson's correlation coefficient; higher is better, 1 at most.

    See `SaliencyMetric`, and `evaluation.cc` for the definition.
    """

    default_name = "cc"

    def defined(self, truth: Tensor) -> Tensor:
        """Return whether the density varies: else it has no correlation."""
        return ops.max(truth, axis=(1, 2, 3)) > ops.min(truth, axis=(1, 2, 3))

    def compute(self, truth: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.correlation_coefficient`."""
        return functional.correlation_coefficient(truth, y_pred)


@keras.saving.register_keras_serializable(PACKAGE, name="SIM")
class Similarity(SaliencyMetric):
    """Similarity of the distributions; higher is better, 1 at most.

    See `SaliencyMetric`, and `evaluation.sim` for the definition.
    """

    default_name = "sim"

    def compute(self, truth: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.similarity`."""
        return functional.similarity(truth, y_pred)


@keras.saving.register_keras_serializable(PACKAGE, name="NSS")
class NormalizedScanpathSaliency(SaliencyMetric):
    """Normalized scanpath saliency; higher is better, 0 is chance.

    See `SaliencyMetric`, and `evaluation.nss` for the definition: each fixated
    pixel counts once, the standard deviation has N - 1.
    """

    default_name = "nss"
    target = "fixations"

    def compute(self, truth: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.normalized_scanpath_saliency`."""
        pixels = pixel_count(truth)
        fixated = ops.cast(truth > 0, "float32")
        value = functional.normalized_scanpath_saliency(fixated, y_pred)
        return value * ((pixels - 1) / pixels) ** 0.5


@keras.saving.register_keras_serializable(PACKAGE)
class AUCJudd(SaliencyMetric):
    """Area under Judd's ROC curve; higher is better, 0.5 is chance.

    It sorts all pixels of a map: cheap at a network's output, slow at the
    size of the image.

    See `SaliencyMetric`, and `evaluation.auc_judd` for the definition.
    """

    default_name = "auc_judd"
    target = "fixations"

    def defined(self, truth: Tensor) -> Tensor:
        """Return whether there are fixated pixels and others."""
        share = ops.mean(ops.cast(truth > 0, "float32"), axis=(1, 2, 3))
        return ops.logical_and(share > 0, share < 1)

    def compute(self, truth: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.auc_judd`."""
        return functional.auc_judd(truth, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class AUCBorji(SaliencyMetric):
    """Area under Borji's ROC curve; higher is better, 0.5 is chance.

    See `SaliencyMetric`, and `evaluation.auc_borji` for the definition.

    Args:
        step: Distance of the thresholds.
        **kwargs: See `SaliencyMetric`.
    """

    default_name = "auc_borji"
    target = "fixations"

    def __init__(self, *, step: float = 0.1, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 < step <= 1:
            raise ValueError(
                "AUCBorji: step must be above 0 and at most 1, "
                f"received {step!r}."
            )
        self.step = step

    def compute(self, truth: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.auc_borji`."""
        return functional.auc_borji(truth, y_pred, step=self.step)
