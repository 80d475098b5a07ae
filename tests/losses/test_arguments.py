"""Losses and metrics take what Keras' and NumPy's users give them."""

import sys

import keras
import numpy as np
import pytest
from keras import ops

from keras_saliency import losses, metrics, targets

RNG = np.random.default_rng(0)
SIZE = (33, 35)
DENSITY = RNG.random((3, *SIZE))
COUNTS = RNG.poisson(0.05, (3, *SIZE))
Y = targets.pack(DENSITY, COUNTS)
P = RNG.random((3, *SIZE, 1)).astype("float32")
# One of each way to a value per image.
FEW = ["MSE", "BCE", "NLL", "R", "SFNE", "LC1"]


def build(name):
    if name == "Sinkhorn":
        return losses.SinkhornDivergence(grid=6, iterations=3)
    return losses.get(name, prior=DENSITY[0], vgg_weights=None)


@pytest.mark.parametrize("name", FEW)
def test_weights_of_images_in_any_form(name):
    loss = build(name)
    expected = float(loss(Y, P, sample_weight=np.float32([2, 0, 1])))
    for given in (
        [2, 0, 1],
        (2.0, 0.0, 1.0),
        np.array([2, 0, 1]),
        np.float64([[2], [0], [1]]),
        np.uint8([2, 0, 1]),
        ops.convert_to_tensor([2.0, 0.0, 1.0]),
    ):
        assert float(loss(Y, P, sample_weight=given)) == expected
    for number in (2, 2.0, np.float32(2), np.array(2), np.int64(2)):
        assert float(loss(Y, P, sample_weight=number)) == pytest.approx(
            2 * float(loss(Y, P)), rel=1e-6
        )
    for bad in ([1, 2], np.ones((3, *SIZE)), np.ones((3, 2)), np.ones((1, 3))):
        with pytest.raises(ValueError, match=r"one weight per image.*\(3,\)"):
            loss(Y, P, sample_weight=bad)


@pytest.mark.parametrize("name", metrics.METRICS)
def test_weights_of_images_for_metrics(name):
    def value(given):
        metric = metrics.METRICS[name]()
        metric.update_state(Y, P, sample_weight=given)
        return float(metric.result())

    expected = value(np.float32([2, 0, 1]))
    for given in ([2, 0, 1], np.array([[2], [0], [1]])):
        assert value(given) == expected
    for number in (2, np.float64(2)):
        assert value(number) == pytest.approx(value(None), rel=1e-6)
    with pytest.raises(ValueError, match="one weight per image"):
        value([1, 2])


def tensors(values):
    """The same values as other libraries, where they are there, hold them."""
    yield values
    yield ops.convert_to_tensor(values)
    # Loading a library for this takes longer than all the rest.
    if "tensorflow" in sys.modules:
        yield sys.modules["tensorflow"].constant(values)
    if "torch" in sys.modules:
        yield sys.modules["torch"].tensor(values)
    if "jax" in sys.modules:
        yield sys.modules["jax"].numpy.asarray(values)


@pytest.mark.parametrize(
    "dtype", ["float64", "int64", "int32", "uint8", "bool", "float16"]
)
@pytest.mark.parametrize("name", ["LC1", "BCE", "MSE"])
def test_targets_of_any_type(name, dtype):
    loss = build(name)
    truth = np.stack([DENSITY > 0.5, COUNTS > 0], axis=-1)
    expected = float(loss(truth.astype("float32"), P))
    for given in tensors(truth.astype(dtype)):
        assert float(loss(given, P)) == pytest.approx(expected, rel=1e-6)
        metric = metrics.NormalizedScanpathSaliency()
        metric.update_state(given, P)
        assert np.isfinite(float(metric.result()))
    assert float(loss(truth.tolist(), P.tolist())) == pytest.approx(
        expected, rel=1e-6
    )
    assert float(loss(truth, P.astype("float64"))) == pytest.approx(
        expected, rel=1e-6
    )


@pytest.mark.parametrize("count", [1, 2])
def test_targets_of_other_numbers_of_images_are_refused(count):
    for loss in (losses.MeanSquaredError(), build("LC1")):
        with pytest.raises(ValueError, match="as many images"):
            loss(Y[:count], P)
    with pytest.raises(ValueError, match="as many images"):
        metrics.KLDivergence().update_state(Y[:count], P)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="JAX and PyTorch know every size when they compute",
)
@pytest.mark.parametrize("name", [*losses.LOSSES, *metrics.METRICS])
@pytest.mark.quick(
    "^(MSE|NLL|R|IG|SFNE|Sinkhorn|soft-AUC|SSIM|DF|auc_judd|sim)$"
)
def test_images_of_sizes_that_a_graph_does_not_know(name):
    import tensorflow as tf

    if name in losses.LOSSES:
        call = build(name).call
    else:
        metric = metrics.METRICS[name]()

        def call(y, p):
            return metric.compute(targets.select(y, metric.target, name), p)

    shape = [None, None, None]
    graph = tf.function(
        call,
        input_signature=[
            tf.TensorSpec([*shape, 2]),
            tf.TensorSpec([*shape, 1]),
        ],
    )
    sizes = [SIZE] if name in ("R", "IG") else [SIZE, (20, 35)]
    for height, width in sizes:
        y = tf.constant(Y[:2, :height, :width])
        p = tf.constant(P[:2, :height, :width])
        np.testing.assert_allclose(graph(y, p), call(y, p), rtol=1e-4)


def test_training_on_images_of_varying_size():
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(
        inputs
    )
    model = keras.Model(inputs, outputs)
    loss = losses.KLDivergence() + losses.NormalizedScanpathSaliency()
    model.compile("sgd", loss, metrics=[m() for m in metrics.METRICS.values()])
    for height, width in ((16, 20), (20, 12)):
        x = RNG.random((2, height, width, 3)).astype("float32")
        logs = model.train_on_batch(x, Y[:2, :height, :width], return_dict=True)
        assert np.isfinite([*logs.values()]).all()


@pytest.mark.once
@pytest.mark.parametrize("name", ["DF", "GM"])
def test_features_in_bfloat16(name, vgg16_weights):
    exact = losses.get(name, vgg_weights=vgg16_weights).call(Y, P)
    loss = losses.get(name, vgg_weights=vgg16_weights, feature_dtype="bfloat16")
    values = loss.call(Y, P)
    assert loss.get_config()["feature_dtype"] == "bfloat16"
    assert keras.backend.standardize_dtype(values.dtype) == "float32"
    values, exact = (ops.convert_to_numpy(each) for each in (values, exact))
    np.testing.assert_allclose(values, exact, rtol=0.01)
    assert (values != exact).any()


def test_an_unknown_precision_of_features():
    with pytest.raises(ValueError, match="feature_dtype must be one of"):
        losses.get("DF", vgg_weights=None, feature_dtype="float16")
