"""The SALICON network."""

import keras
import numpy as np
import pytest

from keras_saliency import models

RNG = np.random.default_rng(0)
SMALL = {"backbone_weights": None, "filters": (2, 3, 4, 5, 6)}


def test_the_original_s_parameters_and_sizes():
    model = models.SALICONNet(backbone_weights=None)
    # Twice VGG-16's convolutions, and a 1x1 convolution of 1024 channels.
    assert model.count_params() == 2 * 14_714_688 + 1_025
    assert model.non_trainable_weights == []
    assert model.map_size == (37, 50)
    assert model.get_layer("fine").output.shape == (None, 37, 50, 512)
    assert model.get_layer("coarse").output.shape == (None, 18, 25, 512)


def test_the_coarse_stream_sees_half_the_size():
    model = models.SALICONNet((64, 96, 3), **SMALL)
    image = RNG.integers(0, 256, (1, 32, 48, 3)).astype("float32")
    large = image.repeat(2, axis=1).repeat(2, axis=2)
    halved = keras.Model(model.input, model.get_layer("halved").output)
    np.testing.assert_allclose(halved.predict(large, verbose=0), image)
    # Each feature of the coarse stream counts for the four places it covers.
    maps = keras.ops.convert_to_numpy(model(large))
    fine, coarse = (
        keras.ops.convert_to_numpy(model.get_layer(name)(x))
        for name, x in (("fine", large), ("coarse", image))
    )
    x = np.concatenate([fine, coarse.repeat(2, 1).repeat(2, 2)], axis=-1)
    kernel, bias = model.get_layer("projection").get_weights()
    expected = 1 / (1 + np.exp(-(x @ kernel[0, 0] + bias)))
    np.testing.assert_allclose(maps, expected, rtol=1e-4)


@pytest.mark.slow
def test_both_streams_start_with_vgg16_s_weights(vgg16_weights):
    model = models.SALICONNet((32, 48, 3), backbone_weights=vgg16_weights)
    source = keras.applications.VGG16(
        include_top=False, weights=str(vgg16_weights), input_shape=(32, 48, 3)
    )
    for stream in ("fine", "coarse"):
        for name in ("block1_conv1", "block5_conv3"):
            np.testing.assert_array_equal(
                model.get_layer(stream).get_layer(name).get_weights()[0],
                source.get_layer(name).get_weights()[0],
            )


def test_blocks_are_frozen_in_both():
    model = models.SALICONNet((32, 48, 3), frozen_blocks=3, **SMALL)
    assert len(model.non_trainable_weights) == 2 * 2 * 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (31, 48, 3)}, "sides of at least 32"),
        ({"frozen_blocks": 6}, "frozen_blocks"),
        ({"backbone_weights": "w.h5"}, "w.h5.*filters"),
    ],
)
def test_refuses_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        models.SALICONNet(**{"input_shape": (32, 48, 3), **SMALL, **options})
