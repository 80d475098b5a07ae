"""DensityNet and Ensemble: what trains, and what a file holds."""

import keras
import numpy as np
import pytest

from keras_saliency import models
from keras_saliency.models.backbones import build, tunable

LITE = {
    "input_shape": (64, 96, 3),
    "backbone": "efficientnet_lite0",
    "backbone_weights": None,
    "levels": 1,
    "filters": 4,
    "depth": 2,
}
IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 64, 96, 3))


def output_of(model, images=IMAGES):
    return keras.ops.convert_to_numpy(model(images.astype("float32")))


@pytest.mark.parametrize(
    ("name", "layer", "stage"),
    [
        ("resnet50", "conv1_conv", 0),
        ("resnet50", "conv2_block1_1_conv", 1),
        ("vgg16", "block5_conv3", 5),
        ("efficientnet_lite0", "stage0_stem", 0),
        ("efficientnet_lite0", "stage7_block1_project", 7),
    ],
)
def test_stages_by_the_names_of_layers(name, layer, stage):
    assert tunable.stage_of(layer) == stage, name


def test_frozen_stages_do_not_train():
    model = models.DensityNet(**LITE, frozen_stages=2)
    backbone = [
        variable.path.split("/")[0]
        for variable in model.trainable_variables
        if not variable.path.startswith("saliency/")
    ]
    assert backbone and {name.split("_")[0] for name in backbone} == {"stage3"}
    whole = models.DensityNet(**LITE)
    assert any("stem" in v.path for v in whole.trainable_variables)


@pytest.mark.parametrize("name", ["resnet50", "vgg16"])
@pytest.mark.further
def test_features_are_those_of_keras(name, request):
    if name == "vgg16":
        weights = request.getfixturevalue("vgg16_weights")
        layers = None
    else:
        weights = request.getfixturevalue("resnet50_weights")
        layers = ("conv3_block4_out", "conv4_block6_out", "conv5_block3_out")
    model = models.DensityNet(
        (64, 96, 3), backbone=name, backbone_weights=weights
    )
    features = keras.Model(model.input, model.get_layer("saliency").input)
    theirs, _ = build(name, (64, 96, 3), weights, layers)
    for ours, expected in zip(
        features(IMAGES), theirs(IMAGES.astype("float32")), strict=True
    ):
        ours, expected = map(keras.ops.convert_to_numpy, (ours, expected))
        scale = np.abs(expected).max()
        np.testing.assert_allclose(ours, expected, atol=1e-4 * scale)


@pytest.mark.slow
def test_the_peak_is_one_and_training_moves_the_backbone():
    model = models.DensityNet(**LITE)
    maps = output_of(model)
    np.testing.assert_allclose(maps.max((1, 2, 3)), 1)
    assert maps.min() > 0
    stem = model.get_layer("stage0_stem")
    before = stem.get_weights()[0]
    model.compile(
        optimizer=model.recommended_optimizer(), loss=model.recommended_loss()
    )
    y = np.random.default_rng(1).random((2, *model.map_size, 2))
    model.fit(IMAGES, y.astype("float32"), epochs=1, verbose=0)
    assert np.abs(
        model.get_layer("stage0_stem").get_weights()[0] - before
    ).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "resnet51"}, "must be one of resnet50"),
        ({"levels": 4}, "levels must be 1, 2 or 3"),
        ({"frozen_stages": 4}, "must be 0 to 3"),
        ({"input_shape": (60, 96, 3)}, "divisible by 8"),
        ({"filters": 0}, "filters"),
    ],
)
def test_impossible_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        models.DensityNet(**{**LITE, **options})


def members():
    return [
        models.DensityNet(**LITE, name="first"),
        models.Baseline((96, 128, 3), backbone="tiny", name="second"),
    ]


