"""A small backbone, batches for it, and its feature cache."""

import keras

from keras_saliency.datasets import SaliencySequence
from keras_saliency.features import cache_features

SIZE = (24, 32)


def make_backbone(seed=0, outputs="tensor", filters=4, activation="relu"):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(x)
    x = keras.layers.Activation(activation, name=activation)(x)
    y = keras.layers.Conv2D(filters, 3, padding="same")(x)
    made = {"tensor": y, "list": [x, y], "dict": {"b": y, "a": x}}
    return keras.Model(inputs, made[outputs])


def make_sequence(dataset, **options):
    options = {"image_size": SIZE, "map_size": (12, 16), **options}
    return SaliencySequence(dataset, batch_size=4, **options)


def make_cache(backbone, sequence, directory, **options):
    return cache_features(
        backbone, sequence, directory=directory, verbose=0, **options
    )
