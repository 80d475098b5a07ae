"""Comparing two tables of metrics."""

import numpy as np


def same(first, second, tolerance=0.0):
    assert first.names == second.names
    assert first.scores.keys() == second.scores.keys()
    for name, values in first.scores.items():
        np.testing.assert_allclose(
            values, second.scores[name], rtol=0, atol=tolerance, err_msg=name
        )
