"""Results come in order, whoever works."""

import math

import pytest

from keras_saliency._utils.pool import map_in_order, progress_bar


def test_one_worker_is_this_process():
    """It reads a job when its result is asked for."""
    read = []

    def jobs():
        for k in range(3):
            read.append(k)
            yield (k,)

    results = map_in_order(lambda k: (k, len(read)), jobs(), 1)
    assert list(results) == [(0, 1), (1, 2), (2, 3)]


def test_two_processes_return_the_results_in_order():
    """More jobs than the queue holds; an error reaches the caller."""
    jobs = ((float(k),) for k in (*range(12), -1))
    results = map_in_order(math.sqrt, jobs, 2)
    assert [next(results) for _ in range(12)] == [
        math.sqrt(k) for k in range(12)
    ]
    with pytest.raises(ValueError, match="math domain|nonnegative"):
        next(results)


def test_no_workers():
    with pytest.raises(ValueError, match="workers must be at least 1"):
        next(map_in_order(math.sqrt, [(1.0,)], 0))


def test_bar(capsys):
    assert progress_bar(2, 0) is None
    progress_bar(2, 1).update(2)
    assert "2/2" in capsys.readouterr().out
    with pytest.raises(ValueError, match="verbose must be 0 or 1"):
        progress_bar(2, 2)
