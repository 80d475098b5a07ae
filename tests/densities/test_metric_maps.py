"""The map of each metric is the best of those that could be taken for it."""

import json
from pathlib import Path

import density_cases
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from keras_saliency import densities, evaluation
from keras_saliency.densities import (
    METRIC_MAPS,
    Truth,
    earth_mover,
    metric_map,
    metric_maps,
)
from keras_saliency.densities.curves import stepped

GOLDEN = Path(__file__).parents[1] / "golden" / "densities.json"
VALUES = json.loads(GOLDEN.read_text())["cases"]
SIZE = (60, 80)
TRUTH = Truth(
    sigma=4 / 80, fixations=60, baseline=np.ones((6, 8)), power=0.9, center=0.1
)


def sigma_of(logs):
    return density_cases.SIGMA / max(logs.shape)


def blur(map_):
    return gaussian_filter(map_, density_cases.SIGMA, mode="constant")


@pytest.fixture(params=density_cases.NAMES)
def case(request):
    number = density_cases.NAMES.index(request.param)
    return density_cases.log_density(number), VALUES[request.param]


def test_blur_is_pysaliencys(case):
    logs, golden = case
    ours = metric_maps.blurred(np.exp(logs), density_cases.SIGMA)
    np.testing.assert_allclose(
        density_cases.probes(ours), golden["blurred"], rtol=1e-9
    )
    for metric in ("cc", "kl"):
        map_ = metric_map(logs, metric, Truth(sigma=sigma_of(logs)))
        np.testing.assert_allclose(map_, ours / ours.sum(), rtol=1e-9)


def test_equalization_is_pysaliencys(case):
    """It gives equal pixels ranks by their place; ours are their mean."""
    logs, golden = case
    ours = density_cases.probes(metric_map(logs, "auc_judd", Truth()))
    values = density_cases.probes(np.exp(logs))
    for value, our, other in zip(
        values, ours, golden["equalized"], strict=True
    ):
        equal = np.count_nonzero(np.isclose(np.exp(logs), value, rtol=1e-12))
        assert abs(our - other) < (equal + 1) / logs.size


def test_shuffled_baseline_is_pysaliencys():
    """It averages at 96x96 and interpolates between corners."""
    cases = [density_cases.log_density(i) for i in range(20)]
    for number, name in enumerate(density_cases.NAMES):
        others = [logs for i, logs in enumerate(cases) if i != number]
        baseline = densities.shuffled_baseline(others, cases[number].shape)
        golden = VALUES[name]
        np.testing.assert_allclose(
            density_cases.probes(baseline)[1:4],
            golden["shuffled_baseline"][1:4],
            rtol=0.05,
        )
        np.testing.assert_allclose(
            density_cases.probes(cases[number] - np.log(baseline))[1:4],
            golden["shuffled_auc"][1:4],
            atol=0.05,
        )


@pytest.mark.quick("[0-4]")
def test_expected_sim_is_pysaliencys_or_better(case):
    logs, golden = case
    truth = Truth(sigma=sigma_of(logs), fixations=density_cases.FIXATIONS)
    map_ = metric_map(logs, "sim", truth)
    ours = density_cases.expected_sim(map_, logs, blur, draws=200)
    assert ours > 0.99 * golden["expected_sim"]
    cc = metric_map(logs, "cc", truth)
    of_cc = density_cases.expected_sim(cc, logs, blur, draws=200)
    # There may be nearly nothing to gain; the rest is chance.
    assert ours > of_cc - 5e-4


def test_sim_map_is_the_best_on_its_draws():
    """No map near it has a larger SIM on many draws."""
    logs = density_cases.log_density(0)
    truth = Truth(sigma=sigma_of(logs), fixations=density_cases.FIXATIONS)
    best = metric_map(logs, "sim", truth)
    value = density_cases.expected_sim(best, logs, blur)
    cc = metric_map(logs, "cc", truth)
    for other in (cc, best**1.1, best**0.9, 0.8 * best + 0.2 * cc):
        assert density_cases.expected_sim(other, logs, blur) < value + 1e-3


@pytest.mark.parametrize("metric", METRIC_MAPS)
def test_maps_are_finite_and_not_negative(metric):
    rng = np.random.default_rng(1)
    for logs in (
        np.full(SIZE, -np.log(4800.0)),
        np.log(rng.random(SIZE) ** 8 + 1e-300),
        np.where(np.arange(80) == 3, 0.0, -700.0) + np.zeros((60, 1)),
        np.zeros((1, 1)),
        np.zeros((2, 9)),
    ):
        map_ = metric_map(logs, metric, TRUTH)
        assert map_.shape == logs.shape
        assert np.isfinite(map_).all() and map_.min() >= 0, metric


