"""Models as files that other programs run."""

from keras_saliency.models.exports.export import FORMATS, PRECISIONS, export

__all__ = ["FORMATS", "PRECISIONS", "export"]
