import numpy as np
import pytest

from keras_saliency.datasets import Fixations, SaliencyDataset, generate


def _images(count=3, size=(20, 30)):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (*size, 3), "uint8") for _ in range(count)]


@pytest.fixture
def dataset():
    """Image 0 has three fixations, one first and one outside; 2 has none."""
    fixations = Fixations(
        [1, 0, 0, 0, 1],
        [5, 1.5, 29.9, 30.0, 6],
        [5, 2.5, 19.9, 3.0, 6],
        order=[1, 0, 1, 2, 2],
    )
    return SaliencyDataset(
        "small",
        _images(),
        names=["a.jpg", "b.jpg", "c.jpg"],
        fixations=fixations,
        default_sigma=3.0,
    )


def test_fixations_of_an_image_are_those_inside(dataset):
    x, y = dataset.fixation_points(0)
    np.testing.assert_allclose(x, [1.5, 29.9])
    np.testing.assert_allclose(y, [2.5, 19.9])
    assert [dataset.count(i) for i in range(3)] == [2, 2, 0]
    assert dataset.fixation_map(0).sum() == 2
    assert dataset.fixation_map(2, (4, 5)).sum() == 0


def test_first_order_drops_the_first_fixation():
    fixations = Fixations([0, 0], [1, 5], [1, 5], order=[0, 1])
    dataset = SaliencyDataset(
        "small", _images(1), fixations=fixations, first_order=1
    )
    assert dataset.fixation_points(0)[0].tolist() == [5]
    assert len(dataset.fixations) == 2


def test_images(dataset):
    assert dataset.image(1).shape == (20, 30, 3)
    assert dataset.image(1, (10, 50)).shape == (10, 50, 3)
    dataset.image(1)[:] = 0
    assert dataset.image(1).any()


def test_density(dataset):
    density = dataset.density(1, (10, 15))
    assert density.shape == (10, 15)
    assert density.max() == 1
    blunt = dataset.density(1, (10, 15), sigma=9)
    assert blunt.mean() > density.mean()


def test_image_without_fixations_has_no_density(dataset):
    with pytest.raises(ValueError, match=r"'c\.jpg' of small has no fixation"):
        dataset.density(2)
    with pytest.raises(ValueError, match=r"c\.jpg"):
        dataset.mean_density((4, 5))
    assert dataset.with_fixations().names == ("a.jpg", "b.jpg")


def test_sigma_in_degrees(dataset):
    with pytest.raises(ValueError, match="pixels per degree"):
        dataset.density(0, sigma_degrees=1)
    dataset.pixels_per_degree = 4.0
    np.testing.assert_array_equal(
        dataset.density(0, sigma_degrees=0.5), dataset.density(0, sigma=2)
    )
    with pytest.raises(ValueError, match="not both"):
        dataset.density(0, sigma=2, sigma_degrees=0.5)


def test_default_sigma_is_relative_to_the_longer_side(dataset):
    dataset.default_sigma = None
    assert dataset.sigma(0) == pytest.approx(24 * 30 / 1024)
    assert dataset.sigma_in_pixels(7, None) == 7


def test_mean_density(dataset):
    part = dataset.with_fixations()
    mean = part.mean_density((4, 5))
    expected = (part.density(0, (4, 5)) + part.density(1, (4, 5))) / 2
    np.testing.assert_allclose(mean, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "which, expected",
    [
        ([2, 0], (2, 0)),
        (["c", "a.JPEG"], (2, 0)),
        (slice(1, None), (1, 2)),
        (np.array([True, False, True]), (0, 2)),
        (np.array([1]), (1,)),
        ("b", (1,)),
        (-1, (2,)),
        (("a.jpg", 1), (0, 1)),
    ],
)
def test_subset(dataset, which, expected):
    part = dataset.subset(which)
    assert part.names == tuple(dataset.names[i] for i in expected)
    for new, old in enumerate(expected):
        np.testing.assert_array_equal(part.image(new), dataset.image(old))
        np.testing.assert_array_equal(
            part.fixation_map(new), dataset.fixation_map(old)
        )
        assert part.digest(new) == dataset.digest(old)
    assert len(dataset) == 3
    assert len(dataset.fixations) == 5


