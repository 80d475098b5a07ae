import numpy as np
import pytest

from keras_saliency import datasets
from keras_saliency.evaluation import center_bias, inter_observer


def _dataset(index, x, y, subject, count=2, size=(64, 64)):
    return datasets.SaliencyDataset(
        "made",
        [np.zeros((*size, 3), "uint8")] * count,
        fixations=datasets.Fixations(index, x, y, subject=subject),
    )


def test_ceiling_by_hand():
    # Two observers agree on image 0 and look elsewhere on image 1.
    dataset = _dataset(
        [0, 0, 1, 1], [10, 10, 10, 50], [20, 20, 20, 50], [0, 1, 0, 1]
    )
    scores = inter_observer(dataset)
    peak = np.zeros((64, 64))
    peak[20, 10] = 1
    from scipy.ndimage import gaussian_filter

    blurred = gaussian_filter(peak, 2.5)
    nss = (blurred.max() - blurred.mean()) / blurred.std(ddof=1)
    assert scores["nss"][0] == pytest.approx(nss)
    assert scores["nss"][1] < 0
    assert scores["auc_judd"][0] > 0.999
    assert scores["information_gain"][0] > scores["information_gain"][1]


def test_floor_by_hand():
    dataset = _dataset([0, 1], [10, 10], [20, 20], [0, 0])
    floor = center_bias(dataset)
    assert floor["nss"][0] == floor["nss"][1] > 5
    assert floor["information_gain"][0] > 5


def test_images_without_others_are_nan():
    dataset = _dataset([0, 0, 1], [1, 2, 3], [1, 2, 3], [0, 1, 0], count=3)
    scores = inter_observer(dataset, metrics=["nss"])["nss"]
    assert np.isnan(scores).tolist() == [False, True, True]
    scores = center_bias(dataset, metrics="nss")["nss"]
    assert np.isnan(scores).tolist() == [False, False, True]
    # Nobody looked at another image: all places are as likely.
    alone = center_bias(dataset.subset([0, 2]))
    assert alone["nss"][0] == alone["information_gain"][0] == 0
    assert alone["auc_judd"][0] == 0.5


def test_what_is_refused():
    merged = datasets.SaliencyDataset(
        "merged",
        [np.zeros((9, 9, 3), "uint8")] * 2,
        fixations=datasets.Fixations([0, 1], [1, 1], [1, 1]),
    )
    with pytest.raises(ValueError, match="merged does not tell its observers"):
        inter_observer(merged)
    with pytest.raises(ValueError, match="two images or more"):
        center_bias(merged.subset([0]))
    with pytest.raises(ValueError, match="metrics must be some of"):
        center_bias(merged, metrics=["cc"])


def test_mit1003(mit1003_path):
    dataset = datasets.load_compact(mit1003_path)
    part = dataset.subset(slice(0, 100))
    ceiling = inter_observer(part, metrics=["nss"])["nss"].mean()
    assert ceiling == pytest.approx(2.97, abs=0.02)
    assert center_bias(part, metrics=["nss"])["nss"].mean() == pytest.approx(
        1.38, abs=0.02
    )


@pytest.mark.manual
def test_mit1003_whole(mit1003_path):
    dataset = datasets.load_compact(mit1003_path)
    assert inter_observer(dataset)["nss"].mean() == pytest.approx(
        2.89, abs=0.01
    )
    assert center_bias(dataset)["nss"].mean() == pytest.approx(1.26, abs=0.01)
