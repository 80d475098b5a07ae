import hashlib

import numpy as np
import pytest

from keras_saliency.datasets import DATASETS, generate


@pytest.fixture(scope="module")
def dataset():
    return generate(24, (60, 80), observers=5, fixations_per_observer=6, seed=4)


def _correlation(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def test_shapes_and_properties(dataset):
    assert len(dataset) == 24
    assert dataset.image(0).shape == (60, 80, 3)
    assert dataset.true_density(0).shape == (60, 80)
    assert dataset.true_density(0).max() == 1
    assert dataset.true_density(0, (15, 20)).shape == (15, 20)
    fixations = dataset.fixations_of(3)
    assert len(fixations) == 30
    assert sorted(set(fixations.subject)) == [0, 1, 2, 3, 4]
    assert fixations.order.max() == 5


def test_every_fixation_lies_inside(dataset):
    assert sum(dataset.count(i) for i in range(24)) == len(dataset.fixations)


def test_same_set_on_every_machine():
    """Computed once on x86-64; no operation used depends on the machine."""
    dataset = generate(4, (40, 56), seed=7)
    state = hashlib.sha256()
    for i in range(4):
        state.update(dataset.image(i))
    state.update(dataset.fixations.x.astype("<f4"))
    state.update(dataset.fixations.y.astype("<f4"))
    assert state.hexdigest()[:16] == "68e0023ee34ad782"


def test_image_does_not_depend_on_count():
    np.testing.assert_array_equal(
        generate(2, (20, 20)).image(1), generate(5, (20, 20)).image(1)
    )
    assert (generate(1).image(0) != generate(1, seed=1).image(0)).any()


def test_fixations_follow_the_true_density():
    dataset = generate(
        3, (30, 40), observers=100, fixations_per_observer=100, seed=1
    )
    for i in range(3):
        truth = dataset.true_density(i, (10, 10))
        counts = dataset.fixation_map(i, (10, 10))
        expected = truth / truth.sum() * counts.sum()
        chi_square = ((counts - expected) ** 2 / expected).sum()
        # 99 degrees of freedom: mean 99, standard deviation 14.
        assert chi_square < 170


def test_center_bias_explains_a_part(dataset):
    bias = dataset.mean_density((60, 80))
    prior, ceiling = np.mean(
        [
            (
                _correlation(bias, dataset.true_density(i)),
                _correlation(dataset.density(i), dataset.true_density(i)),
            )
            for i in range(24)
        ],
        axis=0,
    )
    assert 0.2 < prior < 0.6
    assert ceiling > prior + 0.2


def test_subset_keeps_the_truth(dataset):
    part = dataset.subset([5, 2])
    np.testing.assert_array_equal(part.true_density(1), dataset.true_density(2))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"count": 0}, "count must be a positive"),
        ({"observers": 0}, "observers must be a positive"),
        ({"size": (8, 40)}, "at least 16 pixels"),
        ({"size": 40}, "height, width"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        generate(**options)


def test_loaders_are_listed():
    assert {"compact", "folder", "generated", "tree"} <= set(DATASETS)
    assert all(callable(loader) for loader in DATASETS.values())
    assert all(callable(loader) for loader in DATASETS.values())
