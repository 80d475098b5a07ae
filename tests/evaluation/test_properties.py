"""What must hold for every map, tried on many random ones."""

import numpy as np
import pytest

from keras_saliency import evaluation
from keras_saliency.evaluation import METRICS, _maps, _roc

TRIALS = 25
AREAS = ("auc_judd", "auc_borji", "auc_shuffled")


def draw(rng, count=None, levels=None):
    """Random maps; every other trial has many ties."""
    size = tuple(rng.integers(5, 40, 2))
    shape = size if count is None else (count, *size)
    if levels is None:
        levels = rng.choice([0, 4])
    prediction = rng.random(shape) ** rng.uniform(0.3, 6)
    if levels:
        prediction = np.floor(prediction * levels) / levels
    fixations = rng.poisson(rng.uniform(0.02, 0.5), shape)
    fixations[..., 0, 0] = 1
    fixations[..., 1, 1] = 0
    others = rng.poisson(0.3, shape)
    others[..., 0, 1] = 1
    prediction[..., 0, 0] = 1.25
    return {
        "prediction": prediction,
        "density": rng.random(shape) + 1e-6,
        "fixations": fixations,
        "other_fixations": others,
        "baseline": rng.random(shape) + 1e-6,
    }


def score(name, maps, **options):
    metric = METRICS[name]
    needs = ("prediction", *metric.needs)
    return metric.function(**{n: maps[n] for n in needs}, **options)


@pytest.fixture(params=range(TRIALS))
def rng(request):
    return np.random.default_rng(request.param)


def test_affine_change_of_the_prediction(rng):
    maps = draw(rng)
    # Exact in floating point, so that ties and thresholds stay where they are.
    scale, shift = 2.0 ** rng.integers(-8, 8), rng.integers(-3, 4) / 4
    maps["prediction"] = np.round(maps["prediction"] * 2**20) / 2**20
    changed = {**maps, "prediction": maps["prediction"] * scale + shift}
    for name in ("cc", "nss", "sim", *AREAS):
        assert score(name, changed) == pytest.approx(
            score(name, maps), abs=1e-9
        ), name


def test_scale_of_the_maps(rng):
    maps = draw(rng)
    changed = {
        **maps,
        "prediction": maps["prediction"] * 8,
        "density": maps["density"] / 64,
    }
    for name in ("sim", "kl", "emd", "cc", "information_gain"):
        assert score(name, changed) == pytest.approx(
            score(name, maps), abs=1e-9
        ), name


def test_increasing_change_leaves_ranks(rng):
    maps = draw(rng)
    changed = {**maps, "prediction": np.exp(3 * maps["prediction"])}
    for name, options in (
        ("auc_judd", {}),
        ("auc_judd", {"ties": "random"}),
        ("auc_borji", {"step": None}),
        ("auc_shuffled", {"step": None}),
    ):
        assert score(name, changed, **options) == pytest.approx(
            score(name, maps, **options), abs=1e-12
        )


def test_equal_maps():
    for seed in range(TRIALS):
        density = draw(np.random.default_rng(seed))["density"]
        maps = {"prediction": density.copy(), "density": density}
        assert score("cc", maps) == pytest.approx(1, abs=1e-12)
        assert score("sim", maps) == pytest.approx(1, abs=1e-12)
        assert score("kl", maps) == pytest.approx(0, abs=1e-10)
        assert score("emd", maps, downsize=4, resize="same") == 0


def test_ranges(rng):
    maps = draw(rng)
    assert -1 <= score("cc", maps) <= 1
    assert 0 <= score("sim", maps) <= 1
    assert score("kl", maps) >= -1e-10
    assert score("emd", maps, downsize=4) >= 0
    for name in AREAS:
        assert 0 <= score(name, maps) <= 1


def test_emd_is_a_metric(rng):
    size = tuple(rng.integers(20, 60, 2))
    a, b, c = rng.random((3, *size)) ** rng.uniform(1, 20)
    options = {"downsize": 8, "resize": "same"}

    def distance(p, q):
        return evaluation.emd(prediction=p, density=q, **options)

    assert distance(a, b) > 0
    assert distance(a, b) == pytest.approx(distance(b, a), abs=1e-12)
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-12


