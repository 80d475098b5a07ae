"""HDF5 files that are opened only after another process could read them."""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from keras_saliency._utils import hdf5_child
from keras_saliency._utils.types import PathName

# Seconds of the processor for a file, for each object that it can hold, and
# for each byte; and more by the clock, after which the process is ended where
# the system does not limit the processor's. Where it does, a busy machine may
# take minutes to start a process of low priority, such as a worker of Ray.
_SECONDS, _PER_OBJECT, _PER_BYTE = 2.0, 4e-4, 1e-8
_CLOCK = 300 if hasattr(signal, "setitimer") else 10
# No object takes less.
_OBJECT_BYTES = 400

# Far more than a network or a data set has.
MOST_OBJECTS = 2**17


def check(
    path: PathName,
    *,
    member: str | None = None,
    most_bytes: int,
    most_objects: int = MOST_OBJECTS,
) -> int:
    """Raise unless an HDF5 file can be read to the end, and lies in itself.

    A second process reads it, with limits of time and memory. It is started
    with the first file and kept. Links, virtual data sets and external
    storage are refused, so that nothing is read but the file.

    Args:
        path: The file.
        member: Name of the HDF5 file in it, where it is a zip archive.
        most_bytes: Most bytes that its data may take.
        most_objects: Most groups and data sets in it.

    Returns:
        Number of elements of all its data sets.

    Raises:
        ValueError: If it cannot be read; the message does not name the file.
    """
    size = Path(path).stat().st_size
    question = {
        "path": os.path.abspath(path),
        "member": member,
        "most_bytes": most_bytes,
        "most_objects": most_objects,
        "seconds": _SECONDS
        + _PER_OBJECT * min(size / _OBJECT_BYTES, most_objects)
        + _PER_BYTE * size,
    }
    with _lock:
        child = _running()
        if child is None:  # none can be started here: without limits
            return hdf5_child.check(question)
        try:
            answer = _ask(child, question)
        except BaseException:
            # Interrupted: the answer would be taken for that of the next file.
            _stop()
            raise
        if answer is None:
            _stop()
    if answer is None:
        raise ValueError(
            "reading it crashes the HDF5 library or takes it for ever"
        )
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["elements"]


_lock = threading.RLock()
_child: tuple[int, subprocess.Popen] | None = None


def _running() -> subprocess.Popen | None:
    """Return the process, started if it is not there."""
    global _child
    if _child is not None:
        owner, process = _child
        if owner == os.getpid() and process.poll() is None:
            return process
        _stop()
    script = hdf5_child.__file__
    paths = [os.path.abspath(path) for path in sys.path if path]
    try:
        process = subprocess.Popen(
            # Without the script's folder, whose modules have common names.
            [sys.executable, "-P", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for us; the process ends when we do.
            start_new_session=True,
            text=True,
            encoding="utf-8",
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(paths),
                "PYTHONIOENCODING": "utf-8",
                "OPENBLAS_NUM_THREADS": "1",
            },
        )
    except OSError:
        return None
    _child = os.getpid(), process
    return process


def _ask(process: subprocess.Popen, question: dict) -> dict | None:
    """Return the process's answer, or None if it ended instead."""
    timer = threading.Timer(_CLOCK + 3 * question["seconds"], process.kill)
    timer.daemon = True
    timer.start()
    try:
        process.stdin.write(json.dumps(question) + "\n")  # type: ignore
        process.stdin.flush()  # type: ignore
        line = process.stdout.readline()  # type: ignore
        return json.loads(line) if line else None
    except (OSError, ValueError):
        return None
    finally:
        timer.cancel()


@atexit.register
def _stop() -> None:
    """End the process."""
    global _child
    if _child is None:
        return
    owner, process = _child
    _child = None
    if owner != os.getpid():
        return
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
