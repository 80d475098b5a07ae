"""Locks between processes."""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

from keras_saliency._utils.paths import PathName

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

_POLL_SECONDS = 0.2


@contextlib.contextmanager
def hold(
    path: PathName, on_wait: Callable[[], object] | None = None
) -> Iterator[None]:
    """Hold a lock that ends with the process, however that ends.

    Args:
        path: The file that is locked; made if it is not there, and removed
            in the end.
        on_wait: Function that is called once if another process holds it.

    Raises:
        OSError: If the file cannot be made or locked.
    """
    with _locked(path, on_wait) as handle:
        try:
            yield
        finally:
            # Windows removes no open file; it stays, and does no harm.
            with contextlib.suppress(OSError):
                os.unlink(path)
            _unlock(handle)


def _locked(path: PathName, on_wait: Callable[[], object] | None) -> BinaryIO:
    waited = False
    while True:
        handle = open(path, "a+b")
        try:
            while not _try_lock(handle):
                if on_wait is not None and not waited:
                    on_wait()
                waited = True
                time.sleep(_POLL_SECONDS)
            if _is_at(handle, path):
                return handle
        except BaseException:
            handle.close()
            raise
        # Whoever held the lock has removed the file meanwhile.
        handle.close()


def _is_at(handle: BinaryIO, path: PathName) -> bool:
    try:
        return os.path.samestat(os.fstat(handle.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _try_lock(handle: BinaryIO) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True


def _unlock(handle: BinaryIO) -> None:
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_UN)
    else:
        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_UNLCK, 1)