def test_an_ensemble_is_the_mean_and_reads_back(tmp_path):
    first, second = members()
    model = models.Ensemble([first, second], mirrored=False)
    assert model.input_shape == (None, 96, 128, 3)
    assert model.map_size == second.map_size
    images = np.random.default_rng(0).uniform(0, 255, (2, 96, 128, 3))
    maps = output_of(model, images)
    small = keras.ops.image.resize(images.astype("float32"), (64, 96))
    other = keras.ops.image.resize(first(small), second.map_size)
    both = [
        keras.ops.convert_to_numpy(each)
        for each in (other, second(images.astype("float32")))
    ]
    total = sum(each / each.sum((1, 2, 3), keepdims=True) for each in both)
    expected = total / total.max((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(maps, expected, atol=1e-5)
    model.save(tmp_path / "ensemble.keras")
    read = models.get(tmp_path / "ensemble.keras")
    assert isinstance(read, models.Ensemble) and not read.mirrored
    assert isinstance(read.members[0], models.DensityNet)
    np.testing.assert_allclose(output_of(read, images), maps, atol=1e-6)
    map_ = read.saliency_map(images[0].astype("uint8")[:50])
    assert map_.shape == (50, 128)


def test_the_mean_is_raised_to_a_power(tmp_path):
    images = np.random.default_rng(0).uniform(0, 255, (2, 96, 128, 3))
    made = members()
    maps = output_of(models.Ensemble(made, mirrored=False), images)
    sharper = models.Ensemble(made, mirrored=False, power=1.5)
    np.testing.assert_allclose(output_of(sharper, images), maps**1.5, atol=1e-5)
    sharper.save(tmp_path / "ensemble.keras")
    assert models.get(tmp_path / "ensemble.keras").power == 1.5
    # Files that were written before there was a power have none.
    config = {**sharper.get_config()}
    del config["power"]
    assert models.Ensemble.from_config(config).power == 1


def test_a_member_in_half_precision_counts_as_others_do():
    images = keras.Input((320, 480, 3))
    maps = keras.ops.mean(images, axis=-1, keepdims=True) / 255
    model, half = (
        models.Ensemble(
            [keras.Model(images, keras.ops.cast(maps, dtype), name="a")],
            mirrored=False,
        )
        for dtype in ("float32", "float16")
    )
    given = np.random.default_rng(0).uniform(100, 255, (1, 320, 480, 3))
    maps = output_of(half, given.astype("float32"))
    assert maps.min() > 0.4 and maps.max() == 1
    np.testing.assert_allclose(
        maps, output_of(model, given.astype("float32")), atol=2e-3
    )


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_no_saliency_at_all_stays_none(power):
    images = keras.Input((8, 8, 3))
    empty = keras.Model(images, keras.ops.zeros_like(images[..., :1]), name="a")
    model = models.Ensemble([empty], power=power)
    assert not output_of(model, np.ones((1, 8, 8, 3), "float32")).any()


def test_an_ensemble_trains_through_its_power():
    """Also where the mean is 0, which `tiny` makes it at first."""
    made = [models.Baseline((96, 128, 3), backbone="tiny", name="zero")]
    for weight in made[0].head.weights:
        weight.assign(np.zeros(weight.shape))
    images = np.random.default_rng(0).uniform(0, 255, (2, 96, 128, 3))
    for power in (0.5, 1.1):
        model = models.Ensemble(made, power=power)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.train_on_batch(images, np.ones((2, *model.map_size, 1)))
        assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.further
def test_a_mirrored_ensemble_has_no_sides():
    model = models.Ensemble(members())
    images = np.random.default_rng(0).uniform(0, 255, (1, 96, 128, 3))
    maps = output_of(model, images)
    mirrored = output_of(model, images[:, :, ::-1])[:, :, ::-1]
    np.testing.assert_allclose(maps, mirrored, atol=1e-5)


def test_what_is_no_ensemble():
    member = models.DensityNet(**LITE)
    with pytest.raises(ValueError, match="names must differ and not be"):
        models.Ensemble([member, models.DensityNet(**LITE)])
    with pytest.raises(ValueError, match="needs members"):
        models.Ensemble([])
    unbuilt = keras.Sequential([keras.layers.Conv2D(1, 3)])
    for wrong in (
        ["bundled"],
        [None],
        [models.classic.GBVS()],
        [member, unbuilt],
    ):
        with pytest.raises(ValueError, match="members are models that are bui"):
            models.Ensemble(wrong)
    with pytest.raises(ValueError, match="needs a list of models"):
        models.Ensemble(member)
    with pytest.raises(ValueError, match="not be 'images'"):
        models.Ensemble([models.DensityNet(**LITE, name="images")])
    with pytest.raises(ValueError, match="mirrored must be True or False"):
        models.Ensemble([member], mirrored="no")
    for power in (0, -1, np.nan, np.inf, None, "1.1", True, 10**400):
        with pytest.raises(ValueError, match="power must be a number above 0"):
            models.Ensemble([member], power=power)
    with pytest.raises(ValueError, match="return maps"):
        stem = member.get_layer("stage0_stem").output
        models.Ensemble([keras.Model(member.input, stem)])
