"""Published weights: which there are, and the files.

A file is looked for where `find` says, verified by its SHA-256 checksum, and
downloaded only if an address was given. `models.get` makes the model.
"""

from keras_saliency.weights.files import WeightsError, find
from keras_saliency.weights.manifest import BUNDLED, Entry, entries

__all__ = ["BUNDLED", "Entry", "WeightsError", "entries", "find"]
