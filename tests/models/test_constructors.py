"""NumPy's numbers and Keras' image format make no other layer or network."""

import inspect
import json

import keras
import numpy as np
import pytest
from keras import ops

from keras_saliency import layers, losses, metrics, models, targets
from keras_saliency.models import backbones

NEEDED = {
    "AttentiveConvLSTM": {"filters": 4},
    "ImageNetPreprocessing": {"architecture": "vgg16"},
    "Maxout": {"pool_size": 2},
    "WeightNormalizedConv2D": {"filters": 4},
}
FEATURES = np.random.default_rng(0).random((1, 6, 8, 4)).astype("float32")
CHANNELS = {"DensityOutput": 1, "ImageNetPreprocessing": 3}
IMAGES = np.random.default_rng(1).integers(0, 256, (1, 32, 48, 3), "uint8")
PRIOR = np.random.default_rng(2).random((6, 8))


def arguments_of(cls):
    """The defaults of a constructor, and what it needs besides."""
    found = {
        name: parameter.default
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.default is not inspect.Parameter.empty and name != "name"
    }
    return {**found, **NEEDED.get(cls.__name__, {})}


def of_numpy(value):
    if isinstance(value, bool):
        return np.bool_(value)
    if isinstance(value, int):
        return np.int64(value)
    if isinstance(value, float):
        return np.float64(value)
    if isinstance(value, (tuple, list)):
        return np.array(value)
    if isinstance(value, dict):
        return {key: of_numpy(item) for key, item in value.items()}
    return value


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def made(cls, arguments):
    keras.utils.set_random_seed(0)
    return cls(**arguments)


def output_of(cls, arguments):
    layer = made(cls, arguments)
    features = FEATURES[..., : CHANNELS.get(cls.__name__)]
    return layer, ops.convert_to_numpy(layer(features))


def same_configuration(one, other):
    configs = [item.get_config() for item in (one, other)]
    for config in configs:
        config.pop("name", None)
    first, second = (json.dumps(config, sort_keys=True) for config in configs)
    assert first == second


SMALL = {
    "baseline": {"backbone": "tiny"},
    "deep_conv_net": {"filters": (2,) * 8},
    "deepgaze1": {"backbone": "tiny"},
    "deepgaze2": {"filters": (2,) * 5, "readout": (2, 2)},
    "density_net": {
        "backbone": "efficientnet_lite0",
        "levels": 1,
        "filters": 4,
        "depth": 2,
    },
    "dsclrcn": {
        "filters": (2,) * 4,
        "blocks": (1,) * 4,
        "depth": 2,
        "units": 2,
        "context": 2,
    },
    "eml_net": {"backbones": ("efficientnet_lite0",)},
    "fast_net": {"filters": (2, 2, 4, 4, 4), "depth": 2},
    "icf": {"scales": 1, "readout": (2,)},
    "ml_net": {"filters": (2,) * 5, "depth": 2},
    "pdp": {"filters": (2,) * 5, "reduction": (2,)},
    "salgan": {"filters": (2,) * 5},
    "salicon_net": {"filters": (2,) * 5},
    "sam_resnet": {
        "filters": (2,) * 4,
        "blocks": (1,) * 4,
        "depth": 2,
        "steps": 2,
    },
    "sam_vgg": {"filters": (2,) * 5, "depth": 2, "steps": 2},
    "shallow_net": {"filters": (2,) * 3},
}


def model_arguments(name):
    arguments = {**SMALL[name], "input_shape": (32, 48, 3)}
    if SMALL[name].get(
        "backbone"
    ) != "tiny" and "backbone_weights" in arguments_of(models.MODELS[name]):
        arguments["backbone_weights"] = None
    return arguments


@pytest.mark.parametrize("name", layers.__all__)
def test_a_layer_of_numpy_s_numbers(name):
    cls = getattr(layers, name)
    usual, expected = output_of(cls, arguments_of(cls))
    other, found = output_of(cls, of_numpy(arguments_of(cls)))
    same_configuration(usual, other)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", models.MODELS)
@pytest.mark.quick("fast_net")
def test_a_model_of_numpy_s_numbers(name):
    cls, arguments = models.MODELS[name], model_arguments(name)
    same_configuration(made(cls, arguments), made(cls, of_numpy(arguments)))


