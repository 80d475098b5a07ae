"""Work in several processes, and the bar that shows how far it is."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any

import cv2
import keras

# What the jobs of a worker process call.
_function: Callable[..., Any]
# How often a worker looks whether the process that started it is alive.
_LOOK_SECONDS = 1.0


def map_in_order(
    function: Callable[..., Any],
    jobs: Iterable[tuple[Any, ...]],
    workers: int,
) -> Iterator[Any]:
    """Yield `function(*job)` for each job, in the order of the jobs.

    If the calling process is killed, its workers end within seconds.

    Args:
        function: A function that can be pickled. Each new process gets it
            once, so a `functools.partial` may hold what all jobs share.
        jobs: Arguments of its calls; read as the workers need them.
        workers: Number of processes; 1 works in the calling process.

    Yields:
        The results.

    Raises:
        ValueError: If there are no workers.
        RuntimeError: If a worker was killed, as where memory is short.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1; received {workers}.")
    if workers == 1:
        for job in jobs:
            yield function(*job)
        return
    # New processes, not forks: a backend's threads do not survive a fork.
    with ProcessPoolExecutor(
        workers,
        multiprocessing.get_context("spawn"),
        _start,
        (function,),
    ) as pool:
        try:
            waiting: list[Future[Any]] = []
            for job in jobs:
                waiting.append(pool.submit(_call, *job))
                # A bounded queue: images and maps are large.
                if len(waiting) > 4 * workers:
                    yield waiting.pop(0).result()
            for future in waiting:
                yield future.result()
        except BrokenProcessPool as error:
            raise RuntimeError(
                f"One of the {workers} worker processes was killed or could "
                "not start; memory may be short. Use fewer workers. (A script "
                'needs if __name__ == "__main__": around its work.)'
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _start(function: Callable[..., Any]) -> None:
    global _function
    _function = function
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # One thread each: the processes share the cores.
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone.

    A worker that waits for work would wait for ever: it holds the other end
    of its queue itself.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    while not wait([parent.sentinel], _LOOK_SECONDS):
        # A child of the parent may keep the sentinel open.
        if os.name != "nt" and os.getppid() != parent.pid:
            break
    os._exit(1)


def _call(*job: Any) -> Any:
    return _function(*job)


def progress_bar(count: int | None, verbose: int, unit: str = "image") -> Any:
    """Return a `keras.utils.Progbar`, or `None` with `verbose=0`.

    Args:
        count: How many steps there are; `None` if it is not known.
        verbose: 0 or 1.
        unit: What a step is.

    Raises:
        ValueError: If `verbose` is neither.
    """
    if verbose not in (0, 1):
        raise ValueError(f"verbose must be 0 or 1; received {verbose!r}.")
    if not verbose:
        return None
    return keras.utils.Progbar(count, unit_name=unit)
