"""From images, folders and videos to maps, whatever runs the network."""

from keras_saliency.prediction.between import outcomes_of_frames
from keras_saliency.prediction.call import predict
from keras_saliency.prediction.inputs import (
    check_apart,
    check_path,
    images_in,
)
from keras_saliency.prediction.outcome import Outcome
from keras_saliency.prediction.predictor import Predictor
from keras_saliency.prediction.smoothing import Smoothing

__all__ = [
    "Outcome",
    "Predictor",
    "Smoothing",
    "check_apart",
    "check_path",
    "images_in",
    "outcomes_of_frames",
    "predict",
]
