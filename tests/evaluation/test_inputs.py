"""Shapes, types, degenerate maps and refused maps."""

import math

import numpy as np
import pytest

from keras_saliency import evaluation
from keras_saliency.evaluation import METRICS

SIZE = (64, 96)


@pytest.fixture
def maps():
    rng = np.random.default_rng(0)
    fixations = np.zeros(SIZE)
    fixations[rng.integers(0, 64, 20), rng.integers(0, 96, 20)] = 1
    return {
        "prediction": rng.random(SIZE) + 0.1,
        "density": rng.random(SIZE) + 0.1,
        "fixations": fixations,
        "other_fixations": np.roll(fixations, 7, 0),
        "baseline": rng.random(SIZE) + 0.1,
    }


def score(name, maps, **options):
    metric = METRICS[name]
    names = ("prediction", *metric.needs, *metric.may_use)
    return metric.function(**{n: maps[n] for n in names}, **options)


@pytest.mark.parametrize("name", METRICS)
def test_shapes(name, maps):
    value = score(name, maps)
    assert np.isscalar(value)
    channel = {key: map_[..., None] for key, map_ in maps.items()}
    assert score(name, channel) == value
    batch = {key: map_[None] for key, map_ in maps.items()}
    assert score(name, batch).tolist() == [value]
    batch = {key: map_[None, ..., None] for key, map_ in maps.items()}
    assert score(name, batch).tolist() == [value]


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "uint8", "int64"])
def test_types(name, dtype, maps):
    maps["prediction"] = (maps["prediction"] * 200).astype(dtype)
    maps["fixations"] = maps["fixations"] > 0
    as_double = {**maps, "prediction": maps["prediction"].astype("float64")}
    assert score(name, maps) == pytest.approx(score(name, as_double))


@pytest.mark.parametrize("name", METRICS)
def test_one_baseline_and_other_map_for_all(name, maps):
    value = score(name, maps)
    batch = {
        key: map_
        if key in ("baseline", "other_fixations")
        else np.stack([map_, map_])
        for key, map_ in maps.items()
    }
    assert score(name, batch).tolist() == [value, value]


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_not_finite(name, bad, maps):
    for key in ("prediction", *METRICS[name].needs, *METRICS[name].may_use):
        broken = {**maps, key: maps[key].copy()}
        broken[key][3, 4] = bad
        with pytest.raises(ValueError, match=f"{key} holds NaN or inf"):
            score(name, broken)
        broken[key] = broken[key].astype(np.float32)
        with pytest.raises(ValueError, match=f"{key} holds NaN or inf"):
            score(name, broken)


def test_a_large_sum_is_no_infinity():
    map_ = np.full((4, 4), 1e308)
    map_[0, 0] = 0
    fixations = np.eye(4)
    assert evaluation.auc_judd(prediction=map_, fixations=fixations) < 0.5


def test_refuses_a_sum_beyond_float64(maps):
    # Elsewhere a factor changes nothing, and is taken out.
    maps["prediction"] = np.full(SIZE, 1e308)
    with pytest.raises(ValueError, match="too large to be summed"):
        score("kl", maps, floor=1e-20)


@pytest.mark.parametrize("name", METRICS)
def test_refuses_other_shapes(name, maps):
    for key in METRICS[name].needs:
        with pytest.raises(ValueError, match=r"same shape.*\(64, 95\)"):
            score(name, {**maps, key: maps[key][:, 1:]})
        with pytest.raises(ValueError, match="is needed"):
            score(name, {**maps, key: None})
    with pytest.raises(ValueError, match="must have the shape"):
        score(name, {**maps, "prediction": maps["prediction"].ravel()})
    with pytest.raises(ValueError, match="must have the shape"):
        score(name, {**maps, "prediction": np.zeros((0, 64, 96))})
    with pytest.raises(ValueError, match="real numbers"):
        score(name, {**maps, "prediction": maps["prediction"] + 1j})


