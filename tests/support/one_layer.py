"""A network of one layer, which trains in no time."""

import keras

from keras_saliency import losses, models


class OneLayer(models.SaliencyModel):
    """One convolution; its authors recommend MSE + CC, with SGD."""

    def __init__(self, input_shape=(32, 48, 3)):
        images = keras.Input(input_shape)
        scaled = keras.layers.Rescaling(1 / 255)(images)
        maps = keras.layers.Conv2D(1, 4, strides=4, activation="sigmoid")(
            scaled
        )
        super().__init__(images, maps)

    def recommended_loss(self):
        return losses.MeanSquaredError() + losses.CorrelationCoefficient()

    def recommended_optimizer(self):
        return keras.optimizers.SGD(0.25)
