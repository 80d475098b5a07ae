"""Keras layers; each can be used alone."""

from keras_saliency.layers.aspp import ASPP
from keras_saliency.layers.attentive_conv_lstm import AttentiveConvLSTM
from keras_saliency.layers.clipped_rescaling import ClippedRescaling
from keras_saliency.layers.density_head import DensityHead
from keras_saliency.layers.density_output import DensityOutput
from keras_saliency.layers.gaussian_smoothing import GaussianSmoothing
from keras_saliency.layers.image_net_preprocessing import (
    ImageNetPreprocessing,
)
from keras_saliency.layers.learned_gaussian_prior import LearnedGaussianPrior
from keras_saliency.layers.local_response_normalization import (
    LocalResponseNormalization,
)
from keras_saliency.layers.maxout import Maxout
from keras_saliency.layers.multiplicative_prior import MultiplicativePrior
from keras_saliency.layers.recovering_relu import RecoveringReLU
from keras_saliency.layers.rms_scaling import RMSScaling
from keras_saliency.layers.saliency_head import SaliencyHead
from keras_saliency.layers.spatial_lstm import SpatialLSTM
from keras_saliency.layers.weight_normalized_conv2d import (
    WeightNormalizedConv2D,
)

__all__ = [
    "ASPP",
    "AttentiveConvLSTM",
    "ClippedRescaling",
    "DensityHead",
    "DensityOutput",
    "GaussianSmoothing",
    "ImageNetPreprocessing",
    "LearnedGaussianPrior",
    "LocalResponseNormalization",
    "Maxout",
    "MultiplicativePrior",
    "RMSScaling",
    "RecoveringReLU",
    "SaliencyHead",
    "SpatialLSTM",
    "WeightNormalizedConv2D",
]
