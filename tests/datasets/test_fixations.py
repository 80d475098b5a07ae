"""Columns of fixations that are not as they must be."""

import numpy as np
import pytest

from keras_saliency.datasets import Fixations


def of(**columns):
    return Fixations(
        **{"image_index": [0, 0], "x": [1, 2], "y": [3, 4]} | columns
    )


@pytest.mark.parametrize(
    "subject",
    [
        ["ANNA", np.nan],
        ["ANNA", None],
        np.array(["ANNA", None], "object"),
        np.array(["ANNA", np.nan], "object"),
        [3, np.nan],
        [3, None],
    ],
)
def test_an_observer_that_is_missing(subject):
    with pytest.raises(ValueError, match="in row 1 has no observer"):
        of(subject=subject)


def test_an_observer_that_is_missing_in_a_frame():
    pandas = pytest.importorskip("pandas")
    for kind in ("object", "string", "category"):
        column = pandas.Series(["ANNA", None], dtype=kind)
        with pytest.raises(ValueError, match="in row 1 has no observer"):
            of(subject=column)


@pytest.mark.parametrize(
    "subject, names",
    [(["nan", "ANNA"], ("ANNA", "nan")), (["A", 3], ("3", "A"))],
)
def test_names_that_look_like_nothing_or_numbers(subject, names):
    fixations = of(subject=subject)
    assert fixations.subject_names == names
    assert fixations.subject.tolist() == [1, 0]


@pytest.mark.parametrize("column", ["image_index", "subject", "order"])
@pytest.mark.parametrize("value", [0.7, np.inf, -np.inf, 2**31])
def test_whole_numbers(column, value):
    with pytest.raises(
        ValueError, match=rf"{column} must hold whole .* {value} in row 1"
    ):
        of(**{column: [0, value]})


@pytest.mark.parametrize("value", [np.nan, None, "0.7", "one"])
def test_whole_numbers_in_other_types(value):
    for kind in (None, "object"):
        with pytest.raises(ValueError, match=rf"order .* {value} in row 1"):
            of(order=np.array([0, value], kind))


def test_whole_numbers_are_taken_from_any_type():
    for order in ([0.0, 3.0], ["0", "3"], np.array([0, "3"], "object")):
        assert of(order=order).order.tolist() == [0, 3]
