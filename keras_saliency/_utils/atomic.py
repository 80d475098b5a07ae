"""Files and folders that are whole or not there, whatever happens."""

import contextlib
import errno
import os
import re
import shutil
import socket
import stat
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from keras_saliency._utils.paths import PathName

# What another machine left in a shared folder is taken for abandoned by then.
_ABANDONED_SECONDS = 24 * 3600
_TEMPORARY = re.compile(
    r"\..*\.[0-9a-f]{8}-new-(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-\d+"
    r"(\.[^.]*){0,2}"
)
# Folders from which abandoned files were removed.
_tidied: set[Path] = set()


@contextlib.contextmanager
def replacing(path: PathName, *, flush: bool = True) -> Iterator[Path]:
    """Give a path to write to, whose file then takes the place of `path`.

    A process that is killed before leaves `path` as it was. What it left of
    the new file is removed the next time. Several processes may write one
    file at once; it is then that of the last. A device or a pipe is written
    to as it is, and a link still points to the file afterwards.

    Args:
        path: The file to write or to replace; its folder is made.
        flush: Whether the file must outlast a crash of the machine as well.
            Waiting for the disk takes milliseconds.

    Yields:
        The path of a file beside it, of the same extension.

    Raises:
        OSError: If the file cannot be written; the message names `path`.
    """
    path = Path(path)
    with explained(path, "what was there is unchanged"):
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.exists() and not target.is_file():
            yield target
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        new = beside(target)
        try:
            yield new
            if target.exists():
                with contextlib.suppress(OSError):
                    new.chmod(stat.S_IMODE(target.stat().st_mode))
            if flush:
                with open(new, "rb+") as file:
                    os.fsync(file.fileno())
            os.replace(new, target)
            if flush:
                _flush_folder(target.parent)
        finally:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)


def write_text(path: PathName, text: str) -> None:
    """Write a text in UTF-8 by `replacing`.

    Args:
        path: The file to write or to replace; its folder is made.
        text: All that it is to hold.

    Raises:
        OSError: If the file cannot be written; the message names `path`.
    """
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def explained(path: PathName, state: str = "") -> Iterator[None]:
    """Name a file in errors of the system, such as that of a full disk.

    Args:
        path: The file or folder that is written.
        state: What is left of it, for the message.

    Raises:
        OSError: For any other one.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        message = (
            f"{path} could not be written ({reason})"
            + (f"; {state}" if state else "")
            + ". Free some space or choose another place."
        )
        # What libraries such as NumPy and HDF5 raise has no number.
        raise (
            OSError(message)
            if error.errno is None
            else OSError(error.errno, message)
        ) from error


def beside(path: Path) -> Path:
    """Return an unused path beside another one, hidden, of its extension.

    What killed processes left in the folder is removed, once per process.

    Args:
        path: The file or folder whose new content is written there first.

    Raises:
        OSError: If the folder of `path` cannot be read.
    """
    here = _machine()
    if path.parent not in _tidied:
        _tidied.add(path.parent)
        for left in path.parent.iterdir():
            found = _TEMPORARY.fullmatch(left.name)
            if found and _is_abandoned(left, found, here):
                remove(left)
    # Names are limited to 255 bytes, and a letter may take four. Keras asks for
    # both parts of `.weights.h5`.
    ending = "".join(path.suffixes[-2:])
    ending = ending if len(ending) <= 20 else path.suffix
    new = path.with_name(
        f".{path.stem[:40]}.{zlib.crc32(os.fsencode(path.name)):08x}-new-"
        f"{here}-{os.getpid()}-{threading.get_native_id()}{ending}"
    )
    remove(new)
    return new


def remove(path: Path) -> None:
    """Remove a file or a folder as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """Write to an unbuffered file, which may take a part at a time.

    It does so just before the disk is full.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _is_abandoned(path: Path, found: re.Match[str], here: str) -> bool:
    if found["machine"] == here and os.name != "nt":
        try:
            os.kill(int(found["process"]), 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            return False
        return False
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED_SECONDS
    except OSError:
        return False


def _machine() -> str:
    """Return what tells this machine, or container, from others."""
    name = socket.gethostname()
    with contextlib.suppress(OSError):
        # Numbers of processes mean something within one of these only.
        name += str(os.stat("/proc/self/ns/pid").st_ino)
    return f"{zlib.crc32(name.encode()):08x}"


def _flush_folder(folder: Path) -> None:
    """Make a new name survive a crash of the machine, where possible."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
