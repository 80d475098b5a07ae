"""Data frames of fixations and of scores, in pandas and in polars."""

import sys

import numpy as np
import pytest

from keras_saliency import datasets
from keras_saliency.evaluation import Evaluation, compare

LIBRARIES = ["pandas", "polars"]


@pytest.fixture(params=LIBRARIES)
def library(request):
    pytest.importorskip(request.param, reason=f"needs {request.param}")
    return request.param


def columns(frame, library):
    """Name -> list of a data frame of either library."""
    if library == "pandas":
        return {name: frame[name].tolist() for name in frame.columns}
    return {name: frame[name].to_list() for name in frame.columns}


def write(frame, library, path):
    if library == "pandas":
        frame.to_csv(path, index=False)
    else:
        frame.write_csv(path)


RESULT = Evaluation(
    ["a", "b", "c"], {"cc": [0.5, 0.75, 1.0], "nss": [1.0, 2.0, np.nan]}
)


def test_scores(library):
    frame = RESULT.to_frame(library)
    assert type(frame).__module__.startswith(library)
    found = columns(frame, library)
    assert list(found) == ["name", "cc", "nss"]
    assert found["name"] == ["a", "b", "c"] and found["cc"] == [0.5, 0.75, 1.0]
    np.testing.assert_array_equal(found["nss"], [1, 2, np.nan])


def test_means(library):
    found = columns(
        RESULT.to_frame(library, of="means", confidence=0.9), library
    )
    assert found["metric"] == ["cc", "nss"]
    assert found["mean"] == list(RESULT.means().values())
    ends = RESULT.intervals(confidence=0.9)
    assert list(zip(found["low"], found["high"], strict=True)) == list(
        ends.values()
    )
    assert found["images"] == [3, 2]


def test_comparison(library):
    other = Evaluation(["a", "b", "c"], {"cc": [0.25, 0.5, 0.5]})
    compared = compare(RESULT, other)
    found = columns(compared.to_frame(library), library)
    assert found["metric"] == ["cc"]
    for field, value in compared.rows["cc"]._asdict().items():
        assert found[field] == [value]


def test_fixations_and_back(library, tmp_path):
    dataset = datasets.generate(3, (24, 32), seed=1)
    dataset.subject_names = tuple(f"observer {k}" for k in range(8))
    frame = dataset.to_frame(library)
    found = columns(frame, library)
    assert list(found) == ["image", "observer", "order", "x", "y", "duration"]
    assert len(frame) == len(dataset.fixations)
    assert found["image"][0] == dataset.names[0]
    assert set(found["observer"]) == set(dataset.subject_names)
    write(frame, library, tmp_path / "fixations.csv")
    datasets.to_folders(dataset, tmp_path / "folders", progress=False)
    again = datasets.load_csv(
        tmp_path / "fixations.csv", tmp_path / "folders" / "images"
    )
    assert again.subject_names == dataset.subject_names
    for name in ("image_index", "x", "y", "subject", "order", "duration"):
        np.testing.assert_array_equal(
            getattr(again.fixations, name), getattr(dataset.fixations, name)
        )


@pytest.mark.parametrize(
    "subject, expected",
    [(None, None), ([3, 3], [3, 3]), ([3, -1], [3, None])],
)
def test_observers_that_are_not_known(library, subject, expected):
    dataset = datasets.SaliencyDataset(
        "one",
        [np.zeros((4, 5, 3), "uint8")],
        fixations=datasets.Fixations([0, 0], [1, 2], [1, 2], subject=subject),
    )
    found = columns(dataset.to_frame(library), library)
    if expected is None:
        assert "observer" not in found
    else:
        values = [None if v is None or v != v else v for v in found["observer"]]
        assert values == expected


def test_what_cannot_be_a_frame():
    dataset = datasets.SaliencyDataset(
        "maps", [np.zeros((4, 5, 3), "uint8")], densities=[np.ones((4, 5))]
    )
    with pytest.raises(ValueError, match="maps has density maps but no fix"):
        dataset.to_frame()
    with pytest.raises(ValueError, match="library must be one of 'pandas'"):
        RESULT.to_frame("dask")
    with pytest.raises(ValueError, match='of must be "images" or "means"'):
        RESULT.to_frame(of="medians")


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_that_is_not_there(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf'"keras_saliency\[{name}\]"'):
        RESULT.to_frame(name)
