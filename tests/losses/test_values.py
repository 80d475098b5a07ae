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
    "SIM": lambda d, f, p: -reference.sim(d, p),
    "KLD(normalization=softmax)": lambda d, f, p: reference.kld(
        reference.softmax(d), reference.softmax(p)
    ),
    "chi2": lambda d, f, p: reference.chi2(d, p),
    "chi2 (softmax)": lambda d, f, p: reference.chi2(d, p, reference.softmax),
    "TV": lambda d, f, p: reference.tv(d, p),
    "TV (softmax)": lambda d, f, p: reference.tv(d, p, reference.softmax),
    "cosine": lambda d, f, p: reference.cosine(d, p),
    "cosine (softmax)": lambda d, f, p: reference.cosine(
        d, p, reference.softmax
    ),
    "JS": lambda d, f, p: reference.js(d, p),
    "IG": lambda d, f, p: -reference.ig(f, p, PRIOR),
    "IG (softmax)": lambda d, f, p: (
        -reference.ig(f, p, PRIOR, reference.softmax)
    ),
    "EML-NSS": lambda d, f, p: reference.eml_nss(f, p),
    "SFNE": lambda d, f, p: reference.sfne(d, f, p),
    "soft-AUC": lambda d, f, p: reference.auc_error(f, p),
    "soft-AUC(margin=0.2)": lambda d, f, p: reference.auc_error(f, p, 0.2),
    "Dice": lambda d, f, p: reference.dice(d, p),
    "Dice(threshold=0.5)": lambda d, f, p: reference.dice(d >= 0.5, p),
    "IoU": lambda d, f, p: reference.iou(d, p),
    "SSIM": lambda d, f, p: 1 - reference.ssim(d, p),
    "SUM": lambda d, f, p: (
        10 * reference.kld(d, p)
        - 2 * reference.cc(d, p)
        - reference.sim(d, p)
        - reference.nss(f, p)
        + 5 * reference.mse(d, p)
    ),
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
    # A constant map counts as uniform: a quarter of the mass is in place.
    "SIM": -0.25,
    "chi2": 0.75**2 / 1.25 + 3 * 0.25,
    "TV": 0.75,
    "cosine": 0.5,
    # Means (5/8, 1/8, 1/8, 1/8).
    "JS": 0.5 * (np.log(8 / 5) + np.log(2 / 5) / 4 + 3 * np.log(2) / 4),
    "IG": 0.0,
    # z of the peak: (3, -1, -1, -1) / sqrt(3).
    "EML-NSS": np.sqrt(3),
    "SFNE": 3 + 1 / 3,
    "soft-AUC": 0.5,
    "Dice": 1 - 2 * 0.5 / (1 + 1),
    "IoU": 1 - 0.5 / (1 + 1 - 0.5),
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


def test_soft_auc_worked_out_by_hand():
    # z = (3, 1, -1, -3) / sqrt(5) around 2.5; the fixated pixel is the second:
    # wrong by 0.5 + sqrt(0.2) (all of it is in [0, 1]), the others right.
    fixations = two_by_two([0, 1, 0, 0])
    first, third, fourth = 0.5 + np.array([2, -2, -4]) / np.sqrt(5) / 2
    np.testing.assert_allclose(
        value(
            losses.get("soft-AUC"), PEAK, fixations, two_by_two([4, 3, 2, 1])
        ),
        (first + third + max(fourth, 0)) / 3,
        rtol=1e-5,
    )


def test_gain_in_bits_worked_out_by_hand():
    # p is half on the fixated pixel, where the prior has an eighth: 2 bits.
    prior = two_by_two([1, 1, 4, 2])
    loss = losses.get("IG", prior=prior)
    result = value(loss, PEAK, PEAK, two_by_two([2, 1, 1, 0]))
    assert result == pytest.approx(-2, abs=1e-4)
    assert value(loss, PEAK, PEAK, prior) == pytest.approx(0, abs=1e-6)
    assert value(loss, PEAK, 0 * PEAK, prior) == 0
    with pytest.raises(ValueError, match="must not be negative, received -4"):
        losses.InformationGain(-prior)
    with pytest.raises(ValueError, match="zero everywhere"):
        losses.InformationGain(0 * prior)
    with pytest.raises(ValueError, match=r"InformationGain: .*size \(2, 2\)"):
        value(loss, *maps())


