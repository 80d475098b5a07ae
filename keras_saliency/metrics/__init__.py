"""Keras metrics, for `compile(metrics=...)`."""

from keras_saliency.metrics.base import SaliencyMetric
from keras_saliency.metrics.loss_terms import LossTerms
from keras_saliency.metrics.saliency import (
    CC,
    NSS,
    SIM,
    AUCBorji,
    AUCJudd,
    KLDivergence,
)

METRICS = {
    "cc": CC,
    "sim": SIM,
    "auc_judd": AUCJudd,
    "auc_borji": AUCBorji,
    "nss": NSS,
    "kl": KLDivergence,
}

__all__ = [
    "CC",
    "METRICS",
    "NSS",
    "SIM",
    "AUCBorji",
    "AUCJudd",
    "KLDivergence",
    "LossTerms",
    "SaliencyMetric",
]
