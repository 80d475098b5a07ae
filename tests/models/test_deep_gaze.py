"""DeepGaze I and II."""

import keras
import numpy as np
import pytest

from keras_saliency import losses, models

SMALL = {
    "backbone_weights": None,
    "filters": (2, 2, 3, 3, 4),
    "readout": (4, 3, 2),
}
IMAGES = np.random.default_rng(0).integers(0, 256, (1, 40, 56, 3), "uint8")


def number_of(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


def test_the_original_s_parameters_and_sizes():
    model = models.DeepGazeII(backbone_weights=None)
    convolutions = [
        model.get_layer(name)
        for name in ("readout1", "readout2", "readout3", "projection")
    ]
    assert sum(layer.count_params() for layer in convolutions) == 41_589
    # VGG-19's convolutions are frozen.
    assert number_of(model.non_trainable_weights) == 20_024_384
    # The normalization, the blur, two exponents of the center bias.
    assert number_of(model.trainable_weights) == 41_589 + 2 * 2_560 + 3
    assert model.get_layer("features").output.shape == (None, 24, 32, 2560)
    assert model.map_size == (48, 64)


def test_a_linear_readout_of_the_last_features():
    model = models.DeepGazeI(
        (40, 56, 3), backbone="vgg16", backbone_weights=None
    )
    assert number_of(model.trainable_weights) == 512 + 3
    assert number_of(model.non_trainable_weights) == 14_714_688
    # An eighth of each side, rounded up.
    assert model.map_size == (5, 7)
    density = model.get_layer("saliency")
    assert density.initial_sigma == 2.0
    # A readout of zeros leaves the center bias.
    model.get_layer("projection").set_weights([np.zeros((1, 1, 512, 1))])
    map_ = keras.ops.convert_to_numpy(model(IMAGES))[0, ..., 0]
    assert map_.argmax() == 2 * 7 + 3 and map_.max() == 1
    np.testing.assert_allclose(map_, map_[::-1, ::-1], rtol=1e-5)


@pytest.mark.parametrize("backbone", ["vgg19", "vgg16"])
def test_features_before_and_after_the_relu(backbone):
    """The names are those of the paper; of VGG-16 relu5_3 is the last."""
    model = models.DeepGazeII((40, 56, 3), backbone=backbone, **SMALL)
    x = keras.Model(model.input, model.get_layer("features").output)(IMAGES)
    conv1, relu1, relu2, conv3, last = np.split(
        keras.ops.convert_to_numpy(x), 5, axis=-1
    )
    assert conv1.min() < 0 and conv3.min() < 0
    np.testing.assert_array_equal(relu1, np.maximum(conv1, 0))
    assert relu2.min() == 0 and last.min() == 0
    same = np.array_equal(last, np.maximum(conv3, 0))
    assert same == (backbone == "vgg16")


def test_what_trains():
    model = models.DeepGazeII((32, 32, 3), frozen_blocks=4, **SMALL)
    assert len(model.non_trainable_weights) == 2 * 12
    assert isinstance(model.recommended_loss(), losses.NegativeLogLikelihood)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (models.DeepGazeI, {"input_shape": (31, 48, 3)}, "at least 32"),
        (models.DeepGazeI, {"backbone": "none"}, "no backbone 'none'"),
        (models.DeepGazeII, {"backbone": "resnet50"}, "one of vgg19, vgg16"),
        (models.DeepGazeII, {"frozen_blocks": 6}, "frozen_blocks"),
        (models.DeepGazeII, {"backbone_weights": "w.h5"}, "w.h5"),
    ],
)
def test_refuses_bad_arguments(cls, options, message):
    with pytest.raises(ValueError, match=message):
        cls(**{"input_shape": (32, 48, 3), "backbone_weights": None, **options})


@pytest.mark.slow
def test_vgg16_s_weights(vgg16_weights):
    model = models.DeepGazeII(
        (32, 48, 3), backbone="vgg16", backbone_weights=vgg16_weights
    )
    source = keras.applications.VGG16(
        include_top=False, weights=str(vgg16_weights), input_shape=(32, 48, 3)
    )
    for name in ("block1_conv1", "block5_conv1", "block5_conv3"):
        np.testing.assert_array_equal(
            model.get_layer(name).get_weights()[0],
            source.get_layer(name).get_weights()[0],
        )
