"""The LSTM over rows and columns."""

import keras
import numpy as np
import pytest

from keras_saliency import layers

RNG = np.random.default_rng(0)
FEATURES = RNG.standard_normal((2, 3, 4, 5)).astype("float32")
CONTEXT = RNG.standard_normal((2, 6)).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(steps, context, weights):
    """Outputs at the steps of one sequence; the context is at the first."""
    kernel, recurrent, bias = (w.astype("float64") for w in weights)
    units = len(recurrent)
    hidden = cell = np.zeros(units)
    outputs = []
    for index, x in enumerate(steps):
        start = context if index == 0 else np.zeros_like(context)
        gates = np.concatenate([x, start]) @ kernel + hidden @ recurrent + bias
        into, keep, new, out = np.split(gates, 4)
        cell = sigmoid(keep) * cell + sigmoid(into) * np.tanh(new)
        hidden = sigmoid(out) * np.tanh(cell)
        outputs.append(hidden)
    return np.array(outputs)


def both_ways(row, context, weights):
    onward = lstm(row, context, weights)
    back = lstm(row[::-1], context, weights)[::-1]
    return np.concatenate([onward, back], axis=-1)


def expected(features, context, layer):
    maps = []
    for image, numbers in zip(features, context, strict=True):
        x = [both_ways(r, numbers, layer.rows.get_weights()) for r in image]
        x = np.swapaxes(x, 0, 1)
        x = [both_ways(c, numbers, layer.columns.get_weights()) for c in x]
        maps.append(np.swapaxes(x, 0, 1))
    return np.array(maps)


@pytest.mark.parametrize("with_context", [True, False])
def test_equals_numpy_and_is_saved(with_context, tmp_path):
    layer = layers.SpatialLSTM(units=2)
    features = keras.Input(FEATURES.shape[1:])
    context = keras.Input(CONTEXT.shape[1:])
    if with_context:
        inputs, symbolic = [FEATURES, CONTEXT], [features, context]
        numbers = CONTEXT
    else:
        inputs, symbolic, numbers = FEATURES, features, CONTEXT[:, :0]
    model = keras.Model(symbolic, layer(symbolic))
    assert model.output_shape == (None, 3, 4, 4)
    found = keras.ops.convert_to_numpy(model(inputs))
    np.testing.assert_allclose(
        found, expected(FEATURES, numbers, layer), rtol=1e-4, atol=1e-6
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(loaded(inputs)), found
    )


def test_parameters_of_the_paper_s_layers():
    """As in the authors' description: 512 features, 128 of the context."""
    layer = layers.SpatialLSTM()
    layer.build([(None, 60, 80, 512), (None, 128)])
    assert layer.rows.count_params() == (512 + 128 + 128) * 512 + 512
    assert layer.columns.count_params() == (256 + 128 + 128) * 512 + 512
    kernel, recurrent, bias = layer.rows.get_weights()
    assert 0.19 < np.abs(kernel).max() <= 0.2
    assert 0.19 < np.abs(recurrent).max() <= 0.2
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 128))


def test_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="units"):
        layers.SpatialLSTM(units=0)
    with pytest.raises(ValueError, match="must be known.*input_shape"):
        layers.SpatialLSTM(units=1)(keras.Input((None, 8, 3)))
