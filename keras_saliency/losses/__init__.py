"""Losses, each a `keras.losses.Loss`: lower is better."""

from keras_saliency.losses.base import CombinedLoss, SaliencyLoss
from keras_saliency.losses.center_bias import CenterBias
from keras_saliency.losses.distances import (
    ChiSquared,
    CosineDistance,
    InformationGain,
    JensenShannon,
    SinkhornDivergence,
    TotalVariation,
)
from keras_saliency.losses.distribution import (
    BhattacharyyaDistance,
    BinaryCrossEntropy,
    Focal,
    KLDivergence,
    NegativeLogLikelihood,
    WeightedBinaryCrossEntropy,
)
from keras_saliency.losses.names import LATER, LOSSES, TABLE2, get
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
    BoundedScanpathSaliency,
    CorrelationCoefficient,
    NormalizedScanpathSaliency,
    SelectiveFixationError,
    Similarity,
    SoftAUC,
)
from keras_saliency.losses.structure import (
    Dice,
    IntersectionOverUnion,
    StructuralSimilarity,
)

__all__ = [
    "LATER",
    "LOSSES",
    "TABLE2",
    "AbsoluteError",
    "BhattacharyyaDistance",
    "BinaryCrossEntropy",
    "BoundedScanpathSaliency",
    "CenterBias",
    "ChiSquared",
    "CombinedLoss",
    "CorrelationCoefficient",
    "CosineDistance",
    "DeepFeatures",
    "Dice",
    "ExponentialAbsoluteDifference",
    "Focal",
    "GramMatrices",
    "InformationGain",
    "IntersectionOverUnion",
    "JensenShannon",
    "KLDivergence",
    "MLNetMeanSquaredError",
    "MeanSquaredError",
    "MeasuredLoss",
    "NegativeLogLikelihood",
    "NormalizedScanpathSaliency",
    "PooledLoss",
    "Recommendation",
    "SaliencyLoss",
    "SelectiveFixationError",
    "SigmoidMeanSquaredError",
    "Similarity",
    "SinkhornDivergence",
    "SoftAUC",
    "StructuralSimilarity",
    "TotalVariation",
    "WeightedBinaryCrossEntropy",
    "get",
    "recommended",
]
