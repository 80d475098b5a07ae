import numpy as np
import pytest

from keras_saliency import datasets
from keras_saliency.datasets import SPLITS, Split


def test_info():
    dataset = datasets.generate(3, (24, 32))
    info = dataset.info()
    assert info["images"] == 3
    assert info["observers"] == 8
    assert info["fixations"] == info["used"] == 192
    assert info["height"] == (24, 24)
    assert "observers             8\n" in repr(info)
    assert dataset.categories is None


def test_info_without_fixations():
    dataset = datasets.SaliencyDataset(
        "maps",
        [np.zeros((4, 5, 3), "uint8")],
        names=["Art/1"],
        densities=[np.ones((4, 5))],
    )
    info = dataset.info()
    assert "fixations" not in info
    assert info["densities"] == "published"
    assert info["categories"] == 1
    assert "pixels per degree  unknown" in repr(info)


def test_info_of_real_sets(mit1003_path, osie_path):
    info = datasets.load_compact(mit1003_path).info()
    assert (info["images"], info["observers"]) == (1003, 15)
    assert (info["fixations"], info["used"]) == (119432, 104147)
    info = datasets.load_compact(osie_path).info()
    assert (info["images"], info["observers"]) == (700, 15)
    assert info["fixations"] == 98321
    scene = osie_path.parent / "Scene"
    if scene.exists():
        info = datasets.load_compact(scene).info()
        assert (info["images"], info["observers"]) == (500, 12)
        assert info["fixations"] == 43894


def test_figures(tmp_path):
    dataset = datasets.generate(3, (24, 32))
    figure = dataset.show(1, path=tmp_path / "one.png")
    assert len(figure.axes) == 2
    line = figure.axes[0].lines[0]
    assert len(line.get_xdata()) == dataset.count(1)
    dataset.show(dataset.names[0], size=(48, 64))
    figure = dataset.show_mean_density((12, 16), path=tmp_path / "mean.pdf")
    assert (tmp_path / "one.png").stat().st_size > 1000
    assert (tmp_path / "mean.pdf").stat().st_size > 1000
    marginal = figure.axes[0].lines[0].get_ydata()
    assert marginal.mean() == pytest.approx(1)


def _named(names):
    picture = np.zeros((4, 4, 3), "uint8")
    return datasets.SaliencyDataset(
        "named",
        [picture] * len(names),
        names=names,
        fixations=datasets.Fixations([], [], []),
    )


def test_msi_net_split_of_cat2000():
    # The training set's numbers have gaps.
    names = [f"{c:02d}/{2 * k:03d}" for c in range(20) for k in range(1, 101)]
    split = _named(names[::-1]).split("msi-net")
    assert [len(split[p]) for p in ("train", "validation")] == [1600, 400]
    for part, size in (("train", 80), ("validation", 20)):
        places = {}
        for name in split[part]:
            places.setdefault(name[:2], set()).add(name[3:])
        assert len(places) == 20
        assert {len(p) for p in places.values()} == {size}
        assert len({frozenset(p) for p in places.values()}) == 1
    # The shuffle that their code makes, of which the first is 83.
    assert split["train"][0] == "00/168"


def test_msi_net_split_of_mit1003(mit1003_path):
    dataset = datasets.load_compact(mit1003_path)
    split = dataset.split("msi-net")
    assert [len(split[p]) for p in ("train", "validation")] == [803, 200]
    files = sorted(f"{name}.jpeg" for name in dataset.names)
    order = np.arange(1003)
    np.random.RandomState(42).shuffle(order)
    assert [f"{n}.jpeg" for n in split["train"]] == [
        files[i] for i in order[:803]
    ]
    assert dataset.split("paper") == datasets.paper_split()


def test_split_by_category():
    names = [f"{c}/{k}" for c in "abcd" for k in range(10)]
    dataset = _named(names)
    parts = {"train": 24, "test": 8}
    split = dataset.split(parts, seed=3, by_category=True)
    for part, size in parts.items():
        categories = [n[0] for n in split[part]]
        assert all(categories.count(c) == size // 4 for c in "abcd")
    assert split == dataset.split(parts, seed=3, by_category=True)
    assert split != dataset.split(parts, seed=4, by_category=True)
    assert isinstance(split, Split)
    with pytest.raises(ValueError, match="no multiple of the 4"):
        dataset.split({"train": 10}, by_category=True)
    with pytest.raises(ValueError, match="no folders"):
        datasets.generate(4, (16, 16)).split({"a": 2}, by_category=True)


def test_unknown_and_unfitting_splits():
    dataset = datasets.generate(4, (16, 16))
    with pytest.raises(ValueError, match="no split 'mine'; known are paper"):
        dataset.split("mine")
    for name in SPLITS:
        with pytest.raises(ValueError):
            dataset.split(name)
