"""Feature extractors: RGB images in, feature maps out."""

from keras_saliency.models.backbones.build import build
from keras_saliency.models.backbones.hub import hub_backbone

__all__ = ["build", "hub_backbone"]