@pytest.mark.parametrize(
    "which, message",
    [
        (["a", "x"], "lacks 1 of the 2 images asked for, such as 'x'"),
        ([3], "no image number 3"),
        ([1.5], "no image number 1.5"),
        ([], "no images"),
        (slice(3, None), "no images"),
        ([True, False], "mask of 2"),
        (["a", "a.png"], "same name"),
    ],
)
def test_bad_subset(dataset, which, message):
    with pytest.raises(ValueError, match=message):
        dataset.subset(which)


def test_index(dataset):
    assert dataset.index("b") == dataset.index("b.png") == 1
    with pytest.raises(ValueError, match="no image 'z'"):
        dataset.index("z")


def test_published_densities_are_used():
    maps = [np.full((20, 30), 7.0), np.zeros((20, 30)), np.ones((19, 30))]
    maps[0][3, 4] = 14
    dataset = SaliencyDataset("maps", _images(), densities=maps)
    assert not dataset.has_fixations
    assert dataset.has_densities
    density = dataset.density(0)
    assert density.max() == 1 and density.min() == 0.5
    assert dataset.density(0, (10, 15)).max() == 1
    with pytest.raises(ValueError, match="'00001' of maps is zero"):
        dataset.density(1)
    with pytest.raises(ValueError, match="'00002' of maps is 19 high"):
        dataset.density(2)
    maps[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="'00000' of maps holds 1 NaN"):
        dataset.density(0)
    for call in (dataset.fixation_map, dataset.fixations_of):
        with pytest.raises(ValueError, match="no fixations"):
            call(0)
    with pytest.raises(ValueError, match="no fixations"):
        dataset.density(0, sigma=3)


def test_published_densities_beside_fixations(dataset):
    maps = [np.eye(20, 30), None, np.ones((20, 30))]
    both = SaliencyDataset(
        "both", _images(), fixations=dataset.fixations, densities=maps
    )
    assert both.density(0)[5, 5] == 1
    assert both.density(1).max() == 1
    assert both.density(2).min() == 1
    assert (both.density(0, sigma=3) == dataset.density(0, sigma=3)).all()
    assert both.subset([2, 0]).density(1)[5, 5] == 1
    assert not both.has_densities
    assert both.subset([2]).has_densities


@pytest.mark.parametrize(
    "options, message",
    [
        ({}, "neither fixations nor a density map"),
        ({"densities": [np.ones((20, 30))] * 2}, "3 images but 2 densities"),
        ({"densities": [None] * 3}, "neither"),
        ({"names": ["a", "b", "a.png"]}, "same name.*'a' and 'a.png'"),
        ({"names": ["a"]}, "3 images but 1 names"),
        ({"sizes": [(1, 1), (0, 4), (2, 2)]}, r"'00001' in bad is \(0, 4\)"),
        ({"fixations": Fixations([3], [1], [1])}, "numbered 0 to 2"),
        ({"fixations": Fixations([-1], [1], [1])}, "numbered 0 to 2"),
    ],
)
def test_parts_that_do_not_fit(options, message):
    if "names" in options or "sizes" in options:
        options = {**options, "fixations": Fixations([0], [1], [1])}
    with pytest.raises(ValueError, match=message):
        SaliencyDataset("bad", _images(), **options)


def test_bad_images():
    with pytest.raises(ValueError, match="has no images"):
        SaliencyDataset("bad", [])
    with pytest.raises(ValueError, match="must hold numbers in 0..255"):
        SaliencyDataset("bad", [np.full((4, 4, 3), -1)])


