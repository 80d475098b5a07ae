import json

import numpy as np
import pytest
from media import black

from keras_saliency import datasets
from keras_saliency.datasets import SPLITS, load_compact, paper_split


def test_paper_split():
    split = paper_split()
    sizes = {part: len(names) for part, names in split.items()}
    assert sizes == {"train": 500, "validation": 200, "test": 303}
    assert all("/" not in json.dumps(names) for names in split.values())


def test_paper_split_is_what_its_command_draws(mit1003_path):
    split = paper_split()
    dataset = load_compact(mit1003_path)
    parts = {part: len(names) for part, names in split.items()}
    assert dataset.split(parts, seed=0) == split
    assert len(dataset.subset(split["test"])) == 303


def test_msi_net_split_of_cat2000():
    # The training set's numbers have gaps.
    names = [f"{c:02d}/{2 * k:03d}" for c in range(20) for k in range(1, 101)]
    split = black(names[::-1]).split("msi-net")
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


def test_unknown_and_unfitting_splits():
    dataset = datasets.generate(4, (16, 16))
    with pytest.raises(ValueError, match="no split 'mine'; known are paper"):
        dataset.split("mine")
    for name in SPLITS:
        with pytest.raises(ValueError):
            dataset.split(name)
