"""The layers: each alone, in a saved model, and against NumPy."""

import inspect
import json

import keras
import numpy as np
import pytest
from autodiff import gradient
from keras import ops
from scipy import ndimage

from keras_saliency import layers

RNG = np.random.default_rng(0)
MAPS = RNG.random((2, 9, 11, 3)).astype("float32")


def numpy(x):
    return ops.convert_to_numpy(x)


def round_trip(layer, inputs, path):
    """Outputs of a functional model of the layer before and after saving."""
    symbolic = keras.tree.map_structure(
        lambda x: keras.Input(x.shape[1:]), inputs
    )
    model = keras.Model(symbolic, layer(symbolic))
    model.save(path / "model.keras")
    loaded = keras.models.load_model(path / "model.keras")
    before, after = (
        m.predict_on_batch(keras.tree.map_structure(np.asarray, inputs))
        for m in (model, loaded)
    )
    assert loaded.output_shape == model.output_shape
    np.testing.assert_array_equal(before, after)
    assert before.shape[1:] == tuple(model.output_shape[1:])
    return before


@pytest.mark.parametrize(("size", "sigma"), [(5, 1.0), (9, 1.7), (1, 3.0)])
def test_smoothing_equals_scipy_inside(size, sigma, tmp_path):
    layer = layers.GaussianSmoothing(size=size, sigma=sigma)
    result = round_trip(layer, MAPS, tmp_path)
    assert not layer.weights
    x = np.arange(size) - size // 2
    kernel = np.exp(-(x**2) / (2 * sigma**2))
    kernel = np.outer(kernel, kernel) / kernel.sum() ** 2
    margin = size // 2
    for image in range(2):
        for channel in range(3):
            expected = ndimage.convolve(
                MAPS[image, :, :, channel].astype("float64"), kernel
            )
            inside = np.s_[margin : 9 - margin, margin : 11 - margin]
            np.testing.assert_allclose(
                result[image, :, :, channel][inside],
                expected[inside],
                rtol=1e-5,
            )


def test_smoothing_leaves_a_constant_map_constant():
    constant = np.full((1, 6, 7, 1), 0.3, "float32")
    np.testing.assert_allclose(
        numpy(layers.GaussianSmoothing(size=5, sigma=1.0)(constant)),
        0.3,
        rtol=1e-6,
    )


@pytest.mark.parametrize(
    ("size", "sigma"), [(4, 1), (0, 1), (3.5, 1), (3, 0), (3, float("nan"))]
)
def test_smoothing_refuses_bad_arguments(size, sigma):
    with pytest.raises(ValueError, match="GaussianSmoothing"):
        layers.GaussianSmoothing(size=size, sigma=sigma)


@pytest.mark.parametrize("rates", [(1, 3, 6, 12), (2,), (1, 2, 3)])
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_aspp_shapes_and_round_trip(rates, kernel_size, tmp_path):
    layer = layers.ASPP(depth=4, dilation_rates=rates, kernel_size=kernel_size)
    result = round_trip(layer, MAPS, tmp_path)
    assert result.shape == (2, 9, 11, 4 * len(rates))
    assert layer.count_params() == len(rates) * 4 * (kernel_size**2 * 3 + 1)


def test_aspp_branches_are_dilated_convolutions_with_weights_of_their_own():
    layer = layers.ASPP(depth=2, dilation_rates=(1, 2), activation=None)
    result = numpy(layer(MAPS))
    kernels = [numpy(branch.kernel) for branch in layer.branches]
    assert not np.array_equal(*kernels)
    # One output in the middle, by the definition of a dilated convolution.
    for index, rate in enumerate((1, 2)):
        patch = MAPS[0, 4 - rate : 5 + rate : rate, 5 - rate : 6 + rate : rate]
        np.testing.assert_allclose(
            result[0, 4, 5, 2 * index],
            np.sum(patch * kernels[index][..., 0]),
            rtol=1e-4,
        )


def test_aspp_needs_a_rate():
    with pytest.raises(ValueError, match="dilation_rates is empty"):
        layers.ASPP(dilation_rates=())


