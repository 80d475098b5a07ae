"""Splits of a data set into parts, by the names of the images."""

from keras_saliency.datasets.splits.known import (
    SPLITS,
    named_split,
    paper_split,
)
from keras_saliency.datasets.splits.split import Split

__all__ = ["SPLITS", "Split", "named_split", "paper_split"]