def test_emd_of_whole_sizes_needs_no_choice_of_resizing():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 64, 96))
    maps = {"prediction": a, "density": b}
    assert score("emd", maps) == score("emd", maps, resize="same")
    assert evaluation.emd(prediction=a, density=a) == 0


def test_each_image_as_if_alone(rng):
    maps = draw(rng, count=3)
    for name, metric in METRICS.items():
        together = score(name, maps)
        alone = [
            score(name, {key: value[i] for key, value in maps.items()})
            for i in range(3)
        ]
        assert together.shape == (3,) and together.dtype == np.float64
        assert all(isinstance(value, np.float64) for value in alone)
        np.testing.assert_array_equal(together, alone, err_msg=name)
        assert metric.title


def test_repeats_are_copies_of_a_fixation(rng):
    maps = draw(rng)
    values = maps["prediction"].ravel()
    counts = maps["fixations"].ravel()
    each = np.repeat(values, counts)
    z = (each - values.mean()) / values.std(ddof=1)
    assert score("nss", maps, repeats=True) == pytest.approx(z.mean())
    negatives = np.repeat(values, maps["other_fixations"].ravel())
    won = (each[:, None] > negatives) + 0.5 * (each[:, None] == negatives)
    area = score("auc_shuffled", maps, repeats=True, step=None)
    assert area == pytest.approx(won.mean())
    assert score("auc_judd", maps, repeats=True) == pytest.approx(
        judd_by_hand(values, counts)
    )


def judd_by_hand(values, counts):
    """The curve's definition, one threshold after the other."""
    fixated = counts > 0
    points = [(0.0, 0.0)]
    for threshold in sorted(set(values[fixated]), reverse=True):
        passes = values >= threshold
        points.append(
            (
                passes[~fixated].mean(),
                counts[passes].sum() / counts.sum(),
            )
        )
    points.append((1.0, 1.0))
    x, y = np.transpose(points)
    return np.trapezoid(y, x)


def test_judd_by_hand(rng):
    maps = draw(rng)
    counts = (maps["fixations"] > 0).astype(int).ravel()
    by_hand = judd_by_hand(maps["prediction"].ravel(), counts)
    assert score("auc_judd", maps) == pytest.approx(by_hand, abs=1e-12)


def test_judd_random_ties_are_the_mean_over_jitters(rng):
    maps = draw(rng, levels=3)
    draws = [
        score("auc_judd", maps, jitter=1e-7, seed=seed) for seed in range(100)
    ]
    error = np.std(draws) / 10 + 1e-9
    assert abs(score("auc_judd", maps, ties="random") - np.mean(draws)) < (
        4.5 * error
    )


@pytest.mark.parametrize("step", [0.1, 0.03, None])
def test_areas_by_hand(rng, step):
    maps = draw(rng)
    values = maps["prediction"]
    scaled = (values - values.min()) / (values.max() - values.min())
    positives = scaled[maps["fixations"] > 0]
    for name, negatives in (
        ("auc_borji", scaled.ravel()),
        ("auc_shuffled", scaled[maps["other_fixations"] > 0]),
    ):
        if step is None:
            thresholds = np.unique(np.append(scaled, 2.0))[::-1]
        else:
            thresholds = np.arange(int(1 / step) + 1)[::-1] * step
        hits = [0, *(np.mean(positives >= t) for t in thresholds), 1]
        false = [0, *(np.mean(negatives >= t) for t in thresholds), 1]
        area = np.trapezoid(hits, false)
        assert score(name, maps, step=step) == pytest.approx(area, abs=1e-12)


def test_order_of_float32_is_that_of_float64(rng):
    maps = draw(rng)
    single = maps["prediction"].astype(np.float32)
    double = single.astype(np.float64)
    for name in METRICS:
        assert score(name, {**maps, "prediction": single}) == pytest.approx(
            score(name, {**maps, "prediction": double}), abs=1e-12
        )