def test_aspp_of_the_paper_has_its_parameters():
    layer = layers.ASPP()
    layer.build((None, 37, 50, 128))
    assert layer.count_params() == 147_584


def test_recovering_relu_is_a_relu_that_lets_zeros_rise():
    x = np.array([[-2.0, -1.0, 0.5, 3.0]], "float32")
    layer = layers.RecoveringReLU()
    np.testing.assert_array_equal(
        keras.Sequential([layer]).predict(x, verbose=0), np.maximum(x, 0)
    )
    up = np.array([[-1.0, 2.0, -1.0, 2.0]], "float32")
    _, slope = gradient(lambda v: ops.multiply(layer(v), up), x)
    # A zero whose increase would raise the loss stays; the other may rise.
    np.testing.assert_array_equal(slope, [[-1.0, 0.0, -1.0, 2.0]])


@pytest.mark.slow
def test_a_dead_map_comes_back_with_recovery_and_not_without():
    features = RNG.random((4, 6, 6, 8)).astype("float32")
    target = np.full((4, 6, 6, 1), 0.5, "float32")
    ends = {}
    for recovery in (True, False):
        inputs = keras.Input((6, 6, 8))
        head = layers.SaliencyHead(
            filters=4, depth=2, dropout=0.0, recovery=recovery
        )
        model = keras.Model(inputs, head(inputs))
        head.projection.bias.assign([-1.0])
        assert model.predict(features, verbose=0).max() == 0
        model.compile(keras.optimizers.Adam(0.05), "mse")
        model.fit(features, target, epochs=60, verbose=0)
        ends[recovery] = model.predict(features, verbose=0).mean()
    assert ends[False] == 0
    assert ends[True] == pytest.approx(0.5, abs=0.1)


def test_rms_scaling_with_a_scale(tmp_path):
    layer = layers.RMSScaling(initial_scale=0.5)
    x = round_trip(layer, MAPS, tmp_path)
    np.testing.assert_allclose(
        np.sqrt(np.mean(x**2, axis=(1, 2, 3))), 0.5, rtol=1e-5
    )
    assert [w.shape for w in layer.trainable_weights] == [()]
    for bad in (0.0, -1.0, float("inf")):
        with pytest.raises(ValueError, match="initial_scale"):
            layers.RMSScaling(initial_scale=bad)


def test_rms_scaling():
    x = MAPS * np.array([1e-6, 1e6], "float32")[:, None, None, None]
    result = numpy(layers.RMSScaling()(x))
    np.testing.assert_allclose(
        np.sqrt(np.mean(result**2, axis=(1, 2, 3))), 1, rtol=1e-5
    )
    zeros = numpy(layers.RMSScaling()(np.zeros_like(MAPS)))
    assert np.all(zeros == 0)
    _, slope = gradient(layers.RMSScaling(), np.zeros_like(MAPS))
    assert np.isfinite(slope).all()


LEVELS = [
    RNG.random((2, 9, 12, 6)).astype("float32"),
    RNG.random((2, 4, 6, 5)).astype("float32"),
]


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("levels", [LEVELS, LEVELS[:1], LEVELS[0]])
def test_head_alone(activation, levels, tmp_path):
    head = layers.SaliencyHead(
        filters=7,
        depth=3,
        dilation_rates=(1, 2),
        kernel_size=3,
        smoothing_sigma=2.0,
        activation=activation,
    )
    result = round_trip(head, levels, tmp_path)
    assert result.shape == (2, 9, 12, 1)
    assert result.min() >= 0
    # Without features only the initial value is left.
    empty = keras.tree.map_structure(np.zeros_like, levels)
    np.testing.assert_allclose(numpy(head(empty)), 0.1, rtol=1e-5)


def test_head_starts_near_the_initial_value_whatever_the_features_scale():
    for scale in (1e-3, 1.0, 1e3):
        head = layers.SaliencyHead(activation="sigmoid", initial_value=0.2)
        result = numpy(head([scale * level for level in LEVELS]))
        assert abs(result.mean() - 0.2) < 0.1


