"""How the command and the scripts end, and what they say on standard error.

Every message is one line, `keras-saliency: MESSAGE`.
"""

import argparse
import contextlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn, TypeGuard, TypeVar

from keras_saliency._utils.atomic import explained
from keras_saliency._utils.errors import NotInstalledError

PROGRAM = "keras-saliency"
# If it is set, errors keep their traceback.
VARIABLE = "KERAS_SALIENCY_TRACEBACK"

UNFINISHED = 1
WRONG = 2
_STOPPED = 130
# How often a bar is drawn anew.
_BAR_SECONDS = 0.2
_BAR_CELLS = 20

_Item = TypeVar("_Item")
_PIPE_CLOSED = 141


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in a line of our form."""

    def error(self, message: str) -> NoReturn:
        """End the program with status 2."""
        say(f"{message} (see {self.prog} --help)")
        sys.exit(WRONG)


def run(work: Callable[[], object]) -> int:
    """Run a program; say in a line which error ended it.

    These are `ValueError`, which every error of this package is,
    `NotInstalledError`, `OSError` and `MemoryError`. Others keep their
    traceback, since the fault is then ours, and so do all if the environment
    variable `KERAS_SALIENCY_TRACEBACK` is set.

    Args:
        work: The program. If it returns a number, that is the exit status.

    Returns:
        The exit status: 0; 1 if the work was begun and something failed, such
        as a full disk; 2 if what was given is wrong.
    """
    if hasattr(sys.stdout, "reconfigure"):
        # Names of files that are no text are written as they are.
        sys.stdout.reconfigure(errors="surrogateescape")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: say(str(message))
            status = work()
        with explained("standard output"):
            sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except KeyboardInterrupt:
        return _STOPPED
    except BrokenPipeError:
        _forget_output()
        return _PIPE_CLOSED
    except (ValueError, NotInstalledError, OSError, MemoryError) as error:
        if os.environ.get(VARIABLE):
            raise
        say(message_of(error))
        of_machine = isinstance(error, MemoryError) or _is_of_the_system(error)
        return UNFINISHED if of_machine else WRONG


def tell(text: object) -> None:
    """Print to standard output at once."""
    with explained("standard output"):
        print(text, flush=True)


def say(text: str) -> None:
    """Print a line to standard error."""
    print(f"{PROGRAM}: {_line(text)}", file=sys.stderr, flush=True)


class Bar:
    """A line on standard error that says how far a job is.

    Nothing is written where that is no terminal.

    Args:
        name: What is done.
        count: Number of items; `None` if it is not known.
        clock: Function that returns the time in seconds.
    """

    def __init__(
        self,
        name: str,
        count: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._count, self._clock = _line(name), count, clock

    def over(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """Yield the items, and show how many there were."""
        if not sys.stderr.isatty():
            yield from items
            return
        begun = drawn = self._clock()
        done = 0
        try:
            for done, item in enumerate(items, 1):
                yield item
                now = self._clock()
                if now - drawn >= _BAR_SECONDS:
                    drawn = now
                    self._draw(done, now - begun)
        finally:
            self._draw(done, self._clock() - begun, "\n")

    def _draw(self, done: int, seconds: float, end: str = "") -> None:
        rate = done / max(seconds, 1e-9)
        parts = [self._name, f"{done} frames"]
        if self._count is not None:
            full = min(_BAR_CELLS, _BAR_CELLS * done // self._count)
            parts.insert(1, f"[{'#' * full:{_BAR_CELLS}}]")
            parts[-1] = f"{done}/{self._count} frames"
            left = max(0, self._count - done) / max(rate, 1e-9)
            parts.append(f"{left // 60:.0f}:{left % 60:02.0f} left")
        parts.append(f"{rate:.1f}/s")
        # To the end of the line, which may have been longer.
        print(
            f"\r{'  '.join(parts)}\x1b[K", file=sys.stderr, end=end, flush=True
        )


def message_of(error: BaseException, name: object = None) -> str:
    """Return what an error says, in a line.

    Args:
        error: The error.
        name: What it is about; put before a message that does not have it.
    """
    text = str(error)
    if _is_of_the_system(error):
        text = error.strerror or text
        if error.filename is not None:
            text = f"{error.filename}: {text}"
    elif isinstance(error, MemoryError):
        text = f"There is too little memory for this. {text}"
    elif not isinstance(error, (ValueError, NotInstalledError)):
        text = f"{type(error).__name__}: {text}"
    text = _line(text) or type(error).__name__
    if name is not None and _line(str(name)) not in text:
        text = f"{_line(str(name))}: {text}"
    return text


def _is_of_the_system(error: BaseException) -> TypeGuard[OSError]:
    return isinstance(error, OSError) and not isinstance(error, ValueError)


def _line(text: str) -> str:
    """Return a text without ends of lines and without terminal commands."""
    text = " ".join(filter(None, (line.strip() for line in text.split("\n"))))
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


def _forget_output() -> None:
    """Let nothing be written at the end to a pipe that is closed."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
