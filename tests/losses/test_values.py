"""Values of the losses: by hand, and against the NumPy oracle."""

import numpy as np
import pytest
import reference
from autodiff import central_differences, gradient
from keras import ops

from keras_saliency import functional, losses, targets


def maps(seed=0, shape=(9, 12)):
    generator = np.random.default_rng(seed)
    density = generator.random(shape) ** 3
    density /= density.max()
    fixations = generator.integers(0, 3, shape).astype("float64")
    fixations[generator.random(shape) < 0.7] = 0
    prediction = 0.02 + 0.9 * generator.random(shape)
    return density, fixations, prediction


def value(loss, density, fixations, prediction):
    y_true = targets.pack(density[None], fixations[None])
    y_pred = ops.convert_to_tensor(
        prediction[None, :, :, None], dtype="float32"
    )
    return float(ops.convert_to_numpy(loss.call(y_true, y_pred))[0])


PRIOR = np.random.default_rng(9).random((9, 12))

# (loss, oracle of density, fixations, prediction)
CASES = {
    "MSE": lambda d, f, p: reference.mse(d, p),
    "EAD": lambda d, f, p: reference.ead(d, p),
    "AE": lambda d, f, p: reference.ae(d, p),
    "MLNET-MSE": lambda d, f, p: reference.mlnet_mse(d, p),
    "MLNET-MSE(alpha=1.5)": lambda d, f, p: reference.mlnet_mse(d, p, 1.5),
    "SIG-MSE": lambda d, f, p: reference.sig_mse(d, p),
    "SIG-MSE(lambda=0.25)": lambda d, f, p: reference.sig_mse(d, p, 0.25),
    "SIG-MSE(k=4)": lambda d, f, p: reference.sig_mse(d, p, slope=4),
    "KLD": lambda d, f, p: reference.kld(d, p),
    "KLD(direction=reverse)": lambda d, f, p: reference.kld(d, p, True),
    "BHAT": lambda d, f, p: reference.bhat(d, p),
    "BCE": lambda d, f, p: reference.bce(d, p),
    "W-BCE(w=0.9)": lambda d, f, p: reference.w_bce(d, p, 0.9),
    "W-BCE(w=0.4)": lambda d, f, p: reference.w_bce(d, p, 0.4),
    "Focal": lambda d, f, p: reference.focal(d, p),
    "Focal(gamma=3)": lambda d, f, p: reference.focal(d, p, 3),
    "Focal(form=lin)": lambda d, f, p: reference.focal(d, p, lin=True),
    "NLL": lambda d, f, p: reference.nll(f, p),
    "NSS": lambda d, f, p: -reference.nss(f, p),
    "CC": lambda d, f, p: -reference.cc(d, p),
    "R": lambda d, f, p: reference.r(PRIOR, p),
    "KLD + CC + NSS": lambda d, f, p: (
        10 * reference.kld(d, p) - 2 * reference.cc(d, p) - reference.nss(f, p)
    ),
    "SIG-MSE + R": lambda d, f, p: (
        reference.sig_mse(d, p) + reference.r(PRIOR, p)
    ),
    "LC1": lambda d, f, p: (
        10 * reference.kld(d, p)
        - 2 * reference.cc(d, p)
        - reference.nss(f, p)
        + reference.r(PRIOR, p)
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_value_equals_oracle(name):
    loss = losses.get(name, prior=PRIOR)
    for seed in range(3):
        density, fixations, prediction = maps(seed)
        # As float32 has them, so that only the arithmetic differs.
        density = density.astype("float32").astype("float64")
        prediction = prediction.astype("float32").astype("float64")
        np.testing.assert_allclose(
            value(loss, density, fixations, prediction),
            CASES[name](density, fixations, prediction),
            rtol=1e-5,
            atol=1e-7,
        )


@pytest.mark.parametrize("name", CASES)
def test_gradient_equals_central_differences_in_float64(name):
    loss = losses.get(name, prior=PRIOR)
    density, fixations, prediction = maps(4)
    y_true = targets.pack(density[None], fixations[None])
    _, result = gradient(
        lambda x: loss.call(y_true, x), prediction[None, :, :, None]
    )
    expected = central_differences(
        lambda x: CASES[name](density, fixations, x), prediction
    )
    np.testing.assert_allclose(
        result[0, :, :, 0],
        expected,
        rtol=1e-3,
        atol=1e-4 * np.abs(expected).max(),
    )


def two_by_two(values):
    return np.array(values, dtype="float64").reshape(2, 2)


HALF = two_by_two([0.5, 0.5, 0.5, 0.5])
PEAK = two_by_two([1, 0, 0, 0])
# S = (1, 0, 0, 0), S^ = (.5, .5, .5, .5), one fixation on the peak.
BY_HAND = {
    "MSE": 0.25,
    "EAD": np.exp(0.5) - 1,
    "AE": 0.5,
    # Weights 1 / 0.1 and 1 / 1.1.
    "MLNET-MSE": 0.25 * (10 + 3 / 1.1) / 4,
    "SIG-MSE(lambda=0.5)": 0.25
    * 10
    * (1 / (1 + np.exp(-5)) + 3 / (1 + np.exp(5)))
    / 4,
    # All of S's mass is where S^ has a quarter.
    "KLD": np.log(4),
    "BHAT": -np.log(np.sqrt(0.25)),
    "BCE": np.log(2),
    "W-BCE(w=0.9)": np.log(2) * (0.9 + 3 * 0.1) / 4,
    "Focal": np.log(2) * (0.75 + 3 * 0.25) / 4,
    "Focal(form=lin)": np.log(2) * (0.25 + 3 * 0.25) / 4,
    "NLL": np.log(4),
    "NSS": 0.0,
    "CC": 0.0,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_value_worked_out_by_hand(name):
    np.testing.assert_allclose(
        value(losses.get(name), PEAK, PEAK, HALF),
        BY_HAND[name],
        rtol=1e-5,
        atol=1e-6,
    )


def test_nss_and_cc_worked_out_by_hand():
    # Mean 2.5, variance 1.25; the fixated value 4 is 1.5 / sqrt(1.25) above.
    prediction = two_by_two([4, 3, 2, 1])
    np.testing.assert_allclose(
        value(losses.get("NSS"), PEAK, PEAK, prediction),
        -1.5 / np.sqrt(1.25),
        rtol=1e-5,
    )
    # Covariance with the peak (1 * 4 / 4 - 0.25 * 2.5), over both sigmas.
    np.testing.assert_allclose(
        value(losses.get("CC"), PEAK, PEAK, prediction),
        -(1 - 0.625) / (np.sqrt(1.25) * np.sqrt(0.1875)),
        rtol=1e-5,
    )


def test_repeated_fixations_count_each():
    prediction = two_by_two([4, 3, 2, 1])
    fixations = two_by_two([3, 0, 0, 1])
    z = 1.5 / np.sqrt(1.25)
    np.testing.assert_allclose(
        value(losses.get("NSS"), PEAK, fixations, prediction),
        -(3 * z - z) / 4,
        rtol=1e-5,
    )


def test_equal_maps_are_the_optimum():
    density, fixations, _ = maps(2)
    density = 0.01 + 0.98 * density
    for name, best in {
        "MSE": 0,
        "EAD": 0,
        "AE": 0,
        "MLNET-MSE": 0,
        "SIG-MSE": 0,
        "KLD": 0,
        "KLD(direction=reverse)": 0,
        "BHAT": 0,
        "CC": -1,
    }.items():
        assert value(losses.get(name), density, fixations, density) == (
            pytest.approx(best, abs=2e-5)
        ), name


@pytest.mark.parametrize("name", ["KLD", "BHAT", "NLL", "NSS", "CC"])
@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e6])
def test_scale_of_the_prediction_does_not_matter(name, scale):
    density, fixations, prediction = maps(5)
    loss = losses.get(name)
    np.testing.assert_allclose(
        value(loss, density, fixations, scale * prediction),
        value(loss, density, fixations, prediction),
        rtol=2e-5,
    )


def test_similarity_equals_oracle():
    density, _, prediction = maps(6)
    result = functional.similarity(
        density[None, :, :, None].astype("float32"),
        prediction[None, :, :, None].astype("float32"),
    )
    np.testing.assert_allclose(
        ops.convert_to_numpy(result)[0],
        reference.sim(density, prediction),
        rtol=1e-5,
    )


def test_feature_distances_equal_oracle():
    generator = np.random.default_rng(0)
    shapes = [(6, 7, 4), (3, 3, 8)]
    true = [generator.random((2, *s)).astype("float32") for s in shapes]
    pred = [generator.random((2, *s)).astype("float32") for s in shapes]
    for function, oracle in (
        (functional.deep_feature_distance, reference.feature_distance),
        (functional.gram_matrix_distance, reference.gram_distance),
    ):
        result = ops.convert_to_numpy(
            function(
                [ops.convert_to_tensor(t) for t in true],
                [ops.convert_to_tensor(p) for p in pred],
            )
        )
        expected = [
            oracle(
                [t[i].astype("float64") for t in true],
                [p[i].astype("float64") for p in pred],
            )
            for i in range(2)
        ]
        np.testing.assert_allclose(result, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("function", "option"),
    [(functional.kl_divergence, "direction"), (functional.focal, "form")],
)
def test_the_formulas_refuse_unknown_forms_and_shapes(function, option):
    map_ = np.ones((1, 2, 3, 1), "float32")
    with pytest.raises(ValueError, match=f"{option} must be .*'other'"):
        function(map_, map_, **{option: "other"})
    with pytest.raises(ValueError, match="target must have .* width, 1\\)"):
        function(np.ones((1, 2, 3, 2)), map_)
    with pytest.raises(ValueError, match="prediction must have shape"):
        function(map_, map_[0])
