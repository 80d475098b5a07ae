"""What `load_csv` is told about the lines of a file."""

import numpy as np
import pytest

from keras_saliency.datasets import load_csv
from keras_saliency.datasets.formats.writing import write_image

VALID = "image,x,y,valid\na,1,2,1\na,3,4,0\na,5,6,True\n"


@pytest.fixture
def load(tmp_path):
    write_image(tmp_path / "images/a.png", np.zeros((20, 30, 3), "uint8"))

    def positions(text, **options):
        encoding = options.get("encoding", "utf-8")
        (tmp_path / "fix.csv").write_bytes(text.encode(encoding))
        dataset = load_csv(tmp_path / "fix.csv", tmp_path / "images", **options)
        return dataset.fixations.x.tolist()

    return positions


def test_lines_of_spaces(load):
    assert load("image,x,y\n\n   \na,1,2\n \t\n") == [1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_byte_order_mark_that_the_encoding_keeps(load, encoding):
    text = "\ufeffimage,x,y\na,1,2\n"
    assert load(text, encoding=encoding) == [1]


@pytest.mark.parametrize(
    "cells, expected",
    [
        (1, [1]),
        ([1], [1]),
        (np.int64(0), [3]),
        (np.array([0, 1]), [1, 3]),
        (True, [5]),
        (["1", True], [1, 5]),
    ],
)
def test_conditions_of_numbers(load, cells, expected):
    assert load(VALID, where={"valid": cells}) == expected


@pytest.mark.parametrize("cells", [None, [None], b"1", [["1"]]])
def test_conditions_that_cannot_be(load, cells):
    with pytest.raises(ValueError, match="for the column 'valid' a text"):
        load(VALID, where={"valid": cells})


@pytest.mark.parametrize("separator", ["::", "", "\n", '"', 1])
def test_separators_that_cannot_be(load, separator):
    with pytest.raises(ValueError, match="separator must be the one character"):
        load(VALID, separator=separator)


@pytest.mark.parametrize("skip_lines", ["1", -1, 1.0, None])
def test_skipped_lines_that_cannot_be(load, skip_lines):
    with pytest.raises(ValueError, match="skip_lines must be a whole number"):
        load(VALID, skip_lines=skip_lines)
