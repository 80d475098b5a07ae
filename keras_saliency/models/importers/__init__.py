"""Weights of the original systems, from the files their authors released.

Nothing is unpickled: a pickle can run any program when it is read.

Each function returns the model that it is given. It raises `FileNotFoundError`
if there is no such file, and `ValueError` if the file is damaged or does not
fit the model, which is then unchanged.
"""

from keras_saliency.models.importers.deep_conv_net import (
    load_deep_conv_net_weights,
)
from keras_saliency.models.importers.salgan import load_salgan_weights
from keras_saliency.models.importers.sam import (
    load_ml_net_weights,
    load_sam_weights,
)
from keras_saliency.models.importers.shallow_net import load_shallow_net_weights

__all__ = [
    "load_deep_conv_net_weights",
    "load_ml_net_weights",
    "load_salgan_weights",
    "load_sam_weights",
    "load_shallow_net_weights",
]