def ensemble(**options):
    keras.utils.set_random_seed(0)
    names = ("fast_net", "density_net")
    made = [models.MODELS[name](**model_arguments(name)) for name in names]
    return models.Ensemble(made, **options)


@pytest.mark.further
def test_an_ensemble_of_numpy_s_numbers():
    cls = models.Ensemble
    assert set(cls([ensemble()]).get_config()) == {
        "members",
        *arguments_of(cls),
        "name",
    }
    for value in (True, False):
        usual = ensemble(mirrored=value)
        same_configuration(usual, ensemble(mirrored=np.bool_(value)))
        config = json.loads(json.dumps(usual.get_config()))
        same_configuration(usual, cls.from_config(config))


@pytest.mark.parametrize("name", losses.LOSSES)
def test_a_loss_of_numpy_s_numbers(name):
    cls = losses.LOSSES[name]
    arguments = arguments_of(cls)
    loss = cls(**of_numpy(arguments))
    same_configuration(cls(**arguments), loss)
    for number in (np.float32(2.5), np.int64(3), np.float16(2), np.array(2.0)):
        for combined in (number * loss, loss * number):
            assert combined.weights == [float(number)]
            json.dumps(keras.saving.serialize_keras_object(combined))
    assert losses.CombinedLoss(
        [loss] * 2, weights=np.array([10, 2])
    ).weights == [
        10,
        2,
    ]


def test_other_numbers_of_numpy():
    assert losses.get("W-BCE(w=np.float64(0.7))").weight == 0.7
    assert losses.get(f"SIG-MSE (lambda={np.float32(0.25)})").threshold == 0.25
    assert (
        losses.PooledLoss(
            losses.KLDivergence(), pool_size=np.int64(2)
        ).get_config()["pool_size"]
        == 2
    )
    json.dumps(metrics.AUCBorji(step=np.float32(0.25)).get_config())
    for bad in (np.array([1.0, 2.0]), np.bool_(True), "2", None):
        with pytest.raises(TypeError):
            losses.KLDivergence() * bad


@pytest.mark.parametrize("name", layers.__all__)
def test_a_layer_under_channels_first(name, request):
    cls = getattr(layers, name)
    _, expected = output_of(cls, arguments_of(cls))
    request.getfixturevalue("channels_first")
    _, found = output_of(cls, arguments_of(cls))
    np.testing.assert_array_equal(found, expected)
    assert keras.config.image_data_format() == "channels_first"


@pytest.mark.parametrize("name", [*models.MODELS, "ensemble"])
@pytest.mark.quick("fast_net", others="slow")
def test_a_model_under_channels_first(name, request, tmp_path):
    def model():
        if name == "ensemble":
            return ensemble()
        return made(models.MODELS[name], model_arguments(name))

    usual = model()
    expected = ops.convert_to_numpy(usual(IMAGES))
    request.getfixturevalue("channels_first")
    other = model()
    assert other.map_size == usual.map_size
    np.testing.assert_array_equal(ops.convert_to_numpy(other(IMAGES)), expected)
    other.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        ops.convert_to_numpy(loaded(IMAGES)), expected
    )


def test_a_backbone_of_keras_under_channels_first(channels_first):
    backbone, _ = backbones.build("mobilenetv2", (32, 48, 3), None)
    assert [level.shape for level in backbone.outputs] == [
        (None, 4, 6, 192),
        (None, 2, 3, 576),
        (None, 1, 2, 1280),
    ]


def test_losses_under_channels_first(channels_first):
    y = targets.pack(PRIOR[None], np.round(PRIOR[None]))
    for name in ("LC1", "DF"):
        loss = losses.get(name, prior=PRIOR, vgg_weights=None)
        assert np.isfinite(float(loss(y, y[..., :1])))
    loss = losses.PooledLoss(losses.MeanSquaredError(), pool_size=2)
    assert float(loss(y, 0 * y[..., :1])) == pytest.approx(
        (PRIOR.reshape(3, 2, 4, 2).mean(axis=(1, 3)) ** 2).mean(), rel=1e-5
    )
