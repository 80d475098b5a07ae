"""Jobs of many items, of which a bad one does not end the others."""

import contextlib
import errno
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from keras_saliency._utils.console import message_of

ERRORS = ("skip", "raise")
# With these, the next item would fail as well.
_FATAL = {errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Skipping:
    """What was done in a job, what was skipped and why.

    Args:
        errors: `"skip"` goes on after an item that fails; `"raise"` ends the
            job with its error.
        what: What the items are, for the summary.
        say: Function that is called with each message. Defaults to a warning,
            once an item is done: if none can be, an error says so.

    Raises:
        ValueError: If `errors` is none of the two.
    """

    def __init__(
        self,
        errors: str = "skip",
        *,
        what: str = "images",
        say: Callable[[str], object] | None = None,
    ) -> None:
        if errors not in ERRORS:
            raise ValueError(
                f"errors must be 'skip' or 'raise'; received {errors!r}."
            )
        self.errors = errors
        self.what = what
        self.done = 0
        self.skipped: list[str] = []
        self._first: Exception | None = None
        self._say = say
        self._held: list[str] = []

    @classmethod
    def of(cls, errors: "str | Skipping", **options: Any) -> "Skipping":
        """Return it for what a caller's `errors` says, if it is not one."""
        return (
            errors if isinstance(errors, Skipping) else cls(errors, **options)
        )

    @contextlib.contextmanager
    def item(self, name: object) -> Iterator[None]:
        """Do one item inside; its error is noted and not raised.

        A full disk ends the job.

        Args:
            name: What a message without it is preceded by.
        """
        try:
            yield
        except Exception as error:
            full = isinstance(error, OSError) and error.errno in _FATAL
            if self.errors == "raise" or full:
                raise
            self.note(error, name)
        else:
            self.done += 1
            self._warn()

    def note(self, error: Exception, name: object) -> None:
        """Note that an item was skipped."""
        self._first = self._first or error
        message = message_of(error, name)
        self.skipped.append(message)
        self._tell(f"Skipped: {message}")

    def finish(self) -> None:
        """Say how many items were skipped.

        Raises:
            Exception: The first item's error, if none could be done.
        """
        if self._first is not None and not self.done:
            raise self._first
        if self.skipped:
            self._tell(self.summary)

    @property
    def summary(self) -> str:
        """How many items were skipped, in a line."""
        count = len(self.skipped)
        return (
            f"{count} of {self.done + count} {self.what} "
            f"{'was' if count == 1 else 'were'} skipped."
        )

    def _tell(self, message: str) -> None:
        if self._say is not None:
            self._say(message)
            return
        self._held.append(message)
        if self.done:
            self._warn()

    def _warn(self) -> None:
        while self._held:
            # The caller of the caller of `item`, as a rule.
            warnings.warn(self._held.pop(0), stacklevel=6)
