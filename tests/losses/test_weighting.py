"""Weights of terms that `fit` learns."""

import json

import keras
import numpy as np
import pytest
from autodiff import gradient

from keras_saliency import losses, targets
from keras_saliency.callbacks import Resume
from keras_saliency.losses import CombinedLoss
from keras_saliency.models import SaliencyModel

RNG = np.random.default_rng(0)
COUNT, SIZE = 8, (6, 8)
X = RNG.random((COUNT, *SIZE, 8)).astype("float32")
Y = targets.pack(RNG.random((COUNT, *SIZE)), RNG.integers(0, 2, (COUNT, *SIZE)))
TERMS = ("kld", "neg_cc", "eml_nss")


def combination(weighting, **options):
    terms = [
        losses.KLDivergence(),
        losses.CorrelationCoefficient(),
        losses.BoundedScanpathSaliency(),
    ]
    return CombinedLoss(terms, weighting=weighting, **options)


# JAX compiles each operation by itself where the whole is not compiled.
EAGERLY = keras.backend.backend() != "jax"


def compiled(loss, rate=0.0, kind=SaliencyModel, run_eagerly=EAGERLY):
    keras.utils.set_random_seed(1)
    inputs = keras.Input(X.shape[1:])
    outputs = keras.layers.Conv2D(
        1, 3, padding="same", activation="sigmoid", name="map"
    )(inputs)
    model = kind(inputs, outputs)
    model.compile(keras.optimizers.SGD(rate), loss, run_eagerly=run_eagerly)
    return model


def fit(model, epochs=1, **options):
    options = {"batch_size": COUNT, "shuffle": False, "verbose": 0, **options}
    return model.fit(X, Y, epochs=epochs, **options).history


def means(model, loss, weights=None):
    """The mean of each term, above its bound."""
    values = loss.per_term(Y, model.predict(X, verbose=0))
    return np.array(
        [
            np.average(keras.ops.convert_to_numpy(v), weights=weights)
            - term.lower_bound
            for v, term in zip(values, loss.losses, strict=True)
        ]
    )


def weights_of(loss):
    return keras.ops.convert_to_numpy(loss.learned.weights())


def test_variances_go_to_the_values_of_the_terms():
    """Kendall's optimum: sigma^2 = L, so that a weight is 1 / (2 L)."""
    loss = combination("uncertainty", weights=[2, 1, 0.1], momentum=0.25)
    model = compiled(loss)
    optimum = 0.5 / means(model, loss)
    np.testing.assert_allclose(weights_of(loss), [2, 1, 0.1], rtol=1e-6)
    logs = fit(model)
    # Three quarters of the way, in the variance.
    near = 0.25 / np.array([2, 1, 0.1]) + 0.75 / optimum
    np.testing.assert_allclose(weights_of(loss), 1 / near, rtol=1e-4)
    logs = fit(model, epochs=5)
    logged = [logs[f"weight_{name}"] for name in TERMS]
    np.testing.assert_allclose(np.array(logged)[:, -1], weights_of(loss))
    np.testing.assert_allclose(weights_of(loss), optimum, rtol=5e-3)
    # There the objective is 1/2 for each term, and log sigma.
    expected = 0.5 * (len(TERMS) + np.log(0.5 / optimum).sum())
    assert logs["loss"][-1] == pytest.approx(expected, abs=0.01)
    # Each epoch is nearer, from whichever side.
    distances = np.abs(1 / np.array(logged) - 1 / optimum[:, None])
    assert (np.diff(distances, axis=1) <= 1e-5).all()


def test_each_term_has_its_share_of_the_gradient():
    loss = combination("gradients", weights=[1, 2, 0.5])
    model = compiled(loss)
    fit(model)
    weights = weights_of(loss)
    assert weights.sum() == pytest.approx(3.5, rel=1e-5)
    prediction = model.predict(X, verbose=0)
    shares = []
    for weight, term in zip(weights, loss.losses, strict=True):
        _, slope = gradient(lambda x, term=term: term.call(Y, x), prediction)
        norms = np.sqrt(np.square(slope).sum(axis=(1, 2, 3)))
        shares.append(weight * norms.mean())
    np.testing.assert_allclose(
        np.array(shares) / shares[0], [1, 2, 0.5], rtol=1e-3
    )
    # A second batch that is alike changes nothing.
    fit(model)
    np.testing.assert_allclose(weights_of(loss), weights, rtol=1e-4)