def test_the_inputs_are_left_alone(rng):
    maps = draw(rng)
    copies = {name: value.copy() for name, value in maps.items()}
    for name in METRICS:
        score(name, maps)
    for name, value in maps.items():
        np.testing.assert_array_equal(value, copies[name])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_metrics_that_share_a_map(rng, dtype):
    maps = draw(rng)
    maps["prediction"] = maps["prediction"].astype(dtype)
    shared = {name: _maps.Map(name, value) for name, value in maps.items()}
    for name in METRICS:
        # The second time from what is kept.
        for _ in range(2):
            assert score(name, shared) == score(name, maps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_counts_of_large_maps(rng, dtype):
    pixels = rng.random(50_000) ** rng.uniform(0.1, 20)
    pixels[rng.random(pixels.size) < rng.random()] = rng.choice([0, 0.5, 1])
    # Neighbors in floating point, in one bin of any histogram.
    pixels[:100] = np.nextafter(pixels[100:200], 2)
    largest = 300 if dtype == "float64" else 30
    pixels = pixels * 10.0 ** rng.integers(-largest, largest)
    pixels = pixels.astype(dtype)
    thresholds = -np.sort(-pixels[rng.integers(0, 300, 40)])
    counts = _roc.count_at_least(_maps.Map("pixels", pixels), thresholds)
    wanted = [np.count_nonzero(pixels >= t) for t in thresholds]
    np.testing.assert_array_equal(counts, wanted)


@pytest.mark.parametrize(
    "dtype, last",
    [
        ("uint8", 255),
        ("float32", 7),
        ("float64", 255),
        ("float32", 256),
        ("float64", 7.25),
        ("float32", -1),
    ],
)
def test_counts_of_whole_numbers(rng, dtype, last, monkeypatch):
    monkeypatch.setattr(_maps, "_COUNTABLE", 3000)
    pixels = rng.integers(0, 256, 10_000).astype(dtype)
    pixels[-1] = last
    map_ = _maps.Map("pixels", pixels)
    assert (map_.byte_counts is not None) == (last in (7, 255))
    thresholds = [-1, 0, 0.5, 7, 7.2, 7.3, 200.5, 255, 255.5, 256, 1e9]
    thresholds = np.array(thresholds, map_.comparable.dtype)
    wanted = [np.count_nonzero(pixels >= t) for t in thresholds]
    counts = _roc.count_at_least(map_, thresholds)
    np.testing.assert_array_equal(counts, wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("step", [0.1, 0.01, 0.1 + 1e-11])
def test_counts_of_moved_pixels(rng, dtype, step):
    # Values whose rounding decides which side of a threshold they fall on.
    pixels = np.round(rng.uniform(-1, 1, 5000), 2) * 10.0 ** rng.integers(-9, 9)
    pixels = (pixels + rng.choice([0.0, 1.0])).astype(dtype)
    map_ = _maps.Map("pixels", pixels)
    low, high = map_.low, map_.high
    thresholds = _roc.threshold_steps(step)
    moved = (pixels.astype(np.float64) - low) / (high - low)
    counts = _roc.count_at_least(map_, _roc._least_moved(map_, thresholds))
    wanted = [np.count_nonzero(moved >= t) for t in thresholds]
    np.testing.assert_array_equal(counts, wanted)


@pytest.mark.parametrize("shift", [0.0, 1.0, 1e6, -1e9])
def test_cc_far_from_zero(rng, shift):
    maps = draw(rng)
    maps["prediction"] = maps["prediction"] + shift
    moved = maps["prediction"] - maps["prediction"].mean()
    wanted = np.corrcoef(moved.ravel(), maps["density"].ravel())[0, 1]
    assert score("cc", maps) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("shift", [0.0, 1.0, 1e6, -1e9])
def test_nss_far_from_zero(rng, shift):
    maps = draw(rng)
    maps["prediction"] = maps["prediction"] + shift
    z = maps["prediction"] - maps["prediction"].mean()
    z = z / z.std(ddof=1)
    wanted = z[maps["fixations"] > 0].mean()
    assert score("nss", maps) == pytest.approx(wanted, abs=1e-9)
