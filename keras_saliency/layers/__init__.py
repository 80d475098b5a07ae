"""Keras layers of the package; each can be used alone."""

from keras_saliency.layers.aspp import ASPP
from keras_saliency.layers.gaussian_smoothing import GaussianSmoothing
from keras_saliency.layers.recovering_relu import RecoveringReLU
from keras_saliency.layers.rms_scaling import RMSScaling
from keras_saliency.layers.saliency_head import SaliencyHead

__all__ = [
    "ASPP",
    "GaussianSmoothing",
    "RMSScaling",
    "RecoveringReLU",
    "SaliencyHead",
]
