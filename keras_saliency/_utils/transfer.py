"""One attempt to get a file, or the rest of one, and what speaks against it."""

import contextlib
import dataclasses
import json
import re
import selectors
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_saliency._utils import http
from keras_saliency._utils.atomic import explained, remove, write_all

_CHUNK = 2**18
# The largest file known, SALICON's images, has 2.3 GB.
MAX_DOWNLOAD = 2**33
# How long a server may take to end a connection, in seconds.
_END_SECONDS = 1.0


class DownloadError(ValueError):
    """A file cannot be had; the message names its address and its place."""


class WrongError(DownloadError):
    """The bytes are not those expected: begin anew."""


@dataclasses.dataclass(frozen=True)
class Part:
    """What has arrived of a file.

    Without a checksum nothing but the server's word says that a rest belongs
    to it, so that is kept in a file beside it: `ETag` and `Last-Modified`.

    Args:
        path: The file of what has arrived.
        url: Where it comes from.
        verified: Whether a checksum will tell if it is right.
    """

    path: Path
    url: str
    verified: bool

    @property
    def _origin(self) -> Path:
        return self.path.with_name(self.path.name + ".from")

    def start(self) -> tuple[int, dict[str, Any]]:
        """Return how many bytes can be kept, and the server's word on them."""
        if not self.path.exists():
            return 0, {}
        origin = self._read_origin()
        if not self.verified and _validator(origin) is None:
            return 0, {}
        return self.path.stat().st_size, origin

    def begin(self, origin: dict[str, Any]) -> None:
        """Forget what has arrived, and keep the server's word on the new."""
        self.drop()
        if _validator(origin) is not None:
            self._origin.write_text(json.dumps(origin), encoding="utf-8")

    def finish(self, path: Path) -> None:
        """Give it its name."""
        self.path.replace(path)
        remove(self._origin)

    def drop(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)
        self._origin.unlink(missing_ok=True)

    def _read_origin(self) -> dict[str, Any]:
        try:
            origin = json.loads(self._origin.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        is_ours = isinstance(origin, dict) and origin.get("url") == self.url
        return origin if is_ours else {}


def fetch(
    part: Part,
    path: Path,
    *,
    size: int | None,
    timeout: float,
    watch: http.Watch,
    progress: bool,
) -> None:
    """Append to a part what is missing, or write it anew.

    Args:
        part: What has arrived.
        path: The file that is wanted, for messages.
        size: Its length in bytes, if known.
        timeout: Seconds of silence after which it has failed.
        watch: The time that there is.
        progress: Whether to show a bar.

    Raises:
        WrongError: If what arrives is not the file, or not its rest.
        DownloadError: If it cannot be written.
        RefusedError: If another attempt would be of no use.
        OSError, EOFError: If it might be.
    """
    start, origin = part.start()
    if size is not None and start == size:
        return
    headers = {"User-Agent": "keras_saliency", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        validator = _validator(origin)
        if validator is not None:
            headers["If-Range"] = validator
    with http.request(
        part.url,
        headers,
        timeout=timeout,
        watch=watch,
        verified=part.verified,
    ) as answer:
        stated = _Stated(answer, part, start, origin)
        if size is not None and stated.total not in (None, size):
            raise WrongError(
                f"{part.url} has {stated.total} bytes where {size} are "
                "expected."
            )
        if not part.verified:
            stated.must_be_credible(path, size)
        with _on_disk(path):
            if not stated.start:
                part.begin(stated.origin)
            file = open(part.path, "ab", buffering=0)
        with file:
            bar = _Bar(path.name, stated.total, progress)
            done = stated.start
            for chunk in _chunks(answer, stated, part):
                done += len(chunk)
                with _on_disk(path):
                    write_all(file, chunk)
                bar.show(done)
            bar.close(done)
    if stated.end is not None and done != stated.end:
        raise EOFError(f"{done} of {stated.end} bytes arrived")
    if stated.total is not None and done != stated.total:
        raise EOFError(f"{done} of {stated.total} bytes arrived")
    if not done and not part.verified and size is None:
        raise WrongError(f"{part.url} sends an empty file.")


class _Stated:
    """What an answer says about itself, checked.

    Attributes:
        start: Number of the first byte that it sends.
        end: That behind the last one, or None.
        total: Length of the whole file, or None.
        origin: What to keep of it for the next attempt.
    """

    def __init__(
        self, answer: Any, part: Part, start: int, origin: dict[str, Any]
    ) -> None:
        self._answer, self._url = answer, part.url
        headers = answer.headers
        self.origin = {
            "url": part.url,
            "etag": headers.get("ETag"),
            "modified": headers.get("Last-Modified"),
        }
        length = self._length()
        self._must_be_small(length)
        if answer.status == 200:
            self.start, self.end, self.total = 0, length, length
        elif answer.status == 206:
            self.start = start
            self._read_range(length)
            for name in ("etag", "modified"):
                old, new = origin.get(name), self.origin[name]
                if old is not None and new is not None and old != new:
                    raise WrongError(f"{part.url} has changed meanwhile.")
            if self.total is None and not part.verified:
                raise WrongError(f"{part.url} sends a part of no known whole.")
        elif answer.status == 202:
            raise EOFError("it answers 202, which promises the file for later")
        else:
            raise http.RefusedError(
                f"it answers {answer.status} {answer.reason}"
            )
        self._must_be_small(self.total or self.end)

    def _length(self) -> int | None:
        lengths = set(self._answer.headers.get_all("Content-Length", ()))
        if self._is_chunked() or not lengths:
            return None
        length = lengths.pop().strip()
        if lengths or not re.fullmatch(r"[0-9]{1,19}", length):
            raise WrongError(f"{self._url} states no proper length.")
        return int(length)

    def _must_be_small(self, length: int | None) -> None:
        if length is not None and length > MAX_DOWNLOAD:
            raise http.RefusedError(
                f"it claims {length} bytes, more than {MAX_DOWNLOAD}; nothing "
                "was written"
            )

    def _is_chunked(self) -> bool:
        encoding = self._answer.headers.get("Transfer-Encoding", "")
        return encoding.strip().lower() == "chunked"

    def _read_range(self, length: int | None) -> None:
        stated = re.fullmatch(
            r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)",
            self._answer.headers.get("Content-Range", "").strip(),
        )
        if not self.start or stated is None or int(stated[1]) != self.start:
            raise WrongError(f"{self._url} sent another range than asked for.")
        self.end = int(stated[2]) + 1
        self.total = None if stated[3] == "*" else int(stated[3])
        if (
            self.end <= self.start
            or (self.total is not None and self.end > self.total)
            or (length is not None and length != self.end - self.start)
        ):
            raise WrongError(f"{self._url} contradicts itself on its range.")

    def must_be_credible(self, path: Path, size: int | None) -> None:
        """Refuse what only a checksum could tell from the file.

        Raises:
            RefusedError: If it is not to be believed.
        """
        headers = self._answer.headers
        reason = None
        coding = ", ".join(headers.get_all("Content-Encoding", ()))
        transfer = headers.get("Transfer-Encoding", "chunked")
        kind = headers.get("Content-Type", "").partition(";")[0].strip()
        if coding.strip().lower() not in ("", "identity"):
            reason = f"sends it packed ({coding[:50]}), which was not asked for"
        elif transfer.strip().lower() != "chunked":
            reason = f"sends it packed ({transfer[:50]})"
        elif kind.lower() == "text/html" and path.suffix[:4] != ".htm":
            reason = "answers with a web page"
        elif self.end is None and not self._is_chunked() and size is None:
            reason = "does not say how long it is, so that a cut would not show"
        if reason is not None:
            raise http.RefusedError(f"the server {reason}")


def _chunks(answer: Any, stated: _Stated, part: Part) -> Iterator[bytes]:
    """Yield what arrives."""
    done, end = stated.start, stated.end
    is_lie_looked_for = end is not None and not part.verified
    if is_lie_looked_for:
        # What is sent beyond the length that was stated shows then.
        answer.length += 1
    while not (is_lie_looked_for and done == end and _has_ended(answer)):
        chunk = answer.read1(_CHUNK)
        if not chunk:
            break
        done += len(chunk)
        if done > MAX_DOWNLOAD:
            raise http.RefusedError(
                f"it sends more than {MAX_DOWNLOAD} bytes; stopped"
            )
        if end is not None and done > end:
            raise WrongError(
                f"{part.url} sends more than the {end} bytes that it states."
            )
        yield chunk


def _has_ended(answer: Any) -> bool:
    """Return whether nothing follows, though the connection is open."""
    with selectors.DefaultSelector() as selector:
        selector.register(answer, selectors.EVENT_READ)
        return not selector.select(_END_SECONDS)


def _validator(origin: dict[str, Any]) -> str | None:
    """Return what tells the server which file a rest is asked of."""
    etag = origin.get("etag")
    if isinstance(etag, str) and etag.startswith('"'):  # not a weak one
        return etag
    modified = origin.get("modified")
    return modified if isinstance(modified, str) else None


@contextlib.contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    """Tell a full disk from a failure of the network."""
    try:
        with explained(path, "what has arrived is kept"):
            yield
    except OSError as error:
        raise DownloadError(str(error)) from error


class _Bar:
    """A bar of the megabytes that have arrived, on standard error."""

    def __init__(self, name: str, total: int | None, progress: bool) -> None:
        self.name, self.total, self.shown = name, total, 0.0
        self.progress = progress and sys.stderr is not None
        self.live = self.progress and sys.stderr.isatty()

    def show(self, done: int) -> None:
        """Draw the bar, a few times a second."""
        now = time.monotonic()
        if self.live and now - self.shown > 0.2:
            self.shown = now
            sys.stderr.write("\r" + self.text(done))
            sys.stderr.flush()

    def close(self, done: int) -> None:
        """Draw the bar for the last time."""
        if self.progress:
            sys.stderr.write(("\r" if self.live else "") + self.text(done))
            sys.stderr.write("\n")
            sys.stderr.flush()

    def text(self, done: int) -> str:
        """Return the bar as text."""
        if not self.total:
            return f"{self.name} {done / 1e6:.1f} MB"
        filled = 30 * min(done, self.total) // self.total
        return (
            f"{self.name} [{'#' * filled}{'.' * (30 - filled)}] "
            f"{done / 1e6:.1f} of {self.total / 1e6:.1f} MB"
        )
