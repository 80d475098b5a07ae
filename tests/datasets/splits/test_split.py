import pytest
from media import black

from keras_saliency import datasets
from keras_saliency.datasets import Split, generate

PARTS = {"train": 5, "validation": 2, "test": 2}


@pytest.fixture(scope="module")
def dataset():
    return generate(10, (16, 16))


def test_split_is_disjoint_and_seeded(dataset):
    split = dataset.split(PARTS, seed=1)
    assert {part: len(names) for part, names in split.items()} == PARTS
    assert len(set().union(*split.values())) == 9
    assert dataset.split(PARTS, seed=1) == split
    assert dataset.split(PARTS, seed=2) != split
    assert dataset.subset(split["test"]).names == split["test"]


def test_split_does_not_depend_on_the_order_of_loading(dataset):
    turned = dataset.subset(slice(None, None, -1))
    assert turned.split(PARTS) == dataset.split(PARTS)


def test_file_round_trip(dataset, tmp_path):
    split = dataset.split(PARTS, name="mine")
    split.save(tmp_path / "split.json")
    loaded = Split.load(tmp_path / "split.json")
    assert loaded == split
    assert (loaded.name, loaded.source) == (split.name, split.source)
    assert "seed 0" in loaded.source
    assert repr(loaded) == "Split(mine, train: 5, validation: 2, test: 2)"


@pytest.mark.parametrize(
    "parts, message",
    [
        ({"train": 8, "test": 3}, "add up to 11 images, but .* has 10"),
        ({"train": 0}, "positive integer, received 0"),
        ({"train": 0.5}, "positive integer, received 0.5"),
    ],
)
def test_impossible_parts(dataset, parts, message):
    with pytest.raises(ValueError, match=message):
        dataset.split(parts)


def test_one_name_in_two_parts():
    with pytest.raises(ValueError, match="'a' is twice in the split"):
        Split({"train": ["a", "b"], "test": ["a"]})
    # `subset` takes both for one image.
    with pytest.raises(
        ValueError, match="'a.png' is twice .*'train' and in 't"
    ):
        Split({"train": ["a.jpg", "b.jpg"], "test": ["a.png"]})


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"parts": 3}'])
def test_bad_file(tmp_path, content):
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"split\.json is not a split"):
        Split.load(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.json"):
        Split.load(tmp_path / "none.json")


def test_split_by_category():
    names = [f"{c}/{k}" for c in "abcd" for k in range(10)]
    dataset = black(names)
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
