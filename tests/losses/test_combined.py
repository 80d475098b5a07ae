"""The algebra of losses, and look-ups by name."""

import keras
import numpy as np
import pytest

from keras_saliency import losses
from keras_saliency.losses import (
    CenterBias,
    CombinedLoss,
    CorrelationCoefficient,
    KLDivergence,
    MeanSquaredError,
    NormalizedScanpathSaliency,
    SigmoidMeanSquaredError,
)


def weights(loss):
    return list(zip([t.name for t in loss.losses], loss.weights, strict=True))


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
    with pytest.raises(
        TypeError, match="'KLD'. losses.get makes one of a name"
    ):
        CombinedLoss(["KLD", "CC"])
    for losses_ in (KLDivergence(), "KLD", {"kld": KLDivergence()}):
        with pytest.raises(TypeError, match="losses must be a list, received"):
            CombinedLoss(losses_)
    with pytest.raises(TypeError, match="weights must be a list, received 10"):
        CombinedLoss([KLDivergence()], weights=10)
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
    assert lc2.losses[5].threshold == 0.55
    loss = KLDivergence()
    assert losses.get(loss) is loss


def test_objectives_of_later_models():
    # As in the code that `Row.source` names.
    kld_cc_sim_nss = [
        ("kld", 10),
        ("neg_cc", 2),
        ("neg_sim", 1),
        ("neg_nss", 1),
    ]
    kld_cc_eml = [("kld", 1), ("neg_cc", 1), ("eml_nss", 1)]
    objectives = {
        "EML-NET": kld_cc_eml,
        "UNISAL": [("kld", 1), ("neg_cc", 0.1), ("neg_nss", 0.1)],
        "SalFBNet": [
            ("kld", 1),
            ("neg_cc", 0.1),
            ("sfne", 0.025),
            ("mse", 0.025),
        ],
        "TranSalNet": kld_cc_sim_nss,
        "UMSI++": [
            ("kld", 10),
            ("neg_cc", 3),
            ("neg_sim", 1),
            ("neg_nss", 0.5),
        ],
        "SUM": [*kld_cc_sim_nss, ("mse", 5)],
        "KLD + CC + EML-NSS (uncertainty)": kld_cc_eml,
        "KLD + CC + NSS (gradients)": [
            ("kld", 1),
            ("neg_cc", 1),
            ("neg_nss", 1),
        ],
    }
    rows = {row.name: row for row in losses.LATER if len(row.terms) > 1}
    assert set(rows) == set(objectives)
    for name, terms in objectives.items():
        loss = losses.get(name)
        assert weights(loss) == terms, name
        softmax = [getattr(t, "normalization", None) for t in loss.losses]
        assert ("softmax" in softmax) == (name == "SalFBNet"), name
        assert loss.weighting == rows[name].weighting, name
    assert weights(losses.get("sum")) == objectives["SUM"]
    assert losses.get("SalFBNet").losses[0].normalization == "softmax"
    assert isinstance(losses.get("MSI-Net"), KLDivergence)
    assert isinstance(losses.get("DSCLRCN"), NormalizedScanpathSaliency)
    assert losses.get("chi2 (softmax)").normalization == "softmax"
    assert losses.get("Sinkhorn(grid=8)").grid == 8


@pytest.mark.parametrize(
    "name", ["KL", "", "W-BCE(0.7)", "W-BCE(v=0.7)", "MSE(w=1)", 3, None]
)
def test_unknown_names_say_what_is_known(name):
    with pytest.raises(
        ValueError, match="W-BCE|no argument weight; it takes none"
    ):
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
        "Sinkhorn(grid=2.5)",
        "Sinkhorn(grid=fine)",
        "Sinkhorn(grid=inf)",
        "Sinkhorn(blur=0.01)",
        "soft-AUC(margin=0)",
        "Dice(threshold=2)",
        "JS(epsilon=0)",
        "IG(epsilon=1)",
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
    assert CenterBias.from_config(CenterBias().get_config()).prior is None


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


def test_terms_of_the_same_kind_have_names_of_their_own():
    loss = (
        SigmoidMeanSquaredError(threshold=0.25)
        + SigmoidMeanSquaredError(threshold=0.75)
        + SigmoidMeanSquaredError(threshold=0.5)
    )
    assert loss.term_names == ["sig_mse", "sig_mse_2", "sig_mse_3"]


def test_a_loss_reads_as_the_algebra_that_makes_it():
    loss = (
        10 * KLDivergence(direction="reverse")
        + 2 * CorrelationCoefficient(name="other")
        + 0.5 * losses.PooledLoss(losses.BinaryCrossEntropy())
        + losses.DeepFeatures(weights=None)
        + np.float32(0.25) * MeanSquaredError()
    )
    text = (
        "10.0 * KLDivergence(direction='reverse')"
        " + 2.0 * CorrelationCoefficient(name='other')"
        " + 0.5 * PooledLoss(loss=BinaryCrossEntropy())"
        " + 1.0 * DeepFeatures(weights=None)"
        " + 0.25 * MeanSquaredError()"
    )
    assert repr(loss) == text
    assert repr(eval(text, vars(losses))) == text
    assert (
        repr(CenterBias(np.ones((3, 4)), alpha=0.2))
        == "CenterBias(prior=<map (3, 4)>, alpha=0.2)"
    )
    assert repr(CenterBias()) == "CenterBias()"
    assert repr(losses.PooledLoss(MeanSquaredError(), name="x")) == (
        "PooledLoss(loss=MeanSquaredError(), name='x')"
    )
