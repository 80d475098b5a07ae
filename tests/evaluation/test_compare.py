import json

import numpy as np
import pytest
from scipy import stats

from keras_saliency.evaluation import Evaluation, compare


def pair(shift, count=50, seed=0):
    rng = np.random.default_rng(seed)
    names = [f"{i:02d}" for i in range(count)]
    difficulty = rng.random(count)
    first = difficulty + rng.normal(shift, 0.05, count)
    second = difficulty + rng.normal(0, 0.05, count)
    return (
        Evaluation(names, {"cc": first, "kl": first}),
        Evaluation(names, {"kl": second, "cc": second, "nss": second}),
    )


def test_rows():
    first, second = pair(0.1)
    comparison = compare(first, second)
    assert list(comparison.rows) == ["cc", "kl"]
    row = comparison.rows["cc"]
    difference = first.scores["cc"] - second.scores["cc"]
    assert row.difference == pytest.approx(difference.mean())
    assert row.difference == pytest.approx(row.first - row.second)
    assert row.low < row.difference < row.high
    assert row.low > 0 and row.p_value < 0.001
    assert row.wins == np.mean(difference > 0)
    assert comparison.rows["kl"].wins == np.mean(difference < 0)
    assert row.images == 50


def test_agrees_with_scipy():
    for seed in range(5):
        first, second = pair(0.015, seed=seed)
        difference = first.scores["cc"] - second.scores["cc"]
        p_value = compare(first, second).rows["cc"].p_value
        wanted = stats.permutation_test(
            (first.scores["cc"], second.scores["cc"]),
            lambda a, b: np.mean(a - b),
            permutation_type="samples",
            n_resamples=4000,
            rng=np.random.default_rng(0),
        ).pvalue
        assert p_value == pytest.approx(wanted, abs=0.03)
        wanted = stats.ttest_1samp(difference, 0).pvalue
        assert p_value == pytest.approx(wanted, abs=0.03)


def test_under_the_null_p_is_uniform():
    p = [
        compare(*pair(0, seed=seed), resamples=300).rows["cc"].p_value
        for seed in range(150)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_the_smallest_p_value():
    # 50 differences of one sign: no draw of 99 gives as large a mean.
    comparison = compare(*pair(1), resamples=99)
    assert [row.p_value for row in comparison.rows.values()] == [0.01, 0.01]


def test_equal_results_are_not_different():
    first, _ = pair(0)
    row = compare(first, first).rows["cc"]
    assert (row.difference, row.p_value, row.wins) == (0, 1, 0)


def test_order_of_the_images_does_not_matter():
    first, second = pair(0.1)
    order = np.random.default_rng(0).permutation(50)
    moved = Evaluation(
        [second.names[i] for i in order],
        {name: values[order] for name, values in second.scores.items()},
    )
    assert compare(first, moved).rows == compare(first, second).rows


def test_images_without_a_value_are_left_out():
    first, second = pair(0.1)
    first.scores["cc"][0] = np.nan
    second.scores["cc"][1] = np.nan
    assert compare(first, second).rows["cc"].images == 48
    first.scores["cc"][:] = np.nan
    row = compare(first, second).rows["cc"]
    assert row.images == 0 and np.isnan(row.p_value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("both", [False, True])
def test_no_p_value_of_infinite_values(both):
    first, second = pair(0.0)
    first.scores["cc"][3] = -np.inf
    if both:
        second.scores["cc"][3] = -np.inf
    comparison = compare(first, second)
    assert np.isnan(comparison.rows["cc"].p_value)
    assert comparison.table().count("nan") >= 3


def test_table_and_file(tmp_path):
    comparison = compare(*pair(0.1), names=("LC1", "MSE"))
    assert repr(comparison) == "Comparison(LC1 - MSE: cc, kl)"
    lines = str(comparison).splitlines()
    assert "LC1 better" in lines[0] and "MSE" in lines[0]
    assert lines[2].startswith("KL (lower is better)")
    comparison.to_json(tmp_path / "comparison.json")
    content = json.loads((tmp_path / "comparison.json").read_text())
    assert content["rows"]["cc"]["images"] == 50


def test_refuses_what_does_not_fit():
    first, second = pair(0)
    for other, options, message in (
        (Evaluation(["a"], {"cc": [1]}), {}, "not of the same images"),
        (Evaluation(first.names, {"sim": [1] * 50}), {}, "no metric in common"),
        (second, {"names": ["a"]}, "names must be two"),
    ):
        with pytest.raises(ValueError, match=message):
            compare(first, other, **options)
