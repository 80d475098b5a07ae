"""Callbacks for `fit`."""

from keras_saliency._utils.errors import DivergedError
from keras_saliency.callbacks.checkpoint import Checkpoint
from keras_saliency.callbacks.map_snapshots import MapSnapshots
from keras_saliency.callbacks.resume import Resume
from keras_saliency.callbacks.saliency_metrics import SaliencyMetrics

__all__ = [
    "Checkpoint",
    "DivergedError",
    "MapSnapshots",
    "Resume",
    "SaliencyMetrics",
]
