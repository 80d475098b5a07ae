"""Means, intervals, tables and files of an evaluation."""

import json

import numpy as np
import pytest
from evaluations import same

from keras_saliency import datasets
from keras_saliency.evaluation import Evaluation, evaluate


@pytest.fixture
def result():
    rng = np.random.default_rng(0)
    scores = {"cc": rng.random(40), "kl": rng.random(40) / 3}
    scores["cc"][3] = np.nan
    scores["kl"][4] = -np.inf
    return Evaluation([f"image, {i}" for i in range(40)], scores)


def test_files_keep_every_digit(result, tmp_path):
    result.to_csv(tmp_path / "table.csv")
    same(Evaluation.load(tmp_path / "table.csv"), result)
    result.scores["kl"][4] = 0.1
    result.to_json(tmp_path / "table.json")
    same(Evaluation.load(tmp_path / "table.json"), result)
    content = json.loads((tmp_path / "table.json").read_text())
    assert content["scores"]["cc"][3] is None
    assert content["means"] == result.means()


def test_infinity_goes_through_json(tmp_path):
    result = Evaluation("abc", {"information_gain": [-np.inf, np.nan, 1.5]})
    result.to_json(tmp_path / "table.json")
    same(Evaluation.load(tmp_path / "table.json"), result)


def test_table(result):
    result.scores["kl"][4] = 0.1
    assert repr(result) == "Evaluation(40 images: cc, kl)"
    lines = str(result).splitlines()
    assert lines[0].split() == ["metric", "mean", "95%", "interval", "images"]
    assert [line.split()[0] for line in lines[1:]] == ["CC", "KL"]
    assert [line.split()[-1] for line in lines[1:]] == ["39", "40"]
    low, high = result.intervals()["cc"]
    assert low < result.means()["cc"] < high
    assert result.intervals()["cc"] == (low, high)


def test_intervals_cover_the_true_mean():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        result = Evaluation(range(60), {"cc": rng.normal(0.3, 1, 60)})
        low, high = result.intervals(confidence=0.9, resamples=400)["cc"]
        covered += low <= 0.3 <= high
    assert 165 <= covered <= 195


def test_evaluation_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="one value for each"):
        Evaluation(["a"], {"cc": [1.0, 2.0]})
    result = Evaluation(["a", "b"], {"cc": [1.0, 2.0]})
    with pytest.raises(ValueError, match="confidence"):
        result.intervals(confidence=95)
    result = Evaluation(["a"], {"cc": [1.0]})
    assert np.isnan(result.intervals()["cc"]).all()
    result = Evaluation(["a"], {"cc": [np.nan]})
    assert np.isnan(result.means()["cc"]) and "nan" in str(result)


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.csv", b""),
        ("a.csv", b"name,cc\na,0.5\nb"),
        ("a.csv", b"name,cc\na,x\n"),
        ("a.csv", b"\xff\xfe\n"),
        ("a.csv", b'name,cc\n"a'),
        ("a.json", b""),
        ("a.json", b'{"names": ["a"]}'),
        ("a.json", b'{"names": ["a"], "scores": [1]}'),
        ("a.json", b'{"names": ["a"], "scores": {"cc": [1, 2]}}'),
        ("a.json", b"[" * 100_000),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} is damaged, or not a file"):
        Evaluation.load(path)
    with pytest.raises(FileNotFoundError, match="none"):
        Evaluation.load(tmp_path / "none.csv")


def test_parts_of_a_data_set_join_to_the_whole():
    dataset = datasets.generate(7, (24, 32))
    maps = np.stack([dataset.true_density(i) for i in range(7)])
    metrics = ["cc", "auc_shuffled"]
    options = {"verbose": 0, "batch_size": 2}
    whole = evaluate(maps, dataset, metrics, **options)
    parts = [
        evaluate(maps, dataset, metrics, shard=(i, 5), **options)
        for i in range(1, 6)
    ]
    # Whole batches: of four, over five parts.
    assert [len(part) for part in parts] == [0, 2, 2, 2, 1]
    joined = Evaluation.join(parts)
    assert joined.names == whole.names
    for name, values in whole.scores.items():
        np.testing.assert_array_equal(joined.scores[name], values)
    for bad, message in (
        ([], "no results"),
        ([parts[1], parts[1]], "in two of the results"),
        ([parts[1], Evaluation("a", {"cc": [0]})], "other metrics"),
    ):
        with pytest.raises(ValueError, match=message):
            Evaluation.join(bad)
    for bad in ((0, 2), (3, 2), (1,), (1.5, 2), 3):
        with pytest.raises(ValueError, match="shard must be"):
            evaluate(maps, dataset, metrics, shard=bad, **options)


def test_two_images_of_one_name_are_refused():
    with pytest.raises(ValueError, match="the image 'a' is there twice"):
        Evaluation(["a", "a", "b"], {"cc": [1, 2, 3]})


def test_parts_are_joined_whatever_the_order_of_their_metrics():
    first = Evaluation(["a"], {"cc": [1], "nss": [2]})
    second = Evaluation(["b"], {"nss": [4], "cc": [3]})
    joined = Evaluation.join([first, second])
    assert list(joined.scores) == ["cc", "nss"]
    assert joined.scores["nss"].tolist() == [2, 4]


@pytest.mark.parametrize(
    "level, wanted", [(0.95, "95%"), (0.995, "99.5%"), (0.999, "99.9%")]
)
def test_a_table_tells_its_level(result, level, wanted):
    result.scores["kl"][4] = 0.1
    assert f"{wanted} interval" in result.table(confidence=level)


def test_images_in_another_order():
    result = Evaluation("abc", {"cc": [1, np.nan, 3]}, maps="per_metric")
    turned = result.in_order_of(["c", "a", "b"])
    assert turned.names == ("c", "a", "b") and turned.maps == "per_metric"
    np.testing.assert_array_equal(turned.scores["cc"], [3, 1, np.nan])
    assert result.in_order_of("abc") is result
    with pytest.raises(KeyError):
        result.in_order_of(["a", "b", "d"])
