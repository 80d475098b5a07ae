"""The attentive ConvLSTM against its formula in NumPy."""

import keras
import numpy as np
import pytest
from autodiff import gradient
from keras import ops
from scipy import signal

from keras_saliency import layers

RNG = np.random.default_rng(0)
SHAPE = (2, 5, 7, 3)
X = RNG.standard_normal(SHAPE).astype("float32")


def built(filters=4, steps=3, channels=3, **options):
    """A layer whose weights are all different from zero."""
    layer = layers.AttentiveConvLSTM(filters=filters, steps=steps, **options)
    layer.build((None, None, None, channels))
    layer.set_weights(
        [0.5 * RNG.standard_normal(w.shape) for w in layer.get_weights()]
    )
    return layer


def convolve(x, kernel, bias=0.0):
    """`(height, width, channels)` with a kernel as Keras has it."""
    maps = [
        sum(
            signal.correlate2d(x[..., c], kernel[..., c, f], mode="same")
            for c in range(x.shape[-1])
        )
        for f in range(kernel.shape[-1])
    ]
    return np.stack(maps, axis=-1) + bias


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference(layer, x):
    """The docstring's formula, without any shortcut; also the attention."""
    w = {v.name: np.array(v, "float64") for v in layer.weights}
    n = layer.filters

    def gate(name, i):
        return w[name][..., i * n : (i + 1) * n]

    hidden = memory = np.zeros((*x.shape[:2], n))
    maps = []
    for _ in range(layer.steps):
        energy = convolve(
            np.tanh(
                convolve(
                    hidden,
                    gate("recurrent_kernel", 0),
                    gate("recurrent_bias", 0),
                )
                + convolve(
                    x, w["attention_input_kernel"], w["attention_input_bias"]
                )
            ),
            w["attention_kernel"],
        )
        attention = np.exp(energy) / np.exp(energy).sum()
        maps.append(attention)
        i, f, g, o = (
            convolve(attention * x, gate("kernel", k), gate("bias", k))
            + convolve(
                hidden,
                gate("recurrent_kernel", k + 1),
                gate("recurrent_bias", k + 1),
            )
            for k in range(4)
        )
        memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(memory)
    return hidden, maps


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_equals_the_formula(steps, kernel_size):
    layer = built(steps=steps, kernel_size=kernel_size)
    result = ops.convert_to_numpy(layer(X))
    assert result.shape == (2, 5, 7, 4)
    for image, expected in zip(X, result, strict=True):
        np.testing.assert_allclose(
            expected, reference(layer, image)[0], rtol=1e-4, atol=1e-5
        )


def test_attention_matters_in_the_test_above():
    """It is far from even, and differs from step to step."""
    maps = reference(built(), X[0])[1]
    assert max(m.max() for m in maps) > 3 / 35
    assert np.abs(maps[1] - maps[0]).max() > 0.01


def test_a_large_energy_does_not_overflow():
    layer = built()
    layer.attention_kernel.assign(1e4 * np.array(layer.attention_kernel))
    assert np.isfinite(ops.convert_to_numpy(layer(X))).all()


def test_the_original_s_parameters_and_initial_values():
    n = 128
    layer = layers.AttentiveConvLSTM(filters=n)
    layer.build((None, 30, 40, n))
    # Ten convolutions with a bias, and one to one map without.
    assert layer.count_params() == 10 * (9 * n * n + n) + 9 * n
    weights = {w.name: np.array(w) for w in layer.weights}
    assert not weights["attention_kernel"].any()
    for name in weights:
        if name.endswith("bias"):
            assert not weights[name].any()
    for part in (
        weights["attention_input_kernel"],
        weights["kernel"],
        weights["recurrent_kernel"][..., :n],
    ):
        assert part.std() == pytest.approx(0.05, rel=0.01)
    for k in range(1, 5):
        part = weights["recurrent_kernel"][..., n * k : n * (k + 1)]
        part = part.reshape(-1, n)
        np.testing.assert_allclose(part.T @ part, 1.1**2 * np.eye(n), atol=1e-4)
    gates = np.split(weights["kernel"], 4, axis=-1)
    assert not np.array_equal(gates[0], gates[1])


def test_gradients_are_those_of_differences():
    layer = built()
    weights = RNG.standard_normal((2, 5, 7, 4))
    value, slope = gradient(
        lambda x: ops.multiply(layer(x), weights.astype("float32")), X
    )

    def function(x):
        results = [reference(layer, image)[0] for image in x]
        return np.sum(weights * results)

    assert value == pytest.approx(function(X.astype("float64")), abs=1e-4)
    for place in ((0, 0, 0, 0), (1, 2, 3, 1), (0, 4, 6, 2)):
        up, down = (X.astype("float64") for _ in range(2))
        up[place] += 1e-5
        down[place] -= 1e-5
        difference = (function(up) - function(down)) / 2e-5
        assert slope[place] == pytest.approx(difference, rel=1e-3, abs=1e-4)


@pytest.mark.further
def test_every_weight_trains(tmp_path):
    inputs = keras.Input(SHAPE[1:])
    layer = built()
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = layer.get_weights()
    model.fit(X, np.ones((2, 5, 7, 4), "float32"), verbose=0)
    for old, weight in zip(before, layer.weights, strict=True):
        assert np.isfinite(np.array(weight)).all()
        assert not np.array_equal(old, weight), weight.path
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.output_shape == model.output_shape == (None, 5, 7, 4)
    np.testing.assert_array_equal(
        *(m.predict(X, verbose=0) for m in (model, loaded))
    )


def test_sizes_known_only_at_run_time():
    inputs = keras.Input((None, None, 3))
    layer = built()
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, None, None, 4)
    np.testing.assert_allclose(
        model.predict(X, verbose=0),
        ops.convert_to_numpy(layer(X)),
        rtol=1e-5,
        atol=1e-6,
    )


def test_initializers_survive_the_configuration():
    layer = layers.AttentiveConvLSTM(filters=5, attention_initializer="ones")
    again = layers.AttentiveConvLSTM.from_config(layer.get_config())
    again.build((None, 4, 4, 3))
    np.testing.assert_array_equal(np.array(again.attention_kernel), 1)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.once
def test_half_precision_comes_near(dtype):
    exact = built(dtype="float32")
    layer = layers.AttentiveConvLSTM(filters=4, steps=3, dtype=dtype)
    layer.build((None, 5, 7, 3))
    layer.set_weights([np.array(w) for w in exact.weights])
    result = layer(X)
    assert dtype.removeprefix("mixed_") in str(result.dtype)
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.cast(result, "float32")),
        ops.convert_to_numpy(exact(X)),
        atol=0.05,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": 0}, "filters"),
        ({"filters": 1.5}, "filters"),
        ({"steps": 0}, "steps"),
        ({"kernel_size": 2}, "odd"),
        ({"kernel_size": -1}, "odd"),
    ],
)
def test_refuses_bad_arguments(options, message):
    with pytest.raises(ValueError, match=f"AttentiveConvLSTM: .*{message}"):
        layers.AttentiveConvLSTM(**options)