def test_names_the_image_of_a_batch(maps):
    density = np.stack([maps["density"]] * 3)
    density[2, 0, 0] = np.nan
    with pytest.raises(ValueError, match="image 2: density holds NaN"):
        evaluation.cc(prediction=density[[0, 1, 1]], density=density)


@pytest.mark.parametrize("name", ["nss", "auc_judd", "information_gain"])
def test_refuses_a_density_as_fixations(name, maps):
    maps["fixations"] = maps["density"]
    with pytest.raises(ValueError, match="looks like a density map"):
        score(name, maps)
    maps["fixations"] = -np.ones(SIZE)
    with pytest.raises(ValueError, match="numbers of fixations"):
        score(name, maps)


@pytest.mark.parametrize("name", ["kl", "emd"])
def test_refuses_negative_mass(name, maps):
    for key in ("prediction", "density"):
        with pytest.raises(ValueError, match=f"{key} holds negative"):
            score(name, {**maps, key: maps[key] - 0.5})


def test_negative_predictions_are_fine_elsewhere(maps):
    moved = {**maps, "prediction": maps["prediction"] - 7}
    for name in METRICS:
        if name not in ("kl", "emd"):
            assert score(name, moved) == pytest.approx(score(name, maps))
    options = {"minmax": True}
    assert score("kl", moved, **options) == pytest.approx(
        score("kl", maps, **options)
    )


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 1e-30, 1e30])
def test_constant_prediction(value, maps):
    maps["prediction"] = np.full(SIZE, value)
    assert score("cc", maps) == 0
    assert score("nss", maps) == 0
    for name in ("auc_judd", "auc_borji", "auc_shuffled"):
        assert score(name, maps) == 0.5
    assert score("auc_borji", maps, step=None) == 0.5
    assert score("auc_judd", maps, ties="in_order") == 0.5
    count = maps["fixations"].sum()
    assert score("auc_judd", maps, ties="random") == pytest.approx(
        0.5 + 1 / (2 * count + 2)
    )
    uniform = {**maps, "prediction": np.ones(SIZE)}
    q = maps["density"] / maps["density"].sum()
    if value > 0:
        for name in ("sim", "kl", "emd", "information_gain"):
            assert score(name, maps) == pytest.approx(score(name, uniform))
        assert score("kl", maps) == pytest.approx(
            np.sum(q * np.log(q * q.size)), abs=1e-9
        )
    else:
        assert score("sim", maps) == 0
        assert score("emd", maps) == math.hypot(1, 2)
        assert score("kl", maps) == pytest.approx(
            52 * np.log(2) + np.sum(q * np.log(q))
        )
        assert score("information_gain", maps) < -35


def test_no_fixations(maps):
    for key in ("fixations", "other_fixations"):
        empty = {**maps, key: np.zeros(SIZE)}
        for name, metric in METRICS.items():
            if key in metric.needs:
                assert np.isnan(score(name, empty))


def test_every_pixel_fixated(maps):
    maps["fixations"] = np.ones(SIZE)
    assert np.isnan(score("auc_judd", maps))
    assert score("nss", maps) == pytest.approx(0, abs=1e-12)


def test_one_fixation_is_enough(maps):
    maps["fixations"] = np.zeros(SIZE)
    maps["fixations"][5, 5] = 1
    for name in ("auc_judd", "auc_borji", "auc_shuffled", "nss"):
        assert np.isfinite(score(name, maps))


def test_empty_density(maps):
    maps["density"] = np.zeros(SIZE)
    assert np.isnan(score("cc", maps))
    assert np.isnan(score("emd", maps))
    assert score("sim", maps) == 0
    assert score("kl", maps) == 0


def test_constant_density(maps):
    maps["density"] = np.full(SIZE, 0.3)
    assert np.isnan(score("cc", maps))
    assert 0 < score("sim", maps) < 1
    assert score("kl", {**maps, "prediction": maps["density"]}) < 1e-11


