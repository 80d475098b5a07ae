"""Trained models by name: which there are, and ready-made from a file.

A file is looked for where `find` says, verified by its SHA-256 checksum, and
downloaded only if an address was given. It holds what was trained here; a
network on a backbone is assembled with the backbone's weights from Keras.
"""

from keras_saliency.weights.assembly import load
from keras_saliency.weights.files import WeightsError, find
from keras_saliency.weights.manifest import BUNDLED, Entry, list

__all__ = ["BUNDLED", "Entry", "WeightsError", "find", "list", "load"]
