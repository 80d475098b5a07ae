"""Features of a frozen backbone, computed once and kept on disk."""

from keras_saliency.features.cache import CachedFeatures, cache_features

__all__ = ["CachedFeatures", "cache_features"]
