"""Feature extractors: RGB images in, feature maps out."""

from keras_saliency.models.backbones.build import build

__all__ = ["build"]
