"""Callbacks for `fit`: the benchmark's metrics and map snapshots per epoch."""

from keras_saliency.callbacks.map_snapshots import MapSnapshots
from keras_saliency.callbacks.saliency_metrics import SaliencyMetrics

__all__ = ["MapSnapshots", "SaliencyMetrics"]
