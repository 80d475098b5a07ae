"""Ranks and comparisons over images and seeds."""

import numpy as np
import pytest
from scipy import stats

from keras_saliency import evaluation, experiments
from keras_saliency.experiments import ranking

IMAGES = [f"{i:03d}" for i in range(80)]


def results(means, seeds=4, of_seeds=0.002):
    """Rows of these means, with images, seeds and noise drawn by chance."""
    rng = np.random.default_rng(1)
    images = 0.1 * rng.standard_normal(len(IMAGES))
    return {
        row: [
            evaluation.Evaluation(
                IMAGES,
                {
                    metric: sign * mean
                    + images
                    + of_seeds * rng.standard_normal()
                    + 0.02 * rng.standard_normal(len(IMAGES))
                    for metric, sign in (("cc", 1), ("kl", -1))
                },
            )
            for _ in range(seeds)
        ]
        for row, mean in means.items()
    }


@pytest.fixture(scope="module")
def ranked():
    means = {"c": 0.3, "a": 0.5, "a too": 0.4995, "b": 0.4}
    return experiments.Ranking(results(means), resamples=300)


def test_the_best_stands_first_in_either_direction(ranked):
    assert (ranked.images, ranked.seeds) == (80, 4)
    for metric in ("cc", "kl"):
        places = ranked.places[metric]
        assert {places[0].row, places[1].row} == {"a", "a too"}
        assert [place.row for place in places[2:]] == ["b", "c"]
        assert [place.rank for place in places] == [1, 2, 3, 4]
        for place in places:
            assert place.low < place.mean < place.high
            assert place.rank_low <= place.rank <= place.rank_high
        assert (places[3].rank_low, places[3].rank_high) == (4, 4)
        assert (places[0].rank_low, places[1].rank_high) == (1, 2)


def test_rows_that_are_alike_are_joined(ranked):
    for metric in ("cc", "kl"):
        assert set(ranked.alike(metric)) == {"a", "a too"}
        assert [set(g) for g in ranked.groups(metric)] == [{"a", "a too"}]
    found = ranked.compare("a", "c", "cc")
    assert found.low < found.difference < found.high
    assert found.difference == pytest.approx(0.2, abs=0.01)
    assert found.p_value < 0.001 and ranked.differ("c", "a", "kl")
    back = ranked.compare("c", "a", "cc")
    assert back.difference == -found.difference
    assert back.p_value == found.p_value


def test_a_seed_that_matters_widens_the_test():
    means = {"a": 0.5, "b": 0.49, "c": 0.3}
    steady = experiments.Ranking(results(means), resamples=20)
    loose = experiments.Ranking(results(means, of_seeds=0.05), resamples=20)
    for metric in ("cc", "kl"):
        assert steady.differ("a", "b", metric)
        assert not loose.differ("a", "b", metric)


def test_means_are_drawn_as_by_interval():
    values = np.random.default_rng(0).random((2, 3, 20))
    drawn = ranking.draw_means(values, resamples=2000, seed=0)
    for row, means in zip(values, drawn, strict=True):
        wanted = experiments.interval(row)
        assert np.percentile(means, [2.5, 97.5]) == pytest.approx(wanted)


def test_one_seed_is_the_paired_t_test():
    values = np.random.default_rng(0).random((3, 1, 20))
    found = ranking.pairwise_tests(values)
    np.testing.assert_array_equal(found, found.T)
    wanted = stats.ttest_rel(values[0, 0], values[2, 0]).pvalue
    assert found[0, 2] == pytest.approx(wanted)
    assert ranking.pairwise_tests(values[[0, 0]])[0, 1] == 1