def test_bad_fixations():
    with pytest.raises(ValueError, match="image_index has 2 and y has 1"):
        Fixations([0, 0], [1, 2], [1])
    fixations = Fixations([0], [1], [1])
    assert fixations.subject[0] == -1
    assert fixations.order[0] == 0
    assert np.isnan(fixations.duration[0])


def test_no_fixations_at_all_is_a_data_set():
    dataset = SaliencyDataset(
        "none", _images(), fixations=Fixations([], [], [])
    )
    assert dataset.count(0) == 0
    assert dataset.subset([1]).count(0) == 0


def test_representation():
    dataset = generate(3, (16, 16))
    assert "3 images, 192 fixations" in repr(dataset)
    assert repr(dataset.fixations) == "Fixations(192 fixations)"


@pytest.mark.parametrize("size", [None, (12, 20), (24, 32)])
def test_image_is_written_to_a_given_array(size):
    dataset = generate(2, (24, 32))
    batch = np.zeros((2, *(size or (24, 32)), 3), "uint8")
    for i in range(2):
        dataset.image(i, size, out=batch[i])
        np.testing.assert_array_equal(batch[i], dataset.image(i, size))
    batch[:] = 0
    assert dataset.image(0).any()


@pytest.mark.parametrize(
    "names",
    [
        ["eva", "ann", "eva", "bob"],
        np.array([b"eva", b"ann", b"eva", b"bob"]),
        np.array(["eva", "ann", "eva", "bob"], object),
    ],
    ids=["list", "bytes", "objects"],
)
def test_observers_by_name(names):
    fixations = Fixations([0, 0, 1, 1], [1] * 4, [2] * 4, subject=names)
    assert fixations.subject.tolist() == [2, 0, 2, 1]
    assert fixations.subject_names == ("ann", "bob", "eva")
    assert fixations.select([0]).subject_names == ("ann", "bob", "eva")
    dataset = SaliencyDataset(
        "named", _images(2), names=["a", "b"], fixations=fixations
    )
    assert dataset.subject_names == ("ann", "bob", "eva")
    assert dataset.subset([1]).subject_names == ("ann", "bob", "eva")
    renamed = SaliencyDataset(
        "named",
        _images(2),
        names=["a", "b"],
        fixations=fixations,
        subject_names=["A", "B", "C"],
    )
    assert renamed.subject_names == ("A", "B", "C")


@pytest.mark.parametrize("subject", [["7", "-1"], [7, -1], [7.0, -1.0]])
def test_observers_by_number(subject):
    for given in (subject, np.array(subject, object)):
        fixations = Fixations([0, 0], [1, 1], [2, 2], subject=given)
        assert fixations.subject.tolist() == [7, -1]
        assert fixations.subject_names is None


@pytest.mark.parametrize(
    "names",
    [("01", "1"), ("007", "7"), ("-5", "1"), ("20230101123", "1"), ("１", "1")],
)
def test_observers_whose_names_only_look_like_numbers(names):
    fixations = Fixations([0, 0], [1, 2], [1, 2], subject=names)
    assert fixations.subject_names == tuple(sorted(names))
    for name in names:
        assert len(fixations.of_observers([name], fixations.subject_names)) == 1


def test_what_is_set_counts_at_once():
    dataset = generate(3, (24, 32))
    before = [dataset.count(i) for i in range(3)]
    dataset.first_order = 1
    after = [dataset.count(i) for i in range(3)]
    assert all(a < b for a, b in zip(after, before, strict=True))
    part = dataset.subset(slice(None))
    assert [part.count(i) for i in range(3)] == after
    with pytest.raises(ValueError, match="first_order must be"):
        dataset.first_order = -1
    assert [dataset.count(i) for i in range(3)] == after
    dataset.first_order = 0
    few = dataset.fixations.select(dataset.fixations.image_index == 0)
    dataset.fixations = few
    assert [dataset.count(i) for i in range(3)] == [before[0], 0, 0]
