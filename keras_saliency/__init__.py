"""Train, compare and use models of where people look, in Keras 3."""

# First: it is about what the import of Keras writes.
from keras_saliency._utils import startup  # noqa: F401  # isort: skip

from keras_saliency import (
    callbacks,
    datasets,
    evaluation,
    experiments,
    functional,
    layers,
    losses,
    metrics,
    models,
    plot,
    targets,
    weights,
)
from keras_saliency._version import __version__
from keras_saliency.features import CachedFeatures, cache_features
from keras_saliency.prediction import predict

__all__ = [
    "CachedFeatures",
    "__version__",
    "cache_features",
    "callbacks",
    "datasets",
    "evaluation",
    "experiments",
    "functional",
    "layers",
    "losses",
    "metrics",
    "models",
    "plot",
    "predict",
    "targets",
    "weights",
]
