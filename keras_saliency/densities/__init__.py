"""From a saliency map to a density of fixations, and to each metric's map."""

from keras_saliency.densities.fitted import Fitted
from keras_saliency.densities.fitting import (
    Sample,
    cross_validated,
    fit,
    information,
    sample,
)
from keras_saliency.densities.metric_maps import (
    METRIC_MAPS,
    Truth,
    metric_map,
    shuffled_baseline,
)
from keras_saliency.densities.transform import Transform
from keras_saliency.densities.truths import truth_of

__all__ = [
    "Fitted",
    "METRIC_MAPS",
    "Sample",
    "Transform",
    "Truth",
    "cross_validated",
    "fit",
    "information",
    "metric_map",
    "sample",
    "shuffled_baseline",
    "truth_of",
]
