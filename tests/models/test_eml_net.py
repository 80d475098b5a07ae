"""EML-NET."""

import keras
import numpy as np
import pytest

from keras_saliency import models

IMAGES = np.random.default_rng(0).integers(0, 256, (1, 40, 57, 3), "uint8")


def levels_of(model, index):
    network = model.get_layer(f"backbone{index}")
    return [tuple(level.shape[1:]) for level in network.outputs]


def count(model, ending):
    """Number of weights of the layers whose names say so."""
    return sum(
        layer.count_params()
        for layer in model.layers
        if layer.name.endswith((f"{ending}_conv", f"{ending}_norm"))
    )


@pytest.mark.slow
def test_the_original_s_parameters_and_sizes():
    """Two ResNet-50, as the authors have them."""
    model = models.EMLNet(
        backbones=("resnet50", "resnet50"), backbone_weights=None
    )
    sizes = ((240, 320), (120, 160), (60, 80), (30, 40), (15, 20))
    channels = (64, 256, 512, 1024, 2048)
    for index in (1, 2):
        assert levels_of(model, index) == [
            (*size, width) for size, width in zip(sizes, channels, strict=True)
        ]
        # A 3x3 convolution of each level to one map; of each map, one more.
        # Batch normalization has four numbers.
        levels = [f"backbone{index}_level{level}" for level in range(1, 6)]
        readout = sum(count(model, level) for level in levels)
        assert readout == 9 * sum(channels) + 5 + 5 * 4
        decoder = sum(count(model, f"{level}_decoder") for level in levels)
        assert decoder == 5 * (9 + 1 + 4)
    assert count(model, "saliency") == 9 * 10 + 1 + 4
    # ResNet-50's convolutions, with a bias each for the normalization's.
    backbone = model.get_layer("backbone1").count_params()
    assert backbone == 23_454_912 + 26_560
    assert model.count_params() == 2 * (backbone + 35_161 + 70) + 95
    assert model.map_size == (480, 640)


def test_any_backbones_of_any_size():
    model = models.EMLNet(
        (40, 57, 3), backbones=["vgg16"], backbone_weights=None
    )
    assert levels_of(model, 1) == [
        *((20, 28, 64), (10, 14, 128), (5, 7, 256), (2, 3, 512), (2, 3, 512)),
    ]
    maps = keras.ops.convert_to_numpy(model(IMAGES))
    assert maps.shape == (1, 40, 57, 1)
    assert 0 <= maps.min() < maps.max() <= 1
    # Where none of the levels says anything the map is the same.
    for level in range(1, 6):
        layer = model.get_layer(f"backbone1_level{level}_decoder_norm")
        layer.set_weights([np.float32([value]) for value in (0, -1, 0, 1)])
    even = keras.ops.convert_to_numpy(model(IMAGES))
    np.testing.assert_allclose(even, even[0, 0, 0, 0], rtol=1e-6)


@pytest.mark.slow
def test_weights_for_each_backbone(vgg16_weights):
    model = models.EMLNet(
        (32, 48, 3),
        backbones=("vgg16", "efficientnet_lite0"),
        backbone_weights=(vgg16_weights, None),
        frozen_stages=5,
    )
    source = keras.applications.VGG16(
        include_top=False, weights=str(vgg16_weights), input_shape=(32, 48, 3)
    )
    vgg = model.get_layer("backbone1")
    np.testing.assert_array_equal(
        vgg.get_layer("block5_conv3").get_weights()[0],
        source.get_layer("block5_conv3").get_weights()[0],
    )
    assert not vgg.trainable_weights
    assert model.get_layer("backbone2").trainable_weights
    assert model.get_config()["backbone_weights"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (31, 48, 3)}, "sides of at least 32"),
        ({"backbones": ()}, "at least one"),
        ({"backbones": "vgg16"}, "a list of names"),
        ({"backbones": ("vgg19",)}, "one of resnet50, vgg16"),
        ({"backbone_weights": (None, None)}, "one for each of"),
        ({"frozen_stages": 6}, "0 to 5"),
    ],
)
def test_refuses_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        models.EMLNet(
            **{
                "input_shape": (32, 48, 3),
                "backbones": ("vgg16",),
                "backbone_weights": None,
                **options,
            }
        )