def test_empty_baseline(maps):
    maps["baseline"] = np.zeros(SIZE)
    with pytest.raises(ValueError, match="baseline is zero"):
        score("information_gain", maps)


def test_one_bin_has_no_distance():
    a, b = np.random.default_rng(0).random((2, 20, 30))
    assert evaluation.emd(prediction=a, density=b) == 0


def test_emd_in_pixels():
    a, b = np.zeros((2, 64, 96))
    a[:32, :32] = 1
    b[:32, 64:] = 1
    bins = evaluation.emd(prediction=a, density=b)
    # Bicubic resizing carries a little of both maps over their edges.
    assert bins == pytest.approx(2, abs=0.2)
    pixels = evaluation.emd(prediction=a, density=b, unit="pixels")
    assert pixels == pytest.approx(32 * bins)


def test_emd_of_maps_that_differ_by_rounding(maps):
    maps["density"] = 3 * maps["prediction"]
    assert score("emd", maps) == 0


def test_emd_is_not_given_unsolved(maps, monkeypatch):
    from ot import lp

    def emd2(*arguments, **options):
        return 1.0, {"warning": "numItermax reached"}

    monkeypatch.setattr(lp, "emd2", emd2)
    with pytest.raises(RuntimeError, match="numItermax reached"):
        score("emd", maps)


@pytest.mark.parametrize(
    "name, options",
    [
        ("auc_judd", {"ties": "no"}),
        ("auc_judd", {"ties": "random", "repeats": True}),
        ("auc_borji", {"step": 0}),
        ("auc_borji", {"step": 2}),
        ("auc_shuffled", {"splits": 2, "repeats": True}),
        ("emd", {"downsize": 0}),
        ("emd", {"unit": "cm"}),
        ("emd", {"resize": "nearest"}),
        ("emd", {"negative": "none"}),
    ],
)
def test_refuses_options(name, options, maps):
    with pytest.raises(ValueError, match=next(iter(options))):
        score(name, maps, **options)


def test_choose():
    both = ("density", "fixations")
    assert tuple(evaluation.choose(None, both)) == evaluation.SEVEN
    assert tuple(evaluation.choose(None, ("density",))) == (
        "cc",
        "sim",
        "emd",
        "kl",
    )
    options = {"emd": {"downsize": 8}}
    assert evaluation.choose(options, both) == options
    assert evaluation.choose("nss", both) == {"nss": {}}
    for metrics, message in (
        (["kld"], "no metric 'kld'"),
        (["auc_shuffled"], "needs other_fixations"),
        ([], "names no metric"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluation.choose(metrics, both)


def test_score(maps):
    chosen = evaluation.choose({"cc": {}, "emd": {"downsize": 8}}, maps)
    values = evaluation.score(maps["prediction"], maps, chosen)
    assert values == {
        "cc": score("cc", maps),
        "emd": score("emd", maps, downsize=8),
    }
    maps["density"] = np.zeros(SIZE)
    chosen = evaluation.choose(["kl", "nss"], maps)
    values = evaluation.score(maps["prediction"], maps, chosen)
    assert np.isnan(values["kl"]) and values["nss"] == score("nss", maps)


def test_functions_take_their_maps_by_name_only(maps):
    with pytest.raises(TypeError):
        evaluation.cc(maps["prediction"], maps["density"])


def test_a_baseline_of_zero_at_a_fixation():
    maps = {
        "prediction": np.array([[0.0, 1], [1, 1]]),
        "fixations": np.array([[1, 0], [0, 1]]),
        "baseline": np.array([[0.0, 1], [1, 1]]),
    }
    options = {"minmax": False, "epsilon": 0.0}
    with pytest.raises(ValueError, match="baseline is 0 at a fixation"):
        evaluation.information_gain(**maps, **options)
    assert np.isfinite(evaluation.information_gain(**maps))
    maps["baseline"] += 0.01
    assert evaluation.information_gain(**maps, **options) == -np.inf
