"""The terms of a combined loss in the logs: right, and computed once."""

import json
import zipfile

import keras
import numpy as np
import pytest
from autodiff import gradient

from keras_saliency import functional, losses, targets
from keras_saliency.metrics import LossTerms
from keras_saliency.models.base import SaliencyModel

RNG = np.random.default_rng(0)
COUNT, SIZE = 10, (6, 8)
X = RNG.random((COUNT, *SIZE, 8)).astype("float32")
Y = targets.pack(RNG.random((COUNT, *SIZE)), RNG.integers(0, 2, (COUNT, *SIZE)))
WEIGHTS = RNG.integers(0, 4, COUNT).astype("float32")
PRIOR = RNG.random(SIZE)


def combination():
    return (
        10 * losses.KLDivergence()
        + 2 * losses.MeanSquaredError()
        + losses.CenterBias(PRIOR)
    )


def network(kind):
    inputs = keras.Input(X.shape[1:])
    outputs = keras.layers.Conv2D(
        1, 3, padding="same", activation="sigmoid", name="map"
    )(inputs)
    return kind(inputs, outputs)


def compiled(kind=SaliencyModel, loss=None, rate=0.0, metrics=(), **options):
    loss = loss or combination()
    model = network(kind)
    if kind is keras.Model:
        metrics = [*metrics, LossTerms(loss)]
    model.compile(keras.optimizers.SGD(rate), loss, metrics=metrics, **options)
    return model


def by_hand(model, weights=None, part=np.s_[:]):
    """The mean of each term, computed one by one."""
    prediction = model.predict(X[part], verbose=0)
    return {
        term.name: np.average(
            keras.ops.convert_to_numpy(term.call(Y[part], prediction)),
            weights=None if weights is None else weights[part],
        )
        for term in combination().losses
    }


def check(logs, expected, prefix=""):
    for name, value in expected.items():
        logged = logs[prefix + name]
        if isinstance(logged, list):
            (logged,) = logged
        assert logged == pytest.approx(value, rel=1e-4, abs=1e-6), name


MODES = {
    "eager": {"run_eagerly": True},
    "compiled": {"jit_compile": False},
    "steps together": {"steps_per_execution": 2},
    "XLA": {"jit_compile": True},
}


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        pytest.param(SaliencyModel, "eager", marks=pytest.mark.once),
        (SaliencyModel, "compiled"),
        pytest.param(
            SaliencyModel,
            "steps together",
            marks=pytest.mark.skipif(
                keras.backend.backend() == "torch",
                reason="Keras has no steps_per_execution on torch",
            ),
        ),
        pytest.param(SaliencyModel, "XLA", marks=pytest.mark.slow),
        (keras.Model, "compiled"),
    ],
)
@pytest.mark.quick("SaliencyModel-compiled")
def test_means_over_images_with_weights_and_an_uneven_last_batch(kind, mode):
    model = compiled(kind, **MODES[mode])
    logs = model.fit(
        X,
        Y,
        sample_weight=WEIGHTS,
        batch_size=4,
        validation_data=(X[:7], Y[:7]),
        verbose=0,
    ).history
    check(logs, by_hand(model, WEIGHTS))
    check(logs, by_hand(model, part=np.s_[:7]), "val_")
    logs = model.evaluate(
        X[:7],
        Y[:7],
        sample_weight=WEIGHTS[:7, None],
        batch_size=4,
        verbose=0,
        return_dict=True,
    )
    check(logs, by_hand(model, WEIGHTS, np.s_[:7]))


@pytest.mark.parametrize(
    "metrics",
    [None, ["mae"], ("mae",), {"map": "mae"}, {"map": ["mae", "mse"]}],
    ids=["none", "list", "tuple", "dictionary", "dictionary of lists"],
)
def test_each_step_computes_a_term_once(metrics, monkeypatch):
    calls = count_calls(monkeypatch)
    model = compiled(rate=0.1, metrics=metrics, run_eagerly=True)
    check_number_of_calls(model, calls)


def test_each_step_of_a_plain_keras_model_computes_a_term_once(monkeypatch):
    calls = count_calls(monkeypatch)
    check_number_of_calls(compiled(keras.Model, run_eagerly=True), calls)


def count_calls(monkeypatch):
    calls = []
    divergence = functional.kl_divergence

    def counted(*arguments, **options):
        calls.append(arguments)
        return divergence(*arguments, **options)

    monkeypatch.setattr(functional, "kl_divergence", counted)
    return calls


