"""What `compile` of our models takes, and what it refuses."""

import functools

import keras
import numpy as np
import pytest

from keras_saliency import losses, metrics, models, targets
from keras_saliency.models.base import SaliencyModel

RNG = np.random.default_rng(0)
SIZE = (6, 8)
X = RNG.random((4, *SIZE, 3)).astype("float32")
Y = targets.pack(RNG.random((4, *SIZE)), RNG.integers(0, 2, (4, *SIZE)))


def network():
    inputs = keras.Input(X.shape[1:])
    outputs = keras.layers.Conv2D(
        1, 3, padding="same", activation="sigmoid", name="map"
    )(inputs)
    return SaliencyModel(inputs, outputs)


def own_function(y_true, y_pred):
    return keras.ops.mean((y_true[..., :1] - y_pred) ** 2, axis=(1, 2, 3))


class OwnLoss(keras.losses.MeanSquaredError):
    def call(self, y_true, y_pred):
        return super().call(y_true[..., :1], y_pred)


def compiled(**arguments):
    model = network()
    model.compile("sgd", run_eagerly=True, **arguments)
    return model


def logs_of(model, **arguments):
    return model.evaluate(X, Y, verbose=0, return_dict=True, **arguments)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("KLD", "KLD"),
        ("kld", "KLD"),
        ("kl_divergence", "KLD"),
        ("mse", "MSE"),
        ("mean_squared_error", "MSE"),
        ("mae", "AE"),
        ("binary_crossentropy", "BCE"),
        ("KLD + CC + NSS", "KLD + CC + NSS"),
        (losses.KLDivergence, "KLD"),
        ([losses.KLDivergence()], "KLD"),
        (("mse",), "MSE"),
        ({"map": "mse"}, "MSE"),
        (own_function, "MSE"),
        (OwnLoss(), "MSE"),
        (functools.partial(own_function), "MSE"),
    ],
)
def test_losses_are_ours_or_the_user_s(given, name):
    model = compiled(loss=given)
    expected = losses.get(name)(Y, model.predict(X, verbose=0))
    assert logs_of(model)["loss"] == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (keras.losses.KLDivergence(), r"Use losses.KLDivergence\(\)"),
        (keras.losses.MeanSquaredError, r"Use losses.MeanSquaredError\(\)"),
        (keras.losses.mean_squared_error, r"both channels.*of your own"),
        (
            functools.partial(keras.losses.binary_crossentropy, axis=1),
            r"Use losses.BinaryCrossEntropy\(\)",
        ),
        (keras.losses.Huber(), "Keras' own loss Huber.*losses.get: MSE, EAD"),
        ("hinge", "There is no loss 'hinge'. Known are: MSE"),
        (["KLD", "CC"], r"one loss.*'KLD', 'CC'.*CombinedLoss"),
        ({"map": "KLD", "other": "CC"}, "one loss.*CombinedLoss"),
        ([losses.KLDivergence(), own_function], "drop the others"),
    ],
)
def test_losses_that_would_be_wrong_without_a_word_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        compiled(loss=given)


def test_models_of_several_outputs_are_refused():
    maps = [keras.layers.Conv2D(1, 3), keras.layers.Conv2D(1, 3)]
    inputs = keras.Input(X.shape[1:])
    model = SaliencyModel(inputs, [layer(inputs) for layer in maps])
    with pytest.raises(ValueError, match="the map; this one has 2 outputs"):
        model.compile("sgd", "KLD")
    # A training step of the user's own may use them.
    model.compile("sgd")


@pytest.mark.parametrize("given", [2, np.float32(2), [2.0], {"map": 2}])
def test_one_weight_of_the_loss(given):
    model = compiled(loss="mse", loss_weights=given, metrics=["mse"])
    logs = logs_of(model)
    assert logs["loss"] == pytest.approx(2 * logs["mse"], rel=1e-5)


@pytest.mark.parametrize("given", [[10, 2], {"a": 1, "b": 2}, "10", [True]])
def test_other_weights_are_refused(given):
    with pytest.raises(
        ValueError, match="loss_weights is one number.*Combined"
    ):
        compiled(loss="mse", loss_weights=given)


@pytest.mark.parametrize(
    "given",
    [
        ["cc", "mse"],
        ("CC", "mse"),
        {"map": ["cc", "mse"]},
        [metrics.CorrelationCoefficient(), "mse"],
        [metrics.CorrelationCoefficient, "mse"],
    ],
)
def test_metrics_by_name(given, tmp_path):
    model = compiled(loss="KLD", metrics=given)
    logs = logs_of(model)
    assert set(logs) == {"loss", "cc", "mse"}
    prediction = model.predict(X, verbose=0)
    for name, sign in (("cc", -1), ("mse", 1)):
        expected = sign * float(losses.get(name)(Y, prediction))
        assert logs[name] == pytest.approx(expected, rel=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert logs_of(again) == pytest.approx(logs, rel=1e-5)


def test_metrics_are_weighted_if_asked_to():
    model = compiled(loss="mse", weighted_metrics="mae", metrics=own_function)
    weights = [1, 0, 2, 0]
    logs = logs_of(model, sample_weight=weights)
    prediction = model.predict(X, verbose=0)
    each = np.abs(Y[..., :1] - prediction).mean(axis=(1, 2, 3))
    assert logs["mae"] == pytest.approx(np.average(each, weights=weights))
    each = ((Y[..., :1] - prediction) ** 2).mean(axis=(1, 2, 3))
    assert logs["own_function"] == pytest.approx(each.mean())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["accuracy"], "no metric 'accuracy' for maps. Metrics are cc, sim"),
        ([keras.metrics.MeanSquaredError()], "Keras' own metric.*cc, sim"),
        (keras.metrics.AUC(), "Keras' own metric AUC.*update_state"),
        ({"map": keras.losses.mean_squared_error}, "both channels"),
    ],
)
def test_metrics_that_would_be_wrong_are_refused(given, message):
    for argument in ("metrics", "weighted_metrics"):
        with pytest.raises(ValueError, match=message):
            compiled(loss="mse", **{argument: given})


@pytest.mark.further
def test_weights_of_images_in_any_form():
    model = compiled(loss="mse")
    alone = logs_of(model)["loss"]
    for given in (2, np.float32(2), [2, 2, 2, 2], np.full((4, 1), 2)):
        for weighted in (
            logs_of(model, sample_weight=given)["loss"],
            model.fit(
                X, Y, sample_weight=given, verbose=0, batch_size=4
            ).history["loss"][0],
        ):
            assert weighted == pytest.approx(2 * alone, rel=0.1)
    logs = model.fit(X, Y, validation_data=(X, Y, [0, 0, 0, 0]), verbose=0)
    assert logs.history["val_loss"] == [0]


def test_adversarial_training_takes_them_too():
    pairs = keras.Input((*SIZE, 4))
    judged = keras.layers.Dense(1, activation="sigmoid")(
        keras.layers.GlobalAveragePooling2D()(pairs)
    )
    trainer = models.AdversarialTraining(network(), keras.Model(pairs, judged))
    trainer.compile(loss="mse", metrics=("mae",))
    assert isinstance(trainer.loss, losses.MeanSquaredError)
    with pytest.raises(ValueError, match="Keras' own loss"):
        trainer.compile(loss=keras.losses.MeanSquaredError())
