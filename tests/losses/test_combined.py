"""The algebra of losses, look-ups by name, terms in the logs."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_saliency import losses, targets
from keras_saliency.losses import (
    CenterBias,
    CombinedLoss,
    CorrelationCoefficient,
    KLDivergence,
    MeanSquaredError,
    NormalizedScanpathSaliency,
    SigmoidMeanSquaredError,
)
from keras_saliency.metrics import LossTerms


def weights(loss):
    return list(zip([t.name for t in loss.terms], loss.weights, strict=True))


def test_algebra():
    loss = (
        10 * KLDivergence()
        + CorrelationCoefficient() * 2
        + NormalizedScanpathSaliency()
    )
    assert isinstance(loss, CombinedLoss)
    assert weights(loss) == [("kld", 10), ("neg_cc", 2), ("neg_nss", 1)]
    assert weights(0.5 * loss + MeanSquaredError()) == [
        ("kld", 5),
        ("neg_cc", 1),
        ("neg_nss", 0.5),
        ("mse", 1),
    ]
    assert weights(sum([KLDivergence(), 3 * MeanSquaredError()])) == [
        ("kld", 1),
        ("mse", 3),
    ]
    assert weights(losses.get("KLD + CC + NSS")) == weights(loss)


def test_weights_must_be_positive_numbers_and_losses_ours():
    with pytest.raises(ValueError, match="neg_cc must be .* at least 0"):
        KLDivergence() + -2 * CorrelationCoefficient()
    with pytest.raises(ValueError, match="nan"):
        float("nan") * KLDivergence()
    with pytest.raises(TypeError, match="keras_saliency.losses"):
        CombinedLoss([keras.losses.MeanSquaredError()])
    with pytest.raises(ValueError, match="2 losses and 1 weights"):
        CombinedLoss([KLDivergence(), MeanSquaredError()], weights=[1])
    with pytest.raises(ValueError, match="at least one loss"):
        CombinedLoss([])
    with pytest.raises(TypeError):
        KLDivergence() + 3
    with pytest.raises(TypeError):
        KLDivergence() * "2"


def test_names_of_the_paper():
    assert losses.get("W-BCE(w=0.7)").weight == 0.7
    assert losses.get("W-BCE (w=0.7)").weight == 0.7
    assert losses.get("sig-mse ( lambda = 0.25 )").threshold == 0.25
    assert losses.get("Focal(gamma=1.5, form=lin)").form == "lin"
    assert losses.get("Bhat").name == "bhat"
    prior = np.ones((3, 4))
    assert weights(losses.get("LC 1", prior=prior)) == [
        ("kld", 10),
        ("neg_cc", 2),
        ("neg_nss", 1),
        ("center_bias", 1),
    ]
    lc2 = losses.get("LC2", prior=prior, vgg_weights=None)
    assert weights(lc2) == [
        ("kld", 10),
        ("neg_cc", 2),
        ("neg_nss", 1),
        ("df", 1),
        ("gm", 1),
        ("sig_mse", 1),
        ("center_bias", 1),
    ]
    assert lc2.terms[5].threshold == 0.55
    loss = KLDivergence()
    assert losses.get(loss) is loss


@pytest.mark.parametrize(
    "name", ["KL", "", "W-BCE(0.7)", "W-BCE(v=0.7)", "MSE(w=1)", 3, None]
)
def test_unknown_names_say_what_is_known(name):
    with pytest.raises(ValueError, match="W-BCE|unexpected keyword"):
        losses.get(name)


@pytest.mark.parametrize(
    "name",
    [
        "W-BCE(w=1.5)",
        "SIG-MSE(lambda=-1)",
        "MLNET-MSE(alpha=1)",
        "Focal(gamma=-1)",
        "Focal(form=other)",
        "KLD(direction=left)",
        "KLD(epsilon=0)",
        "R(alpha=-1)",
    ],
)
def test_arguments_out_of_range_are_refused(name):
    with pytest.raises(ValueError, match="must be"):
        losses.get(name)


def test_prior_travels_with_the_configuration():
    prior = np.random.default_rng(0).random((5, 7)).astype("float32")
    loss = CenterBias(prior=prior, alpha=0.2)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(loss)
    )
    np.testing.assert_array_equal(again.prior, prior)
    assert again.alpha == 0.2


def test_prior_that_is_missing_or_does_not_fit_is_refused():
    y = np.zeros((1, 5, 7, 1), "float32")
    with pytest.raises(ValueError, match="mean_density"):
        CenterBias()(y, y)
    with pytest.raises(ValueError, match=r"\(4, 7\).*\(5, 7\)"):
        CenterBias(prior=np.zeros((4, 7)))(y, y)
    with pytest.raises(ValueError, match="height, width"):
        CenterBias(prior=np.zeros((1, 4, 7)))
    with pytest.raises(ValueError, match="finite"):
        CenterBias(prior=np.full((4, 7), np.nan))


def small_model():
    inputs = keras.Input((6, 8, 8))
    outputs = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(
        inputs
    )
    return keras.Model(inputs, outputs)


def data(count=10, seed=0):
    generator = np.random.default_rng(seed)
    return (
        generator.random((count, 6, 8, 8)).astype("float32"),
        targets.pack(
            generator.random((count, 6, 8)),
            generator.integers(0, 2, (count, 6, 8)),
        ),
    )


@pytest.mark.parametrize("combined_by", ["algebra", "constructor"])
def test_terms_show_in_the_logs_of_any_keras_model(combined_by):
    x, y = data()
    if combined_by == "algebra":
        loss = 10 * KLDivergence() + 2 * CorrelationCoefficient()
    else:
        loss = CombinedLoss(
            [KLDivergence(), CorrelationCoefficient()], weights=[10, 2]
        )
    model = small_model()
    model.compile(
        keras.optimizers.SGD(0.0), loss=loss, metrics=[LossTerms(loss)]
    )
    # The last batch of 4, 4, 2 counts half as much.
    logs = model.fit(
        x, y, batch_size=4, validation_data=(x, y), verbose=0, shuffle=False
    ).history
    values = ops.convert_to_numpy(
        KLDivergence().call(
            y, ops.convert_to_tensor(model.predict(x, verbose=0))
        )
    )
    np.testing.assert_allclose(logs["kld"][0], values.mean(), rtol=1e-5)
    np.testing.assert_allclose(logs["val_kld"][0], values.mean(), rtol=1e-5)
    assert -1 <= logs["neg_cc"][0] <= 1
    np.testing.assert_allclose(
        10 * values.mean() + 2 * logs["val_neg_cc"][0],
        float(loss(y, model.predict(x, verbose=0))),
        rtol=1e-5,
    )


def test_terms_of_the_same_kind_have_names_of_their_own():
    loss = (
        SigmoidMeanSquaredError(0.25)
        + SigmoidMeanSquaredError(0.75)
        + SigmoidMeanSquaredError(0.5)
    )
    assert loss.term_names == ["sig_mse", "sig_mse_2", "sig_mse_3"]


def test_sample_weights_reach_the_terms():
    x, y = data()
    loss = KLDivergence() + MeanSquaredError()
    terms = LossTerms(loss)
    prediction = np.random.default_rng(1).random((10, 6, 8, 1))
    weight = np.zeros(10, "float32")
    weight[3] = 2
    terms.update_state(y, prediction.astype("float32"), sample_weight=weight)
    alone = ops.convert_to_numpy(
        MeanSquaredError().call(y, prediction.astype("float32"))
    )
    np.testing.assert_allclose(
        float(terms.result()["mse"]), alone[3], rtol=1e-5
    )


def test_model_trained_with_a_combination_loads_and_continues(tmp_path):
    x, y = data()
    prior = np.random.default_rng(2).random((6, 8))
    loss = losses.get("LC1", prior=prior)
    model = small_model()
    model.compile("sgd", loss=loss, metrics=[LossTerms(loss)])
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        again.predict(x, verbose=0), model.predict(x, verbose=0)
    )
    first = model.evaluate(x, y, verbose=0, return_dict=True)
    second = again.evaluate(x, y, verbose=0, return_dict=True)
    assert first == pytest.approx(second, rel=1e-6)
    assert "kld" in second
    again.fit(x, y, verbose=0)
