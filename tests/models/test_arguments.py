"""The arguments that all networks have."""

import numpy as np
import pytest

from keras_saliency.models.arguments import check_input_shape


@pytest.mark.parametrize(
    "shape",
    [
        32,
        None,
        "32",
        (32, 48),
        (32, 48, 1),
        (32.0, 48, 3),
        ("32", 48, 3),
        (31, 48, 3),
        (-32, 48, 3),
        (None, None, 3),
    ],
)
def test_what_is_no_size_is_refused(shape):
    with pytest.raises(ValueError, match=r"\(height, width, 3\).*received \("):
        check_input_shape(shape, least=32)


def test_sizes():
    check_input_shape((32, np.int64(48), 3), least=32, multiple=16)
    check_input_shape([None, None, 3], any_size=True)
