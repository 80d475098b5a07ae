"""The best losses, as they were measured."""

import json
from pathlib import Path

import pytest

from keras_saliency import losses

FILE = Path(losses.__file__).with_name("recommended.json")
SETS = json.loads(FILE.read_text(encoding="utf-8"))["sets"]
LOWER = {"emd", "kl"}
CASES = [(m, s) for s in SETS for m in SETS[s]["metrics"]]


@pytest.mark.once
@pytest.mark.parametrize(("metric", "dataset"), CASES)
def test_all_rows_are_ranked_by_their_means(metric, dataset):
    found = losses.recommended(metric, dataset)
    assert (found.metric, found.dataset) == (metric, dataset)
    names = {row.name for row in found.rows}
    assert names > {row.name for row in losses.TABLE2}
    assert names < {row.name for row in (*losses.TABLE2, *losses.LATER)}
    means = [row.mean for row in found.rows]
    assert means == sorted(means, reverse=metric not in LOWER)
    count = len(found.rows)
    assert [row.rank for row in found.rows] == list(range(1, count + 1))
    for row in found.rows:
        assert row.low <= row.mean <= row.high
        assert 1 <= row.rank_low <= row.rank_high <= count
    assert found.best == found.rows[0].name not in found.alike
    assert found.images >= 161 and found.seeds >= 1
    losses.get(found.best, vgg_weights=None)


def test_a_recommendation_says_where_it_is_from():
    found = losses.recommended(metric="nss")
    assert found == losses.recommended("nss", "mit1003")
    assert (found.best, found.alike) == ("NLL", ("IG",))
    assert (found.images, found.seeds) == (303, 5)
    assert found.rows[0].mean == pytest.approx(2.353, abs=0.001)
    text = str(found)
    assert text.startswith("nss on MIT1003: NLL, 2.35")
    assert "from it: IG. 303 images, 5 seeds." in text
    assert "docs/study/table2.npz" in text
    assert losses.recommended("cc").alike[:2] == ("UMSI++", "TV")
    assert "docs/study/table2_best_later.npz" in text


def test_what_was_not_measured_is_an_error():
    with pytest.raises(ValueError, match="kl; received 'auc_shuffled'"):
        losses.recommended("auc_shuffled")
    with pytest.raises(ValueError, match="SALICON; received 'CAT2000'"):
        losses.recommended("cc", "CAT2000")
