"""Each metric of its own map, and the conventions of benchmarks."""

import numpy as np
import pytest

from keras_saliency import datasets, evaluation, models
from keras_saliency.densities import METRIC_MAPS

METRICS = [*evaluation.METRICS]


@pytest.fixture(scope="module")
def made():
    return datasets.generate(count=16, size=(48, 64), seed=3)


@pytest.fixture(scope="module")
def density(made):
    return models.FixationDensity("spectral_residual").fit(
        made.subset(slice(8)), verbose=0
    )


@pytest.fixture(scope="module")
def test_part(made):
    return made.subset(slice(8, None))


@pytest.fixture(scope="module")
def own(density, test_part):
    return evaluation.evaluate(
        density, test_part, METRICS, maps="per_metric", verbose=0
    )


def test_each_metric_has_the_value_of_its_map(density, test_part, own):
    for metric in METRIC_MAPS:
        maps = [
            density.saliency_map(test_part.image(i), metric=metric)
            for i in range(len(test_part))
        ]
        expected = evaluation.evaluate(maps, test_part, metric, verbose=0)
        np.testing.assert_allclose(
            own.scores[metric], expected.scores[metric], rtol=1e-9
        )


@pytest.mark.further
def test_own_maps_are_better():
    """Of a good model, whose density is right."""
    made = datasets.generate(count=40, size=(48, 64), seed=6)
    maps = {name: made.true_density(i) for i, name in enumerate(made.names)}
    density = models.FixationDensity(maps)
    density.fit(made.subset(slice(20)), verbose=0)
    one, own = (
        evaluation.evaluate(
            density, made.subset(slice(20, None)), METRICS, maps=kind, verbose=0
        ).means()
        for kind in ("one", "per_metric")
    )
    for name in ("cc", "sim", "auc_borji", "auc_shuffled"):
        assert own[name] > one[name], name
    for name in ("kl", "emd"):
        assert own[name] < one[name], name
    for name in ("auc", "auc_judd", "nss", "information_gain"):
        np.testing.assert_allclose(
            own[name], one[name], rtol=1e-5, err_msg=name
        )


def test_the_table_says_so(own, tmp_path):
    assert str(own).startswith("metric, of its own map")
    own.to_json(tmp_path / "scores.json")
    loaded = evaluation.Evaluation.load(tmp_path / "scores.json")
    assert loaded.maps == "per_metric" and str(loaded) == str(own)
    own.to_csv(tmp_path / "scores.csv")
    assert evaluation.Evaluation.load(tmp_path / "scores.csv").maps == "one"


def test_another_size(density, test_part):
    """The density is made at the size of the evaluation."""
    options = {"metrics": ["nss", "sim"], "size": (24, 32), "verbose": 0}
    few = test_part.subset([0, 1])
    result = evaluation.evaluate(density, few, maps="per_metric", **options)
    expected = evaluation.evaluate(
        [density.saliency_map(few.image(i), (24, 32)) for i in range(2)],
        few,
        **options,
    )
    np.testing.assert_allclose(
        result.scores["nss"], expected.scores["nss"], rtol=1e-9
    )


def test_resumed_only_with_the_same_fit(density, test_part, tmp_path):
    options = {
        "metrics": ["nss"],
        "verbose": 0,
        "resume": tmp_path / "scores.jsonl",
        "maps": "per_metric",
    }
    few = test_part.subset([0, 1])

    def lines():
        return len((tmp_path / "scores.jsonl").read_text().splitlines())

    first = evaluation.evaluate(density, few, **options)
    assert lines() == 2
    again = evaluation.evaluate(density, few, **options)
    assert lines() == 2
    np.testing.assert_array_equal(first.scores["nss"], again.scores["nss"])
    other = models.FixationDensity(density.model).fit(few, verbose=0)
    evaluation.evaluate(other, few, **options)
    assert lines() == 4
    evaluation.evaluate(other, few, **{**options, "maps": "one"})
    assert lines() == 6


def test_only_a_density_has_maps_per_metric(test_part):
    for model in ("center_bias", [np.ones((48, 64))] * 8):
        with pytest.raises(ValueError, match="FixationDensity"):
            evaluation.evaluate(model, test_part, maps="per_metric", verbose=0)
    with pytest.raises(ValueError, match='"one" or "per_metric"'):
        evaluation.evaluate("center_bias", test_part, maps="all", verbose=0)


def test_conventions_by_hand(density, test_part):
    """Every fixation counts, the AUC is a rank statistic, SIM as it is."""
    chosen = evaluation.benchmark("mit300-conventions")
    result = chosen.evaluate(density, test_part, verbose=0)
    assert set(result.scores) == set(chosen.metrics)
    i = 2
    map_ = density.saliency_map(test_part.image(i))
    fixations = test_part.fixation_map(i)
    others = sum(
        test_part.fixation_map(j) for j in range(len(test_part)) if j != i
    )
    where = fixations > 0
    values = np.repeat(map_[where], fixations[where].astype(int))
    z = (map_ - map_.mean()) / map_.std()
    truth = test_part.density(i).astype(float)
    truth /= truth.sum()
    negatives = np.repeat(map_[others > 0], others[others > 0].astype(int))

    def rank(negatives):
        won = (values[:, None] > negatives).mean()
        return won + 0.5 * (values[:, None] == negatives).mean()

    eps = 2.2204e-16
    expected = {
        "nss": z[where] @ fixations[where] / fixations.sum(),
        "auc": rank(map_.ravel()),
        "auc_shuffled": rank(negatives),
        "sim": np.minimum(map_, truth).sum(),
        "kl": (truth * np.log(eps + truth / (map_ + eps))).sum(),
        "cc": np.corrcoef(map_.ravel(), truth.ravel())[0, 1],
        "information_gain": np.log2(values * map_.size).mean(),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(
            result.scores[name][i], value, rtol=1e-5, err_msg=name
        )
    means = chosen.means(result, test_part)
    counts = [test_part.count(i) for i in range(len(test_part))]
    np.testing.assert_allclose(
        means["information_gain"],
        np.average(result.scores["information_gain"], weights=counts),
    )
    assert means["nss"] == result.means()["nss"]
    # Counts belong to images by their names.
    turned = evaluation.Evaluation(
        result.names[::-1],
        {name: values[::-1] for name, values in result.scores.items()},
    )
    assert chosen.means(turned, test_part) == pytest.approx(means)
    alone = evaluation.Evaluation(result.names, {"cc": result.scores["cc"]})
    assert set(chosen.means(alone, test_part)) == {"cc"}
    with pytest.raises(ValueError, match="of the result are not in"):
        chosen.means(result, test_part.subset([0]))


def test_old_conventions_are_the_defaults(density, test_part):
    chosen = evaluation.benchmark("mit300-2014")
    few = test_part.subset([0, 1, 2])
    result = chosen.evaluate(density, few, verbose=0)
    expected = evaluation.evaluate(
        density, few, [*chosen.metrics], others=10, verbose=0
    )
    for name, values in expected.scores.items():
        np.testing.assert_array_equal(result.scores[name], values)
    with pytest.raises(ValueError, match="mit300-conventions"):
        evaluation.benchmark("mit300")
