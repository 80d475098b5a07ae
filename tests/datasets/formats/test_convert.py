import numpy as np
import publisher_layouts as layouts
import pytest

from keras_saliency import datasets
from keras_saliency.datasets import DatasetError


def same(one, other, *, exact=True):
    assert (one.names, one.name) == (other.names, other.name)
    np.testing.assert_array_equal(one.sizes, other.sizes)
    for option in ("first_order", "default_sigma", "pixels_per_degree"):
        assert getattr(one, option) == getattr(other, option)
    for field in ("image_index", "x", "y", "subject", "order", "duration"):
        np.testing.assert_array_equal(
            getattr(one.fixations, field), getattr(other.fixations, field)
        )
    for i in range(len(one)):
        np.testing.assert_allclose(
            one.density(i, (12, 16)), other.density(i, (12, 16)), atol=2e-5
        )
        image = one.image(i, (24, 32)).astype(float)
        difference = np.abs(image - other.image(i, (24, 32)))
        assert difference.mean() < 4


@pytest.mark.parametrize("name", sorted(layouts.LAYOUTS))
def test_compact_and_back(name, tmp_path):
    layouts.LAYOUTS[name](tmp_path / "source")
    dataset = datasets.DATASETS[name](tmp_path / "source", partial=True)
    path = datasets.save_compact(
        dataset, tmp_path / "compact", longest=None, quality=95, progress=False
    )
    compact = datasets.load_compact(path)
    same(dataset, compact)
    assert compact.has_densities == dataset.has_densities
    assert getattr(compact, "subject_names", None) == getattr(
        dataset, "subject_names", None
    )
    again = datasets.save_compact(
        compact, tmp_path / "again", quality=None, progress=False
    )
    first = sorted(p.read_bytes() for p in (path / "stimuli").rglob("*.jpg"))
    second = sorted(p.read_bytes() for p in (again / "stimuli").rglob("*.jpg"))
    assert first == second
    same(compact, datasets.load_compact(again))


def test_reduced_pictures_keep_the_fixations(tmp_path, capsys):
    dataset = datasets.generate(2, (60, 90))
    datasets.save_compact(dataset, tmp_path / "c", longest=45)
    assert "2 of 2 images" in capsys.readouterr().out
    compact = datasets.load_compact(tmp_path / "c")
    assert compact.image(0).shape == (30, 45, 3)
    same(dataset, compact)


def test_densities_alone(tmp_path):
    source = datasets.generate(2, (20, 30))
    dataset = datasets.SaliencyDataset(
        "maps",
        [source.image(i) for i in range(2)],
        densities=[source.density(i) for i in range(2)],
    )
    datasets.save_compact(dataset, tmp_path / "c", progress=False)
    compact = datasets.load_compact(tmp_path / "c")
    assert not compact.has_fixations and compact.has_densities
    np.testing.assert_allclose(
        compact.density(1), dataset.density(1), atol=1e-4
    )
    with pytest.raises(DatasetError, match="c is not empty"):
        datasets.save_compact(dataset, tmp_path / "c", progress=False)
    datasets.save_tree(dataset, tmp_path / "f", progress=False)
    folders = datasets.load_tree(tmp_path / "f")
    np.testing.assert_allclose(
        folders.density(1), dataset.density(1), atol=1e-4
    )


def test_a_failure_leaves_nothing(tmp_path):
    layouts.fiwi(tmp_path / "s")
    dataset = datasets.load_fiwi(tmp_path / "s", partial=True)
    next((tmp_path / "s").rglob("stimuli/ebay_music.png")).write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"ebay_music\.png"):
        datasets.save_compact(dataset, tmp_path / "c", progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_folders_and_back(tmp_path):
    layouts.cat2000(tmp_path / "s")
    dataset = datasets.load_cat2000(tmp_path / "s", partial=True)
    datasets.save_tree(dataset, tmp_path / "f", progress=False)
    back = datasets.load_tree(tmp_path / "f")
    assert back.names == tuple(sorted(dataset.names))
    for i, name in enumerate(back.names):
        k = dataset.index(name)
        np.testing.assert_array_equal(
            back.fixation_map(i), dataset.fixation_map(k)
        )
        np.testing.assert_allclose(
            back.density(i), dataset.density(k), atol=1e-4
        )
        np.testing.assert_array_equal(back.image(i), dataset.image(k))


def test_repeated_fixations_survive_folders(tmp_path):
    dataset = datasets.SaliencyDataset(
        "twice",
        [np.zeros((9, 9, 3), "uint8")] * 2,
        fixations=datasets.Fixations([0, 0, 1], [4, 4, 2], [4, 4, 2]),
    )
    datasets.save_tree(dataset, tmp_path / "f", progress=False)
    back = datasets.load_tree(tmp_path / "f")
    assert [back.count(i) for i in range(2)] == [2, 1]


def test_compact_that_is_wrong(tmp_path):
    path = datasets.save_compact(
        datasets.generate(2, (20, 30)), tmp_path / "c", progress=False
    )
    with np.load(path / "fixations.npz") as archive:
        fields = dict(archive)
    for field, value in (
        ("names", np.zeros(2)),
        ("default_sigma", np.array("wide")),
        ("height", np.array([20.5, 20.5])),
        ("has_fixations", np.array(3)),
    ):
        np.savez(path / "fixations.npz", **(fields | {field: value}))
        with pytest.raises(DatasetError, match=rf"npz .*{field}"):
            datasets.load_compact(path)