@pytest.mark.parametrize("weighting", losses.weighting.KINDS)
@pytest.mark.quick("gradients")
def test_a_scale_of_a_term_is_taken_out(weighting):
    """What is learned does not depend on the unit of a term."""

    class Scaled(losses.MeanSquaredError):
        def compute(self, y_true, y_pred):
            return 1000 * super().compute(y_true, y_pred)

    found = []
    for second in (losses.MeanSquaredError(), Scaled()):
        loss = CombinedLoss(
            [losses.KLDivergence(), second], weighting=weighting, momentum=0
        )
        fit(compiled(loss))
        found.append(weights_of(loss))
    ratios = [w[0] / w[1] for w in found]
    assert ratios[1] == pytest.approx(1000 * ratios[0], rel=1e-3)


@pytest.mark.parametrize("weighting", losses.weighting.KINDS)
@pytest.mark.quick("uncertainty")
def test_weights_of_images_count(weighting):
    images = np.arange(COUNT, dtype="float32")
    loss = combination(weighting, momentum=0)
    model = compiled(loss)
    fit(model, sample_weight=images)
    some = weights_of(loss)
    if weighting == "uncertainty":
        expected = 0.5 / means(model, loss, images)
        np.testing.assert_allclose(some, expected, rtol=1e-4)
    else:
        fit(model)
        assert not np.allclose(some, weights_of(loss), rtol=1e-5)
        some = weights_of(loss)
    # A batch of no weight teaches nothing.
    fit(model, sample_weight=0 * images)
    np.testing.assert_array_equal(weights_of(loss), some)


@pytest.mark.parametrize("weighting", losses.weighting.KINDS)
@pytest.mark.quick("gradients")
def test_only_training_learns_and_the_network_trains_with_it(weighting):
    loss = combination(weighting)
    model = compiled(loss, rate=0.05, run_eagerly=False)
    before = weights_of(loss)
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    np.testing.assert_array_equal(weights_of(loss), before)
    assert set(logs) == {"loss", *TERMS}
    assert len(model.evaluate(X, Y, verbose=0)) == 1 + len(TERMS)
    kernel = model.get_weights()[0]
    logs = fit(model, epochs=2, batch_size=3, validation_data=(X[:5], Y[:5]))
    assert {f"weight_{name}" for name in TERMS} < set(logs)
    assert "val_kld" in logs and "val_weight_kld" not in logs
    assert not np.allclose(weights_of(loss), before)
    assert not np.allclose(model.get_weights()[0], kernel)
    # None of the optimizer's, and none of the model's own.
    assert len(model.trainable_variables) == 2
    assert model.count_params() == 8 * 9 + 1


@pytest.mark.parametrize("weighting", losses.weighting.KINDS)
@pytest.mark.quick("uncertainty")
def test_a_batch_that_overflowed_teaches_nothing(weighting):
    """In float16 that may happen; the optimizer leaves out such a step too."""
    loss = combination(weighting)
    model = compiled(loss)
    fit(model)
    before = weights_of(loss)
    logs = model.fit(np.full_like(X, np.nan), Y, verbose=0).history
    assert np.isnan(logs["kld"]).all()
    np.testing.assert_array_equal(weights_of(loss), before)


