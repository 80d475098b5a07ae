"""Models of saliency, and what they are made of."""

from keras_saliency.models.baseline import Baseline
from keras_saliency.models.saliency_model import SaliencyModel

MODELS = {"baseline": Baseline}

__all__ = ["MODELS", "Baseline", "SaliencyModel"]
