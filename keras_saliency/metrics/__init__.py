"""Keras metrics, for `compile(metrics=...)`."""

from keras_saliency.metrics.loss_terms import LossTerms

__all__ = ["LossTerms"]
