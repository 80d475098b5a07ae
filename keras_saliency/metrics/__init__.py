"""Keras metrics, for `compile(metrics=...)`."""

from keras_saliency.metrics.base import SaliencyMetric
from keras_saliency.metrics.distribution import KLDivergence
from keras_saliency.metrics.loss_terms import LossTerms
from keras_saliency.metrics.saliency import (
    AUCBorji,
    AUCJudd,
    CorrelationCoefficient,
    NormalizedScanpathSaliency,
    Similarity,
)

METRICS: dict[str, type[SaliencyMetric]] = {
    "cc": CorrelationCoefficient,
    "sim": Similarity,
    "auc_judd": AUCJudd,
    "auc_borji": AUCBorji,
    "nss": NormalizedScanpathSaliency,
    "kl": KLDivergence,
}

__all__ = [
    "METRICS",
    "AUCBorji",
    "AUCJudd",
    "CorrelationCoefficient",
    "KLDivergence",
    "LossTerms",
    "NormalizedScanpathSaliency",
    "SaliencyMetric",
    "Similarity",
]
