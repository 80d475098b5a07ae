"""Results come in order, whoever works."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path

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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_worker_that_dies_is_named():
    with pytest.raises(RuntimeError, match="2 worker processes was killed"):
        list(map_in_order(os._exit, [(3,)] * 2, 2))


PARENT = """
import os, sys, time
sys.path[:0] = {path!r}
from keras_saliency._utils.pool import map_in_order
import test_pool
if __name__ == "__main__":
    for pid in map_in_order(test_pool.slow_pid, ((k,) for k in range(99)), 2):
        print(pid, flush=True)
"""


def slow_pid(number):
    time.sleep(0.2)
    return os.getpid()


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_workers_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    path = [str(Path(__file__).parent), *sys.path]
    script.write_text(PARENT.format(path=path), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
    ) as parent:
        pids = {int(parent.stdout.readline()) for _ in range(8)}
        assert all(map(is_alive, pids))
        parent.kill()
    end = time.monotonic() + 10
    while any(map(is_alive, pids)):
        assert time.monotonic() < end, "workers are still there"
        time.sleep(0.1)
