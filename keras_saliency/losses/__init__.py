"""Losses of the paper, each a `keras.losses.Loss`: lower is better."""

from keras_saliency.losses.base import CombinedLoss, SaliencyLoss
from keras_saliency.losses.center_bias import CenterBias
from keras_saliency.losses.distribution import (
    BhattacharyyaDistance,
    BinaryCrossEntropy,
    Focal,
    KLDivergence,
    NegativeLogLikelihood,
    WeightedBinaryCrossEntropy,
)
from keras_saliency.losses.names import LOSSES, TABLE2, get
from keras_saliency.losses.perceptual import DeepFeatures, GramMatrices
from keras_saliency.losses.pixel import (
    AbsoluteError,
    ExponentialAbsoluteDifference,
    MeanSquaredError,
    MLNetMeanSquaredError,
    SigmoidMeanSquaredError,
)
from keras_saliency.losses.pooled import PooledLoss
from keras_saliency.losses.recommended import (
    MeasuredLoss,
    Recommendation,
    recommended,
)
from keras_saliency.losses.saliency import (
    CorrelationCoefficient,
    NormalizedScanpathSaliency,
)

__all__ = [
    "LOSSES",
    "TABLE2",
    "AbsoluteError",
    "BhattacharyyaDistance",
    "BinaryCrossEntropy",
    "CenterBias",
    "CombinedLoss",
    "CorrelationCoefficient",
    "DeepFeatures",
    "ExponentialAbsoluteDifference",
    "Focal",
    "GramMatrices",
    "KLDivergence",
    "MLNetMeanSquaredError",
    "MeanSquaredError",
    "MeasuredLoss",
    "NegativeLogLikelihood",
    "NormalizedScanpathSaliency",
    "PooledLoss",
    "Recommendation",
    "SaliencyLoss",
    "SigmoidMeanSquaredError",
    "WeightedBinaryCrossEntropy",
    "get",
    "recommended",
]
