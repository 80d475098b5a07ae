"""From images, folders and videos to maps, whatever runs the network."""

from keras_saliency.prediction.call import predict
from keras_saliency.prediction.inputs import check_path, images_in
from keras_saliency.prediction.predictor import Outcome, Predictor

__all__ = ["Outcome", "Predictor", "check_path", "images_in", "predict"]