def test_p_values_are_uniform_where_nothing_differs():
    """Rows that differ by images and seeds drawn by chance alone."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(60):
        values = rng.standard_normal((8, 5, 30))
        values += rng.standard_normal((8, 5, 1))
        values += rng.standard_normal((8, 1, 30))
        p = ranking.pairwise_tests(values)
        found.extend(p[np.tril_indices(8, -1)])
    assert 0.02 < np.mean(np.array(found) < 0.05) < 0.08


def test_variances_are_moderated_by_their_spread():
    rng = np.random.default_rng(0)
    # As Smyth has it: 1 / variance is a scaled chi-squared of 6 degrees.
    variances = 6 * 2.0 / rng.chisquare(6, 4000) * rng.chisquare(4, 4000) / 4
    found, freedom = ranking.moderated(variances, 4)
    assert freedom == pytest.approx(10, rel=0.15)
    assert np.corrcoef(found, variances)[0, 1] == pytest.approx(1)
    usual = (freedom * found - 4 * variances) / (freedom - 4)
    assert usual == pytest.approx(np.full(4000, 2.0), rel=0.1)
    found, freedom = ranking.moderated(rng.chisquare(4, 50) / 4 + 5, 4)
    assert np.isinf(freedom) and np.ptp(found) == 0


def test_holm_by_hand():
    p_values = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.9}
    corrected = ranking.holm(p_values)
    assert corrected == pytest.approx(
        {"a": 0.04, "c": 0.09, "b": 0.09, "d": 0.9}
    )


def test_what_could_not_be_tested_does_not_count_for_holm():
    known = {"a": 0.01, "c": 0.001, "d": 0.04}
    corrected = ranking.holm({**known, "b": np.nan})
    assert np.isnan(corrected.pop("b"))
    assert corrected == ranking.holm(known)


def changed(rows, row, change):
    """The rows, one of them with other names or scores."""
    made = [
        evaluation.Evaluation(*change(run.names, run.scores))
        for run in rows[row]
    ]
    return {**rows, row: made}


def test_images_are_paired_by_their_names():
    rows = results({"a": 0.5, "b": 0.497, "c": 0.3})
    order = np.random.default_rng(0).permutation(len(IMAGES))
    mixed = changed(
        rows,
        "b",
        lambda names, scores: (
            [names[i] for i in order],
            {metric: values[order] for metric, values in scores.items()},
        ),
    )
    first, second = (
        experiments.Ranking(given, resamples=20) for given in (rows, mixed)
    )
    assert first.compare("a", "b", "cc") == second.compare("a", "b", "cc")


def test_equal_rows_share_their_ranks():
    rows = results({"a": 0.5, "c": 0.3})
    rows = {"a": rows["a"], "a again": rows["a"], "c": rows["c"]}
    for metric in ("cc", "kl"):
        places = experiments.Ranking(rows, resamples=50).places[metric]
        ranks = [(p.rank, p.rank_low, p.rank_high) for p in places]
        assert ranks == [(1, 1, 2), (1, 1, 2), (3, 3, 3)]


def test_images_without_a_value_are_counted():
    def holes(names, scores):
        return names, {**scores, "cc": np.where(scores["cc"] < 0.5, np.nan, 1)}

    rows = results({"a": 0.5, "b": 0.4})
    left = int((~np.isnan(holes((), rows["b"][0].scores)[1]["cc"])).sum())
    assert 2 < left < 80
    ranked = experiments.Ranking(
        changed({row: r[:1] for row, r in rows.items()}, "b", holes)
    )
    assert ranked.images == 80
    assert ranked.counted == {"cc": left, "kl": 80}


def test_what_cannot_be_ranked_is_refused():
    rows = results({"a": 0.5, "b": 0.4})

    def filled(value, count):
        def change(names, scores):
            values = scores["cc"].copy()
            values[:count] = value
            return names, {**scores, "cc": values}

        return changed(rows, "b", change)

    def renamed(names, scores):
        return ["other", *names[1:]], scores

    def lacking(names, scores):
        return names, {"cc": scores["cc"]}

    for given, message in (
        (filled(-np.inf, 1), "row 'b' has an infinite cc"),
        (filled(np.nan, 80), "0 images have a value of cc .* 'b' has 0 of 80"),
        (filled(np.nan, 79), "1 images have a value of cc"),
        (changed(rows, "b", renamed), "same images; 'a' .* such as '000'"),
        (changed(rows, "b", lacking), "same metrics; 'a' has cc, kl, 'b' has"),
        ({**rows, "b": rows["b"][:2]}, "seeds .* 'b' has 2, 'a' has 4"),
        ({}, "no rows"),
        ({"a": []}, "row 'a' has no result"),
    ):
        with pytest.raises(ValueError, match=message):
            experiments.Ranking(given)


def test_what_cannot_be_compared_is_refused(ranked):
    for pair, message in (
        (("a", "d", "cc"), "no 'd'; choose from c, a"),
        (("a", "b", "nss"), "no 'nss'; choose from cc, kl"),
        (("a", "a", "cc"), "'a' cannot be compared with itself"),
    ):
        with pytest.raises(ValueError, match=message):
            ranked.compare(*pair)


def test_a_metric_of_ones_own_is_better_when_higher():
    rows = {
        row: [
            evaluation.Evaluation(IMAGES, {"mine": r.scores["cc"]}) for r in rs
        ]
        for row, rs in results({"c": 0.3, "a": 0.5}).items()
    }
    places = experiments.Ranking(rows, resamples=20).places["mine"]
    assert [place.row for place in places] == ["a", "c"]