def check_number_of_calls(model, calls):
    # The first call also builds what Keras builds late.
    model.train_on_batch(X, Y)
    calls.clear()
    logs = model.fit(X, Y, batch_size=4, validation_data=(X, Y), verbose=0)
    assert {"kld", "val_kld"} < set(logs.history)
    # Batches of 4, 4 and 2 images, in training and in validation.
    assert len(calls) == 3 + 3
    calls.clear()
    model.evaluate(X, Y, batch_size=5, verbose=0)
    assert len(calls) == 2


def test_other_calls_of_the_loss_change_nothing():
    loss = combination()
    model = compiled(loss=loss)
    expected = by_hand(model)

    class Call(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            loss(Y[:3], 1 - Y[:3, :, :, :1])
            gradient(lambda x: loss(Y[:3], x), Y[:3, :, :, :1])

    logs = model.fit(X, Y, batch_size=4, callbacks=[Call()], verbose=0).history
    check(logs, expected)
    gradient(lambda x: loss(Y[:3], x), Y[:3, :, :, :1])
    check(model.evaluate(X, Y, verbose=0, return_dict=True), expected)


@pytest.mark.further
def test_a_loss_of_two_models_reports_to_the_one_in_training():
    loss = combination()
    first, second = compiled(loss=loss), compiled(loss=loss)
    for model in (first, second, first):
        logs = model.fit(X, Y, batch_size=4, verbose=0).history
        check(logs, by_hand(model))


def test_by_itself_it_computes_the_terms():
    terms = LossTerms(combination())
    prediction = RNG.random((COUNT, *SIZE, 1)).astype("float32")
    terms.update_state(Y, prediction, sample_weight=WEIGHTS)
    assert float(terms.result()["kld"]) == pytest.approx(
        np.average(
            keras.ops.convert_to_numpy(
                losses.KLDivergence().call(Y, prediction)
            ),
            weights=WEIGHTS,
        ),
        rel=1e-5,
    )
    terms.reset_state()
    assert float(terms.result()["kld"]) == 0


def test_saved_and_read_the_terms_are_there_and_the_prior_is_stored_once(
    tmp_path,
):
    model = compiled(rate=0.1)
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        config = json.loads(file.read("config.json"))
    assert json.dumps(config).count('"CenterBias"') == 1
    loaded = keras.models.load_model(tmp_path / "model.keras")
    logs = loaded.evaluate(X, Y, verbose=0, return_dict=True)
    check(logs, by_hand(loaded))
    assert logs == pytest.approx(
        model.evaluate(X, Y, verbose=0, return_dict=True), rel=1e-6
    )
    loaded.fit(X, Y, verbose=0)


def test_a_plain_keras_model_read_back_computes_a_term_once(
    tmp_path, monkeypatch
):
    compiled(keras.Model).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.run_eagerly = True
    check_number_of_calls(loaded, count_calls(monkeypatch))


@pytest.mark.further
def test_compiled_again_nothing_of_the_first_is_left():
    loss = combination()
    model = compiled(loss=loss)
    model.fit(X, Y, verbose=0)
    model.compile("sgd", loss)
    assert len(loss._receivers) == 1
    assert [m.name for m in model.metrics].count("loss_terms") == 1
    check(model.evaluate(X, Y, verbose=0, return_dict=True), by_hand(model))
    model.compile("sgd", losses.MeanSquaredError())
    assert set(model.fit(X, Y, verbose=0).history) == {"loss"}
    assert len(loss._receivers) == 0


def test_a_batch_before_a_reset_does_not_count():
    terms = LossTerms(combination())
    prediction = RNG.random((COUNT, *SIZE, 1)).astype("float32")
    terms.loss(Y, prediction)
    terms.reset_state()
    terms.update_state(Y, prediction)
    wanted = keras.ops.convert_to_numpy(
        losses.KLDivergence().call(Y, prediction)
    )
    assert float(terms.result()["kld"]) == pytest.approx(
        wanted.mean(), rel=1e-5
    )


def test_a_loss_without_terms_is_refused():
    with pytest.raises(TypeError, match=r"CombinedLoss\(\[loss\]\)"):
        LossTerms(losses.KLDivergence())


def test_no_term_has_the_name_of_the_whole():
    with pytest.raises(ValueError, match='must not be named "loss"'):
        losses.CombinedLoss([losses.KLDivergence(name="loss")])