def test_with_a_small_margin_soft_auc_is_the_area():
    density, fixations, prediction = maps(3)
    fixated = np.repeat(prediction.ravel(), fixations.ravel().astype(int))
    others = prediction[fixations == 0]
    area = np.mean(fixated[:, None] > others)
    loss = losses.SoftAUC(margin=1e-3)
    result = value(loss, density, fixations, prediction)
    assert 1 - result == pytest.approx(area, abs=2e-3)
    with pytest.raises(ValueError, match=r"margin .*0\.001"):
        losses.SoftAUC(margin=1e-4)
    with pytest.raises(ValueError, match="margin must be at least"):
        functional.soft_auc(fixations, prediction, margin=1e-8)
    # No fixation, or no other pixel: no pair is in the wrong order.
    assert value(loss, density, 0 * fixations, prediction) == 0
    assert value(loss, density, 0 * fixations + 1, prediction) == 0


def test_mass_on_the_other_side_is_as_far_as_it_is():
    # From one corner to the other of 12 by 16 pixels, in cells of 3 by 4.
    there, here = np.zeros((2, 12, 16))
    there[0, 0] = here[-1, -1] = 1.0
    loss = losses.SinkhornDivergence(grid=4, iterations=10)
    expected = (0.75 * 12 + 0.75 * 16) / 16
    assert value(loss, there, there, here) == pytest.approx(expected, abs=1e-5)
    assert value(loss, there, there, there) == pytest.approx(0, abs=1e-6)
    # Nothing counts as uniform.
    nothing = value(loss, there, there, 0 * there)
    assert nothing == pytest.approx(
        value(loss, there, there, 0 * there + 1), abs=1e-6
    )


def smooth_maps():
    y, x = np.mgrid[:12, :16]
    return (
        np.exp(-((y - 3) ** 2 + (x - 4) ** 2) / 8) + 0.01,
        np.exp(-((y - 8) ** 2 + (x - 10) ** 2) / 20) + 0.05,
    )


def test_sinkhorn_equals_oracle():
    density, prediction = smooth_maps()
    loss = losses.SinkhornDivergence(grid=6, blur=0.1, iterations=60)
    np.testing.assert_allclose(
        value(loss, density, 0 * density, prediction),
        reference.sinkhorn(density, prediction, 6, 0.1, steps=300),
        rtol=1e-4,
    )


def test_the_gradient_of_sinkhorn_equals_that_of_pot():
    """POT's dual potentials of the same problems are the gradient."""
    ot = pytest.importorskip("ot")
    density, prediction = smooth_maps()
    grid, blur = 4, 0.1
    costs = reference.grid_costs(grid, 12, 16)
    a, b = (reference.grid_masses(x, grid) for x in (prediction, density))

    def potentials(a, b):
        result = ot.solve(
            costs, a, b, reg=blur, reg_type="KL", max_iter=10000, tol=1e-12
        )
        # As logarithms of the two factors of the plan, without the masses.
        f, g = (
            blur * (potential - np.log(mass))
            for potential, mass in zip(result.potentials, (a, b), strict=True)
        )
        assert a @ f + b @ g == pytest.approx(result.value, abs=1e-6)
        return f, g

    own = np.mean(potentials(a, a), axis=0)
    slope = potentials(a, b)[0] - own
    # Of the map's pixels, each divided by the sum of all.
    slope = (slope - a @ slope) / prediction.sum()
    expected = np.repeat(np.repeat(slope.reshape(4, 4), 3, 0), 4, 1)
    loss = losses.SinkhornDivergence(grid=grid, blur=blur, iterations=60)
    y_true = targets.pack(density[None] / density.max())
    _, result = gradient(
        lambda x: loss.call(y_true, x), prediction[None, :, :, None]
    )
    np.testing.assert_allclose(
        result[0, :, :, 0], expected, atol=2e-4 * np.abs(expected).max()
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
        "SIM": -1,
        "chi2": 0,
        "TV": 0,
        "cosine": 0,
        "JS": 0,
        "SFNE": 0,
        "Sinkhorn(iterations=5)": 0,
        "Dice": 0,
        "IoU": 0,
        "SSIM": 0,
    }.items():
        assert value(losses.get(name), density, fixations, density) == (
            pytest.approx(best, abs=2e-5)
        ), name


@pytest.mark.parametrize(
    "name",
    ["KLD", "BHAT", "NLL", "NSS", "CC", "JS", "IG", "Sinkhorn(iterations=2)"],
)
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
    [
        (functional.kl_divergence, "direction"),
        (functional.focal, "form"),
        (functional.chi_squared, "normalization"),
    ],
)
def test_the_formulas_refuse_unknown_forms_and_shapes(function, option):
    map_ = np.ones((1, 2, 3, 1), "float32")
    with pytest.raises(ValueError, match=f"{option} must be .*'other'"):
        function(map_, map_, **{option: "other"})
    with pytest.raises(ValueError, match="target must have .* width, 1\\)"):
        function(np.ones((1, 2, 3, 2)), map_)
    with pytest.raises(ValueError, match="prediction must have shape"):
        function(map_, map_[0])
