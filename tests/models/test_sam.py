"""SAM-VGG and SAM-ResNet."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from keras_saliency import losses, models, steps
from keras_saliency.models.backbones import resnet50, vgg16

RNG = np.random.default_rng(0)
SIZE = (32, 48)
IMAGES = RNG.integers(0, 256, (2, *SIZE, 3)).astype("uint8")
BGR = IMAGES[..., ::-1].astype("float32") - [103.939, 116.779, 123.68]
SMALL = {
    "input_shape": (*SIZE, 3),
    "backbone_weights": None,
    "depth": 3,
    "steps": 2,
    "gaussians": 2,
}


def sam_vgg(**options):
    return models.SAMVGG(**{**SMALL, "filters": (3, 4, 5, 6, 7), **options})


def sam_resnet(**options):
    return models.SAMResNet(
        **{
            **SMALL,
            "filters": (2, 3, 4, 5),
            "blocks": (1, 2, 1, 2),
            **options,
        }
    )


MAKE = {"vgg": sam_vgg, "resnet": sam_resnet}


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


def maps_of(model, images):
    """As `predict`, without the time that compiling takes."""
    return keras.ops.convert_to_numpy(model(images))


def outputs(model, name, images):
    part = keras.Model(model.input, model.get_layer(name).output)
    return maps_of(part, images)


@pytest.mark.further
def test_sam_vgg_has_the_original_s_parameters_and_sizes():
    model = models.SAMVGG(backbone_weights=None)
    assert model.count_params() == 51_835_841
    assert count(model.trainable_weights) == 51_835_841
    assert model.get_layer("attentive_conv_lstm").count_params() == 23_602_688
    assert model.get_layer("block5_conv3").output.shape == (None, 30, 40, 512)
    assert model.get_layer("prior2_concat").output.shape == (None, 30, 40, 528)
    assert model.map_size == (480, 640)
    dilations = {
        layer.name: layer.dilation_rate
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
        and layer.dilation_rate != (1, 1)
    }
    assert dilations == {
        "block5_conv1": (2, 2),
        "block5_conv2": (2, 2),
        "block5_conv3": (2, 2),
        "prior1_conv": (4, 4),
        "prior2_conv": (4, 4),
    }


@pytest.mark.slow
def test_sam_resnet_has_the_original_s_parameters_and_sizes():
    model = models.SAMResNet(backbone_weights=None)
    resnet50 = keras.applications.ResNet50(include_top=False, weights=None)
    head = 9 * 2048 * 512 + 512 + 51_835_841 - 14_714_688
    assert model.count_params() == resnet50.count_params() + head == 70_146_561
    # Two numbers of each normalized channel are statistics, two are frozen.
    assert count(model.non_trainable_weights) == 2 * 53_120
    trained = models.SAMResNet(backbone_weights=None, train_normalization=True)
    assert count(trained.non_trainable_weights) == 53_120
    last = model.get_layer("conv5_block3_out").output
    assert last.shape == (None, 30, 40, 2048)
    assert model.get_layer("conv4_block6_2_conv").dilation_rate == (2, 2)
    assert model.get_layer("conv5_block1_2_conv").dilation_rate == (4, 4)
    assert model.map_size == (480, 640)


def same_weights(model, reference):
    """Layers of a reference are in the model, with its weights."""
    for layer in reference.layers:
        if layer.weights:
            for ours, own in zip(
                model.get_layer(layer.name).get_weights(),
                layer.get_weights(),
                strict=True,
            ):
                np.testing.assert_array_equal(ours, own)


@pytest.mark.further
def test_sam_vgg_has_vgg16_s_weights(vgg16_weights):
    model = models.SAMVGG(**{**SMALL, "backbone_weights": str(vgg16_weights)})
    vgg = keras.applications.VGG16(
        include_top=False, weights=str(vgg16_weights), input_shape=(*SIZE, 3)
    )
    same_weights(model, vgg)
    # The networks part at the third pooling.
    np.testing.assert_allclose(
        outputs(model, "block3_conv3", IMAGES),
        outputs(vgg, "block3_conv3", BGR),
        rtol=1e-4,
        atol=1e-2,
    )


@pytest.mark.slow
def test_sam_resnet_has_resnet50_s_weights(vgg16_weights):
    path = vgg16_weights.with_name("resnet50_weights_notop_fp16.h5")
    if not path.exists():
        pytest.skip(f"needs {path.name} in {path.parent}")
    model = models.SAMResNet(**{**SMALL, "backbone_weights": str(path)})
    resnet50 = keras.applications.ResNet50(
        include_top=False, weights=str(path), input_shape=(*SIZE, 3)
    )
    same_weights(model, resnet50)
    # The networks part at the fourth stage.
    np.testing.assert_allclose(
        outputs(model, "conv3_block4_out", IMAGES),
        outputs(resnet50, "conv3_block4_out", BGR),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.further
def test_the_dilated_network_has_the_strided_one_s_values_between_more():
    """Stage 4 at every second place, stage 5 at every fourth."""
    size = (64, 96)
    strided = keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=(*size, 3)
    )
    dilated = models.SAMResNet(**{**SMALL, "input_shape": (*size, 3)})
    for layer in strided.layers:
        if layer.weights:
            dilated.get_layer(layer.name).set_weights(layer.get_weights())
    x = RNG.integers(0, 256, (1, *size, 3)).astype("uint8")
    bgr = x[..., ::-1].astype("float32") - [103.939, 116.779, 123.68]
    for name, step in (("conv4_block6_out", 2), ("conv5_block3_out", 4)):
        expected = outputs(strided, name, bgr)
        np.testing.assert_allclose(
            outputs(dilated, name, x)[:, ::step, ::step],
            expected,
            rtol=1e-3,
            atol=1e-4 * expected.max(),
        )


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (64, 96)),
        ({"upsampling": 1}, (4, 6)),
        ({"upsampling": 8}, (32, 48)),
        ({"input_shape": (180, 320, 3)}, (360, 640)),
        ({"input_shape": (9, 11, 3), "upsampling": 8}, (9, 11)),
    ],
)
@pytest.mark.quick("vgg")
def test_size_of_the_map(make, options, size):
    model = make(**options)
    assert model.map_size == size
    images = np.zeros((1, *model.input_shape[1:]), "uint8")
    assert maps_of(model, images).shape == (1, *size, 1)


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
@pytest.mark.quick("vgg")
def test_upsampling_only_enlarges(make):
    large, small = make(), make(upsampling=1)
    small.set_weights(large.get_weights())
    maps = maps_of(small, IMAGES)
    enlarged = keras.ops.image.resize(
        maps, (64, 96), interpolation="bilinear", data_format="channels_last"
    )
    np.testing.assert_allclose(
        maps_of(large, IMAGES),
        keras.ops.convert_to_numpy(enlarged),
        rtol=1e-5,
    )


@pytest.mark.further
def test_how_much_is_frozen():
    assert len(sam_vgg(frozen_blocks=3).non_trainable_weights) == 2 * 7
    assert len(sam_vgg(frozen_blocks=5).non_trainable_weights) == 2 * 13
    for frozen, convolutions in ((0, 0), (1, 1), (2, 5), (5, 1 + 3 * 6 + 4)):
        model = sam_resnet(frozen_blocks=frozen)
        left = [
            layer
            for layer in model.layers
            if layer.name.endswith("_conv")
            and layer.name.startswith("conv")
            and not layer.trainable
        ]
        assert len(left) == convolutions


@pytest.mark.slow
def test_normalizations_train_if_asked_to():
    for train in (False, True):
        model = sam_resnet(train_normalization=train)
        norm = model.get_layer("conv2_block1_1_bn")
        before = [np.array(w) for w in norm.weights]
        eagerly = keras.backend.backend() != "jax"
        model.compile("sgd", "mse", run_eagerly=eagerly)
        maps = np.ones((2, *model.map_size, 1), "float32")
        model.fit(IMAGES, maps, verbose=0)
        changed = [
            not np.array_equal(a, b)
            for a, b in zip(before, norm.get_weights(), strict=True)
        ]
        assert any(changed) == train


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (sam_vgg, {"input_shape": (7, 48, 3)}, "sides of at least 8"),
        (sam_vgg, {"input_shape": (None, None, 3)}, "sides of at least 8"),
        (sam_vgg, {"blur": -1}, "blur must be a sigma"),
        (sam_vgg, {"frozen_blocks": 6}, "frozen_blocks"),
        (sam_vgg, {"filters": (4, 4)}, "5 numbers"),
        (sam_vgg, {"upsampling": 0}, "upsampling"),
        (sam_vgg, {"backbone_weights": "w.h5"}, "w.h5.*filters"),
        (
            sam_vgg,
            {"filters": vgg16.FILTERS, "backbone_weights": "missing.h5"},
            "missing.h5",
        ),
        (sam_resnet, {"filters": (4, 4)}, "4 numbers"),
        (sam_resnet, {"blocks": (1, 1, 0, 1)}, "blocks"),
        (
            sam_resnet,
            {"filters": resnet50.FILTERS, "backbone_weights": "w.h5"},
            "w.h5.*blocks",
        ),
        (
            sam_resnet,
            {
                "filters": resnet50.FILTERS,
                "blocks": resnet50.BLOCKS,
                "backbone_weights": "missing.h5",
            },
            "missing.h5",
        ),
    ],
)
@pytest.mark.quick("vgg|options[0-3]-")
def test_refuses_bad_arguments(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_the_loss_has_the_authors_weights():
    loss = sam_vgg().recommended_loss()
    assert loss.weights == [10.0, 2.0, 1.0]
    assert [type(term) for term in loss.losses] == [
        losses.KLDivergence,
        losses.CorrelationCoefficient,
        losses.NormalizedScanpathSaliency,
    ]


@pytest.mark.slow
def test_the_untrained_map_is_positive():
    for make in MAKE.values():
        for seed in range(4):
            keras.utils.set_random_seed(seed)
            maps = maps_of(make(), IMAGES)
            assert 0 < maps.min() and maps.max() < 1


@pytest.mark.further
def test_saliency_map_is_padded_enlarged_cut_out_and_blurred():
    model = sam_vgg()
    image = RNG.integers(0, 256, (90, 50, 3)).astype("uint8")
    padded = steps.pad(image, SIZE)
    assert not padded[:, :15].any() and padded[:, 16].any()
    map_ = model.predict(padded[None], verbose=0)[0, :, :, 0]
    map_ = ndimage.gaussian_filter(steps.unpad(map_, (90, 50)), 7)
    np.testing.assert_allclose(
        model.saliency_map(image), map_ / map_.max(), rtol=1e-5
    )
    model.keep_proportions = False
    model.blur = 0.0
    sharp = model.saliency_map(image)
    assert sharp.max() == 1
    again = type(model).from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.saliency_map(image), sharp)


def test_an_empty_map_stays_empty():
    model = sam_vgg()
    model.get_layer("projection").set_weights(
        [np.zeros((1, 1, 3, 1)), np.array([-1.0])]
    )
    map_ = model.saliency_map(IMAGES[0])
    np.testing.assert_array_equal(map_, np.zeros(SIZE))