@pytest.mark.parametrize("metric", METRIC_MAPS)
def test_a_uniform_density_has_constant_maps(metric):
    if metric in ("sim", "cc", "kl", "emd"):
        pytest.skip("density maps end at the edges")
    map_ = metric_map(np.zeros(SIZE), metric, TRUTH)
    np.testing.assert_allclose(map_, map_[0, 0], rtol=1e-6)


def test_metrics_have_maps():
    assert set(METRIC_MAPS) == set(evaluation.METRICS)
    with pytest.raises(ValueError, match="no map for the metric 'best'"):
        metric_map(np.zeros(SIZE), "best", TRUTH)
    with pytest.raises(ValueError, match="mean density of other images"):
        metric_map(np.zeros(SIZE), "auc_shuffled", Truth())


def fixations_of(logs, count=20_000, seed=3):
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.exp(logs).ravel()).reshape(logs.shape)


def trapezoid(y, x):
    y, x = np.array(y), np.array(x)
    return 0.5 * np.diff(x) @ (y[1:] + y[:-1])


@pytest.mark.parametrize("number", range(0, 20, 3))
def test_steps_lose_little_of_the_area(number):
    """Ten thresholds see the curve nearly as all thresholds do."""
    logs = density_cases.log_density(number)
    density, fixations = np.exp(logs), fixations_of(logs)

    def area(map_, **options):
        return evaluation.auc_borji(
            prediction=map_, fixations=fixations, repeats=True, **options
        )

    own = area(metric_map(logs, "auc_borji", TRUTH))
    exact = area(density, step=None)
    assert own > area(metric_maps.equalized(density))
    assert own > area(density) and exact - 0.02 < own <= exact + 1e-9


def test_steps_are_the_best_of_all_choices():
    """By trying every choice of thresholds on a curve of few values."""
    from itertools import combinations

    rng = np.random.default_rng(0)
    positives = rng.random(14) ** 3
    positives /= positives.sum()
    order = np.argsort(-positives)
    hits = np.cumsum(positives[order])
    x = np.arange(1, 15) / 14
    best = max(
        trapezoid(
            [0, *hits[list(cuts)], 1],
            [0, *x[list(cuts)], 1],
        )
        for cuts in combinations(range(13), 10)
    )
    map_ = stepped(positives.reshape(2, 7), np.full((2, 7), 1 / 14)).ravel()
    seen = [map_ >= t - 1e-12 for t in np.arange(11)[::-1] / 10]
    area = trapezoid(
        [0, *(positives[m].sum() for m in seen), 1],
        [0, *(m.mean() for m in seen), 1],
    )
    np.testing.assert_allclose(area, best, atol=1e-12)
    assert map_.min() == 0 and map_.max() == 1
    assert (np.diff(map_[order]) <= 0).all()


def test_shuffled_steps_find_the_ratio():
    logs = density_cases.log_density(1)
    baseline = np.exp(density_cases.log_density(5))
    truth = Truth(baseline=baseline)
    options = {
        "fixations": fixations_of(logs),
        "other_fixations": fixations_of(np.log(baseline), seed=4),
        "repeats": True,
    }
    own, plain, ratio = (
        evaluation.auc_shuffled(prediction=map_, **options)
        for map_ in (
            metric_map(logs, "auc_shuffled", truth),
            np.exp(logs),
            np.exp(logs) / baseline,
        )
    )
    assert own > plain and own > ratio


@pytest.mark.slow
def test_exponents_lower_the_distance():
    """The truth is a power of the density times one of the baseline."""
    baseline = np.exp(density_cases.log_density(3))
    cases = []
    for number in (0, 4, 8, 12) * 10:
        expected = blur(np.exp(density_cases.log_density(number))) + 1e-9
        density = expected**1.5
        cases.append(earth_mover.case(expected, baseline, density))
    power, center = earth_mover.fit_exponents(cases)
    start, _ = earth_mover._loss((1.0, 0.0), cases)
    end, _ = earth_mover._loss((power, center), cases)
    assert end < 0.7 * start and power > 1.2


def test_gradient_of_the_distance():
    baseline = np.exp(density_cases.log_density(3))
    case = earth_mover.case(
        blur(np.exp(density_cases.log_density(0))),
        baseline,
        blur(np.exp(density_cases.log_density(4))),
    )
    _, gradient = earth_mover._loss((1.1, 0.2), [case])
    for i in range(2):
        step = np.eye(2)[i] * 1e-5
        high, low = (
            earth_mover._loss(np.array([1.1, 0.2]) + sign * step, [case])[0]
            for sign in (1, -1)
        )
        np.testing.assert_allclose(gradient[i], (high - low) / 2e-5, rtol=1e-3)
