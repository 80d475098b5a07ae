"""Models of saliency from before deep learning, and the floors.

They need no weights and no training, and are called as the deep models are.
"""

from keras_saliency.models.classic.aim import AIM
from keras_saliency.models.classic.aws import AWS
from keras_saliency.models.classic.base import ClassicModel
from keras_saliency.models.classic.boolean_map_saliency import (
    BooleanMapSaliency,
)
from keras_saliency.models.classic.center_bias import CenterBias
from keras_saliency.models.classic.gbvs import GBVS
from keras_saliency.models.classic.image_signature import ImageSignature
from keras_saliency.models.classic.itti_koch_gbvs import IttiKochGBVS
from keras_saliency.models.classic.itti_koch_toolbox import IttiKochToolbox
from keras_saliency.models.classic.rare2012 import RARE2012
from keras_saliency.models.classic.spectral_residual import SpectralResidual
from keras_saliency.models.classic.sun import SUN
from keras_saliency.models.classic.uniform import Uniform

# Every class makes a model without arguments.
CLASSIC = {
    "itti_koch": IttiKochGBVS,
    "itti_koch_toolbox": IttiKochToolbox,
    "gbvs": GBVS,
    "rare2012": RARE2012,
    "aws": AWS,
    "spectral_residual": SpectralResidual,
    "aim": AIM,
    "sun": SUN,
    "image_signature": ImageSignature,
    "bms": BooleanMapSaliency,
    "center_bias": CenterBias,
    "uniform": Uniform,
}

__all__ = [
    "AIM",
    "AWS",
    "BooleanMapSaliency",
    "CLASSIC",
    "CenterBias",
    "ClassicModel",
    "GBVS",
    "ImageSignature",
    "IttiKochGBVS",
    "IttiKochToolbox",
    "RARE2012",
    "SUN",
    "SpectralResidual",
    "Uniform",
]