def test_the_network_has_the_gradient_of_the_weighted_sum():
    loss = combination("uncertainty", momentum=0)
    fixed = 0.5 / means(compiled(loss), loss)
    learning = compiled(loss, rate=0.1)
    plain = compiled(combination(None, weights=fixed), rate=0.1)
    for model in (learning, plain):
        fit(model)
    for one, other in zip(
        learning.get_weights(), plain.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weighting", losses.weighting.KINDS)
@pytest.mark.quick("uncertainty")
def test_saved_with_the_model(weighting, tmp_path):
    loss = combination(weighting, weights=[1, 2, 3], momentum=0.8)
    model = compiled(loss, rate=0.05)
    fit(model, epochs=2)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.loss.weights == [1, 2, 3] and again.loss.momentum == 0.8
    np.testing.assert_array_equal(weights_of(again.loss), weights_of(loss))
    logs, expected = fit(again), fit(model)
    for name, values in expected.items():
        assert logs[name] == pytest.approx(values, rel=1e-5), name
    np.testing.assert_allclose(
        weights_of(again.loss), weights_of(loss), rtol=1e-6
    )
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == loss.get_config()


@pytest.mark.parametrize("weighting", losses.weighting.KINDS)
@pytest.mark.further
def test_a_training_that_was_broken_off_goes_on(weighting, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def train(path, *callbacks):
        model = compiled(combination(weighting), rate=0.05)
        resume = Resume(tmp_path / path)
        fit(model, epochs=4, callbacks=[resume, *callbacks])
        return resume.history, weights_of(model.loss), model.get_weights()

    expected = train("whole.npz")
    with pytest.raises(KeyboardInterrupt):
        train("broken.npz", Stop())
    for one, other in zip(train("broken.npz"), expected, strict=True):
        if isinstance(one, dict):
            assert one == other
        else:
            for a, b in zip(one, other, strict=True):
                np.testing.assert_array_equal(a, b)


def test_other_models_are_refused():
    loss = combination("gradients")
    model = compiled(loss, kind=keras.Model)
    with pytest.raises(ValueError, match=r"models.SaliencyModel\(inputs"):
        fit(model)
    with pytest.raises(ValueError, match="plain keras.Model"):
        loss(Y, Y[..., :1])
    values = keras.ops.convert_to_numpy(loss.call(Y, Y[..., :1]))
    assert values.shape == (COUNT,) and np.isfinite(values).all()


def test_combinations_that_cannot_learn_are_refused():
    nss = losses.NormalizedScanpathSaliency()
    kld = losses.KLDivergence()
    with pytest.raises(ValueError, match="neg_nss falls without bound.*EML"):
        CombinedLoss([kld, nss], weighting="uncertainty")
    with pytest.raises(ValueError, match="above 0, received"):
        CombinedLoss([kld, kld], weights=[1, 0], weighting="uncertainty")
    with pytest.raises(ValueError, match="a weight must be above 0"):
        CombinedLoss([kld, nss], weights=[0, 0], weighting="gradients")
    with pytest.raises(ValueError, match="uncertainty or gradients.*'dwa'"):
        CombinedLoss([kld, nss], weighting="dwa")
    with pytest.raises(ValueError, match="uncertainty or gradients"):
        CombinedLoss([kld, nss], weighting=["gradients"])
    with pytest.raises(ValueError, match="momentum must be"):
        CombinedLoss([kld, nss], weighting="gradients", momentum=1)
    learned = CombinedLoss([kld, nss], weighting="gradients")
    assert repr(learned) == (
        "CombinedLoss(losses=[KLDivergence(), NormalizedScanpathSaliency()], "
        "weights=[1.0, 1.0], weighting='gradients')"
    )
    for wrong in (
        lambda: 2 * learned,
        lambda: learned + kld,
        lambda: losses.PooledLoss(learned),
    ):
        with pytest.raises(ValueError, match="no part of another"):
            wrong()


def test_rows_with_learned_weights():
    loss = losses.get("KLD + CC + EML-NSS (uncertainty)")
    assert loss.weighting == "uncertainty"
    assert losses.get("KLD+CC+NSS (gradients)").weighting == "gradients"


@pytest.mark.parametrize("weighting", losses.weighting.KINDS)
@pytest.mark.quick("gradients")
def test_a_term_without_a_gradient_does_no_harm(weighting):
    class Constant(losses.MeanSquaredError):
        def compute(self, y_true, y_pred):
            return 0 * super().compute(y_true, y_pred)

    loss = CombinedLoss(
        [losses.KLDivergence(), Constant()], weighting=weighting
    )
    logs = fit(compiled(loss, rate=0.01), epochs=2)
    assert np.isfinite([*logs.values()]).all()


@pytest.mark.parametrize("name", ["a", "weighted_mse"])
def test_evaluate_as_a_list_has_the_terms(name):
    loss = CombinedLoss(
        [losses.KLDivergence(), losses.MeanSquaredError(name=name)],
        weighting="gradients",
    )
    model = compiled(loss)
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert set(logs) == {"loss", "kld", name}
    values = [logs["loss"], *(logs[key] for key in sorted(("kld", name)))]
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(values)
    by_place = (COUNT, 0, None, None, None)
    assert model.evaluate(X, Y, *by_place) == pytest.approx(values)
    assert model.evaluate(X, Y, *by_place, True) == pytest.approx(logs)
