import numpy as np
import publisher_layouts as layouts
import pytest

from keras_saliency.datasets import extract_fixations
from keras_saliency.datasets.publishers import eye


def test_extraction_of_a_known_scanpath():
    targets = [(100, 100), (300, 120), (200, 400), (210, 400)]
    x, y, start, duration = extract_fixations(layouts.scanpath(targets))
    # The last step, of 10 pixels, is too slow to be a saccade.
    np.testing.assert_allclose(x[:2], [100, 300], atol=0.1)
    np.testing.assert_allclose(y, [100, 120, 400], atol=0.1)
    assert (np.abs(duration[:2] - 300) < 35).all()
    assert (np.diff(start) > 0).all()


def test_extraction_without_saccade():
    samples = np.full((100, 2), 7.0)
    samples[3:9] = np.nan
    x, y, start, duration = extract_fixations(samples)
    assert (x.tolist(), y.tolist(), start.tolist()) == ([7], [7], [0])
    assert duration[0] == pytest.approx(100 * 1000 / 240)
    assert extract_fixations(samples[:2])[0].tolist() == [7]
    assert np.isnan(extract_fixations(np.full((30, 2), np.nan))[0]).all()
    with pytest.raises(ValueError, match="shape"):
        extract_fixations(np.zeros((0, 2)))


def test_extraction_joins_saccades_50_ms_apart():
    def path(samples):
        first = layouts.scanpath([(0, 0), (200, 0)], ms=200)
        return np.concatenate(
            [
                first[: 48 + 8 + samples],
                first[::-1][48 : 48 + 8] + 300,
                np.full((60, 2), 500.0),
            ]
        )

    assert len(extract_fixations(path(60))[0]) >= 2
    assert len(extract_fixations(path(3))[0]) == 2


def test_saccades_without_end():
    """One counts if it is the only one and lasts to the end of the search."""
    change = np.zeros(100)
    change[90:95] = 9
    assert eye._saccades(change, 1, 100) == [[90, 99]]
    change[97] = 0.5
    assert eye._saccades(change, 1, 100) == []
    # The speed falls too late.
    change = np.zeros(100)
    change[10:15] = 9
    change[60:65] = -9
    assert eye._saccades(change, 1, 100) == []
    change[30:35] = -9
    assert eye._saccades(change, 1, 100) == [[10, 34]]


def test_saccades_close_to_each_other_and_to_the_end_are_one():
    saccades = [[10, 20], [25, 30], [60, 96]]
    assert eye._merge(saccades, 6, 100) == [[10, 30], [60, 99]]
    assert eye._merge([], 6, 100) == []
