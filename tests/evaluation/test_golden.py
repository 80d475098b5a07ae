"""The metrics against other programs' values; see tests/golden/README.md."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from keras_saliency import evaluation

GOLDEN = Path(__file__).parents[1] / "golden"
VALUES = json.loads((GOLDEN / "golden.json").read_text())["cases"]


@pytest.fixture(scope="module")
def arrays():
    with np.load(GOLDEN / "cases.npz") as file:
        return dict(file)


@pytest.fixture(params=VALUES)
def case(request, arrays):
    names = {
        "prediction": "pred",
        "density": "gt",
        "fixations": "fix",
        "other_fixations": "other",
        "baseline": "base",
    }
    maps = {
        name: arrays[f"{request.param}__{short}"]
        for name, short in names.items()
    }
    return maps, VALUES[request.param]["metrics"]


def score(name, maps, **options):
    metric = evaluation.METRICS[name]
    needs = ("prediction", *metric.needs, *options.pop("use", ()))
    return metric.function(**{n: maps[n] for n in needs}, **options)


NO_MINMAX = {"minmax": False, "epsilon": 0.0}
BASELINE = {"use": ("baseline",)}


@pytest.mark.parametrize(
    "name, options, metric, program",
    [
        ("cc", {}, "CC", "mit_octave"),
        ("cc", {}, "CC", "pysaliency"),
        ("nss", {}, "NSS", "mit_octave"),
        ("nss", {"ddof": 0}, "NSS", "pysaliency"),
        ("sim", {}, "SIM", "mit_octave"),
        ("sim", {"minmax": False}, "SIM", "pysaliency"),
        ("kl", {}, "KLDiv", "mit_octave"),
        ("kl", {"epsilon": 2.2204e-16}, "KLDiv", "pysaliency_MIT_KLDiv"),
        (
            "kl",
            {"epsilon": 0.0, "floor": 1e-20},
            "KLDiv",
            "pysaliency_default_min1e-20",
        ),
        ("information_gain", BASELINE, "InfoGain", "mit_octave"),
        (
            "information_gain",
            {**BASELINE, **NO_MINMAX},
            "InfoGain",
            "pysaliency_sum_normalised",
        ),
        (
            "information_gain",
            NO_MINMAX,
            "InfoGain_vs_uniform",
            "pysaliency_sum_normalised",
        ),
        ("auc_judd", {}, "AUC_Judd_nojitter", "pysaliency"),
        ("auc_judd", {"ties": "in_order"}, "AUC_Judd_nojitter", "mit_octave"),
        ("auc_borji", {"step": None}, "AUC_uniform_exact", "pysaliency"),
        ("auc_shuffled", {"step": None}, "AUC_shuffled_exact", "pysaliency"),
        (
            "auc_shuffled",
            {"step": 0.01, "exclude_fixated": True},
            "AUC_shuffled_step0p01",
            "salicon",
        ),
    ],
)
def test_deterministic(case, name, options, metric, program):
    maps, golden = case
    value = score(name, maps, **dict(options))
    assert value == pytest.approx(float(golden[metric][program]), abs=1e-9)


def test_a_floor_is_added_to_both_maps_by_hand():
    kl = evaluation.METRICS["kl"].function
    options = {"epsilon": 0.0, "floor": 0.1}
    # With it the maps are .9, .1 and .2, .8, of sum 1.
    value = kl(
        prediction=np.array([[0.8, 0.0]]),
        density=np.array([[0.1, 0.7]]),
        **options,
    )
    wanted = 0.2 * math.log(0.2 / 0.9) + 0.8 * math.log(0.8 / 0.1)
    assert value == pytest.approx(wanted, rel=1e-12)
    # Moved to [0, 1] first: .1, 1.1 and 1.1, .1, of sum 1.2.
    value = kl(
        prediction=np.array([[3.0, 11.0]]),
        density=np.array([[4.0, 2.0]]),
        minmax=True,
        **options,
    )
    assert value == pytest.approx(math.log(11) / 1.2, rel=1e-12)


@pytest.mark.parametrize("downsize", [32, 8, 4])
def test_emd(case, downsize):
    maps, golden = case
    golden = golden.get(f"EMD_down{downsize}")
    if golden is None:
        return
    value = score("emd", maps, downsize=downsize)
    assert value == pytest.approx(golden["mit_octave"], abs=5e-4)
    # POT ran on Octave's histograms, ours are MATLAB's: the same where the
    # sizes are multiples of the factor.
    whole = all(n % downsize == 0 for n in maps["density"].shape)
    tolerance = 1e-9 if whole else 6e-5
    assert value == pytest.approx(golden["pot_exact_signed"], abs=tolerance)
    clipped = score("emd", maps, downsize=downsize, negative="clip")
    assert clipped == pytest.approx(golden["pot_exact_clipped"], abs=tolerance)
    matlab = golden["mit_fastemd_with_matlab_imresize"]
    assert value == pytest.approx(matlab, abs=5e-4)


@pytest.mark.parametrize(
    "name, options, metric",
    [
        ("auc_judd", {"ties": "random"}, "AUC_Judd_jitter"),
        ("auc_borji", {}, "AUC_Borji_step0p1"),
        ("auc_borji", {"step": 0.01}, "AUC_Borji_step0p01"),
        ("auc_shuffled", {}, "AUC_shuffled_step0p1"),
        ("auc_shuffled", {"step": 0.01}, "AUC_shuffled_step0p01"),
    ],
)
def test_exact_expectation_of_random_draws(case, name, options, metric):
    maps, golden = case
    golden = golden[metric]["mit_octave"]
    error = 4 * golden["std"] / math.sqrt(golden["repeats"]) + 1e-9
    assert abs(score(name, maps, **options) - golden["mean"]) < error


@pytest.mark.parametrize(
    "name, options, metric",
    [
        ("auc_judd", {"jitter": 1e-7}, "AUC_Judd_jitter"),
        ("auc_borji", {"splits": 100}, "AUC_Borji_step0p1"),
        ("auc_shuffled", {"splits": 100}, "AUC_shuffled_step0p1"),
    ],
)
def test_random_draws(case, name, options, metric):
    maps, golden = case
    golden = golden[metric]["mit_octave"]
    count = 10
    mean = np.mean(
        [score(name, maps, seed=seed, **options) for seed in range(count)]
    )
    error = golden["std"] / math.sqrt(count)
    error += golden["std"] / math.sqrt(golden["repeats"])
    assert abs(mean - golden["mean"]) < 4 * error + 1e-9


def test_same_seed_same_value(case):
    maps, _ = case
    for name, options in (
        ("auc_judd", {"jitter": 0.01}),
        ("auc_borji", {"splits": 3}),
        ("auc_shuffled", {"splits": 3}),
    ):
        first = score(name, maps, seed=5, **options)
        assert score(name, maps, seed=5, **options) == first
        assert score(name, maps, seed=6, **options) != first
