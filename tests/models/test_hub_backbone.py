"""Networks of KerasHub as backbones."""

import sys

import keras
import numpy as np
import pytest

from keras_saliency import cache_features, datasets, models
from keras_saliency._utils.errors import NotInstalledError

SIZE = (64, 96)


@pytest.fixture(scope="module")
def hub():
    try:
        return pytest.importorskip("keras_hub", reason="needs keras_hub")
    except ImportError:
        pytest.skip("keras_hub cannot be imported")


@pytest.fixture(scope="module")
def backbone(hub):
    return hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 8, 8, 8],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        use_pre_activation=False,
    )


@pytest.fixture(scope="module")
def converter(hub):
    return hub.layers.ImageConverter(
        scale=[1 / 58, 1 / 57, 1 / 56], offset=[-2.0, -2.1, -1.8]
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3), "uint8")


def test_levels_are_those_of_the_network(backbone, converter, images):
    features = models.hub_backbone(backbone, converter=converter)
    found = features.predict(images, verbose=0)
    assert [np.shape(level)[1:3] for level in found] == [
        (8, 12),
        (4, 6),
        (2, 3),
    ]
    scaled = images * np.float32([1 / 58, 1 / 57, 1 / 56])
    scaled += np.float32([-2.0, -2.1, -1.8])
    network = keras.Model(backbone.inputs, backbone.pyramid_outputs)
    expected = network.predict(scaled, verbose=0)
    for level, name in zip(found, ("P3", "P4", "P5"), strict=True):
        np.testing.assert_allclose(level, expected[name], rtol=1e-3, atol=1e-4)
    assert features.trainable_weights == []


def test_a_baseline_on_it(backbone, converter, images, tmp_path):
    model = models.Baseline(
        (*SIZE, 3),
        backbone=models.hub_backbone(
            backbone, converter=converter, levels=["P2", "P4"]
        ),
    )
    assert model.map_size == (16, 24)
    targets = np.zeros((2, 16, 24, 2), "float32")
    model.compile("sgd", model.recommended_loss())
    assert np.isfinite(model.train_on_batch(images, targets))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.predict(images, verbose=0),
        model.predict(images, verbose=0),
        atol=1e-5,
    )


def test_its_features_are_cached(backbone, converter, tmp_path):
    data = datasets.SaliencySequence(datasets.generate(2, SIZE), 2, SIZE)
    for computed in (2, 0):
        cached = cache_features(
            models.hub_backbone(backbone, converter=converter),
            data,
            tmp_path,
            verbose=0,
        )
        assert cached.computed == computed


def test_a_preset(backbone, converter, images, tmp_path):
    backbone.save_to_preset(str(tmp_path / "preset"))
    converter.save_to_preset(str(tmp_path / "preset"))
    found = models.hub_backbone(str(tmp_path / "preset"))
    expected = models.hub_backbone(backbone, converter=converter)
    for a, b in zip(
        found.predict(images, verbose=0),
        expected.predict(images, verbose=0),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_levels_that_are_not_there(backbone):
    for levels in (["P1"], []):
        with pytest.raises(ValueError, match="has the levels P2, P3, P4, P5"):
            models.hub_backbone(backbone, levels=levels)


def test_networks_without_a_pyramid():
    network = keras.Sequential([keras.Input((None, None, 3))])
    with pytest.raises(ValueError, match="pyramid outputs.*Sequential"):
        models.hub_backbone(network)


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(NotInstalledError, match=r"keras_saliency\[keras_hub\]"):
        models.hub_backbone("resnet_50_imagenet")
