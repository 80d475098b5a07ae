"""A factor changes no metric, up to the ends of what floats hold."""

import numpy as np
import pytest

from keras_saliency.datasets import generate
from keras_saliency.evaluation import METRICS, evaluate

RNG = np.random.default_rng(0)
SIZE = (40, 60)
MAPS = {
    # Multiples of 2^-10: subnormal numbers hold them too.
    "prediction": np.round(RNG.random(SIZE) ** 4 * 2**10) / 2**10,
    "density": np.round(RNG.random(SIZE) ** 4 * 2**10) / 2**10,
    "fixations": RNG.random(SIZE) > 0.95,
    "other_fixations": RNG.random(SIZE) > 0.9,
    "baseline": np.round(RNG.random(SIZE) * 2**10) / 2**10,
}
# Powers of 2, and of 10: those round.
FACTORS = [
    2.0**k for k in (-1064, -1022, -700, -540, -149, 127, 500, 700, 1023)
]
FACTORS += [1e-300, 1e-170, 1e-150, 1e160, 1e300, 1.79e308]
OPTIONS = [
    *((name, {}) for name in METRICS),
    ("kl", {"minmax": True}),
    ("kl", {"epsilon": 0.0, "minmax": True, "floor": 1e-20}),
    ("sim", {"minmax": False}),
    ("information_gain", {"minmax": False, "epsilon": 1e-12}),
    ("auc_shuffled", {"step": None}),
    ("auc_borji", {"step": None}),
    ("auc_judd", {"ties": "random"}),
    ("nss", {"ddof": 0, "repeats": True}),
    ("emd", {"resize": "same", "downsize": 8}),
]


def value(name, options, **changed):
    metric = METRICS[name]
    names = ("prediction", *metric.needs, *metric.may_use)
    maps = {**MAPS, **changed}
    return metric.function(**{n: maps[n] for n in names}, **options)


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
def test_a_factor_changes_nothing(name, options):
    expected = value(name, options)
    for factor in FACTORS:
        for changed in ("prediction", "density", "baseline"):
            scaled = {changed: MAPS[changed] * factor}
            assert value(name, options, **scaled) == pytest.approx(
                expected, abs=1e-6
            ), (changed, factor)
        both = {n: MAPS[n] * factor for n in ("prediction", "density")}
        assert value(name, options, **both) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
def test_smaller_floats(name, options):
    expected = value(name, options)
    for dtype, factors in (
        ("float32", (2.0**-139, 2.0**-126, 2.0**127)),
        ("float16", (2.0**-14, 65504.0)),
    ):
        for factor in factors:
            scaled = (MAPS["prediction"] * factor).astype(dtype)
            assert value(name, options, prediction=scaled) == pytest.approx(
                expected, rel=0.02 if factor == 65504 else 1e-6
            ), (dtype, factor)


def test_values_of_both_signs():
    # Rounding may move a value across one of the AUCs' 11 thresholds.
    shifted = MAPS["prediction"] - 0.5
    for name in ("cc", "nss", "sim", "auc_judd", "auc_borji", "auc_shuffled"):
        for factor in FACTORS:
            assert value(
                name, {}, prediction=shifted * factor
            ) == pytest.approx(value(name, {}), abs=1e-3), (name, factor)


def test_constant_maps_of_any_size():
    for constant in (5e-324, 1e-310, 1e-170, 0.1, 1e160, 1.79e308):
        flat = np.full(SIZE, constant)
        for name, expected in (
            ("cc", 0),
            ("nss", 0),
            ("auc_judd", 0.5),
            ("auc_borji", 0.5),
            ("auc_shuffled", 0.5),
        ):
            assert value(name, {}, prediction=flat) == expected, (
                name,
                constant,
            )
        ones = np.ones(SIZE)
        for name in ("sim", "kl", "emd", "information_gain"):
            assert value(name, {}, prediction=flat) == pytest.approx(
                value(name, {}, prediction=ones), abs=1e-9
            ), (name, constant)


def test_the_usual_range_is_left_alone():
    for factor in (1e-115, 1.0, 1e115):
        for name, options in OPTIONS:
            moved = np.ldexp(MAPS["prediction"] * factor, -3)
            assert value(name, options, prediction=moved) == pytest.approx(
                value(name, options), abs=1e-6
            )


@pytest.mark.parametrize("size", [None, (30, 40), (60, 90)])
def test_tables(size, tmp_path):
    dataset = generate(2, SIZE)
    maps = RNG.random((2, *SIZE))
    expected = evaluate(maps, dataset, size=size, verbose=0).scores
    for factor in (1e-300, 1e-170, 1e160, 1e300):
        for i, name in enumerate(dataset.names):
            np.save(tmp_path / f"{name}.npy", maps[i] * factor)
        for source in (maps * factor, tmp_path):
            found = evaluate(source, dataset, size=size, verbose=0).scores
            for name, values in expected.items():
                np.testing.assert_allclose(
                    found[name], values, atol=1e-6, err_msg=f"{name} {factor}"
                )