def test_head_without_options():
    head = layers.SaliencyHead(
        smoothing_sigma=None,
        feature_scaling=None,
        initial_value=None,
        recovery=False,
        filters=2,
        depth=1,
    )
    assert numpy(head(LEVELS)).shape == (2, 9, 12, 1)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "tanh"},
        {"feature_scaling": "max"},
        {"initial_value": 0},
        {"initial_value": 1.5},
    ],
)
def test_head_refuses_bad_arguments(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        layers.SaliencyHead(**options)


def test_head_is_float32_at_its_end_in_mixed_precision():
    head = layers.SaliencyHead(
        filters=4, depth=2, dtype="mixed_bfloat16", activation="sigmoid"
    )
    result = head([ops.cast(level, "bfloat16") for level in LEVELS])
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    assert np.isfinite(numpy(result)).all()


@pytest.mark.parametrize(
    "layer",
    [
        layers.ASPP(
            depth=2, dilation_rates=(1, 4), kernel_size=5, activation="tanh"
        ),
        layers.AttentiveConvLSTM(
            filters=5,
            steps=2,
            kernel_size=1,
            kernel_initializer="glorot_uniform",
            recurrent_initializer="he_normal",
            attention_initializer="ones",
        ),
        layers.ClippedRescaling(scale=0.4, offset=0.3),
        layers.GaussianSmoothing(size=7, sigma=2.5),
        layers.ImageNetPreprocessing(architecture="vgg16"),
        layers.LearnedGaussianPrior(gaussians=5, initialization="original"),
        layers.LocalResponseNormalization(size=3, alpha=0.5, beta=0.5, k=2.0),
        layers.Maxout(pool_size=3),
        layers.MultiplicativePrior(factor=7, regularization=0.5),
        layers.RecoveringReLU(),
        layers.RMSScaling(),
        layers.SaliencyHead(
            filters=3,
            kernel_size=1,
            depth=2,
            dilation_rates=(1, 5),
            dropout=0.1,
            smoothing_size=3,
            smoothing_sigma=0.7,
            activation="sigmoid",
            feature_scaling=None,
            initial_value=0.4,
            recovery=False,
        ),
        layers.WeightNormalizedConv2D(
            filters=4, kernel_size=5, activation="relu"
        ),
        layers.DensityHead(
            filters=8,
            depth=4,
            dilation_rates=(1, 2),
            dropout=0.2,
            prior_size=(3, 4),
        ),
        layers.DensityOutput(size=7, initial_sigma=1.5),
        layers.SpatialLSTM(units=3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_configuration_round_trip(layer):
    config = json.loads(json.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config
    arguments = inspect.signature(type(layer).__init__).parameters.values()
    for argument in arguments:
        if argument.kind is argument.KEYWORD_ONLY:
            assert argument.name in config
            assert hasattr(layer, argument.name)
        else:
            assert argument.name in ("self", "args", "kwargs")


# As files hold them: an activation by its name.
@pytest.mark.parametrize(
    ("activation", "stored"),
    [("tanh", "tanh"), (None, "linear"), (keras.activations.relu, "relu")],
)
def test_an_activation_is_stored_by_its_name(activation, stored):
    for layer in (
        layers.ASPP(activation=activation),
        layers.WeightNormalizedConv2D(filters=2, activation=activation),
    ):
        assert layer.get_config()["activation"] == stored


def test_every_layer_is_in_the_test_above():
    (mark,) = test_configuration_round_trip.pytestmark
    tested = {type(layer).__name__ for layer in mark.args[1]}
    assert tested == set(layers.__all__)


def test_initializers_may_be_functions():
    def ones(shape, dtype=None):
        return ops.ones(shape, dtype)

    aspp = layers.ASPP(depth=4, kernel_initializer=ones)
    aspp.build((1, 6, 8, 3))
    assert all((numpy(w) == 1).all() for w in aspp.weights if w.ndim == 4)
    lstm = layers.AttentiveConvLSTM(
        filters=2, kernel_initializer=ones, attention_initializer=ones
    )
    lstm.build((1, 6, 8, 3))
    assert (numpy(lstm.kernel) == 1).all()
    assert (numpy(lstm.attention_kernel) == 1).all()
