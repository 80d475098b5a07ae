"""Requests of files by http and https, within bounds of time."""

import functools
import http.client
import io
import socket
import time
import urllib.parse
import urllib.request
from typing import Any

_SCHEMES = ("http", "https")


class TooSlowError(TimeoutError):
    """A transfer has used up its time, or hardly moves."""


class RefusedError(Exception):
    """An answer that another attempt would not make better."""


class Watch:
    """The time that a transfer has, and how fast it must at least be.

    Args:
        seconds: Time for all of it.
        slowest: Bytes per second that must arrive on average.
        window: Seconds over which that average is taken.
    """

    def __init__(self, seconds: float, slowest: float, window: float) -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self._slowest, self._window = slowest, window
        self._since = time.monotonic()
        self._bytes = 0

    def left(self) -> float:
        """Return the seconds that are left, or raise `TooSlowError`."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TooSlowError(f"it took more than {self._seconds:g} s in all")
        return left

    def restart(self) -> None:
        """Begin to measure the speed anew, as for another attempt."""
        self._since, self._bytes = time.monotonic(), 0

    def count(self, arrived: int) -> None:
        """Take note of bytes, or raise `TooSlowError` if they are too few."""
        self._bytes += arrived
        passed = time.monotonic() - self._since
        if passed < self._window:
            return
        if self._bytes < self._slowest * passed:
            raise TooSlowError(
                f"{self._bytes} bytes arrived in {passed:.0f} s, fewer than "
                f"{self._slowest:g} a second"
            )
        self.restart()


def request(
    url: str,
    headers: dict[str, str],
    *,
    timeout: float,
    watch: Watch,
    verified: bool,
) -> Any:
    """Open an address.

    Args:
        url: An http or https address.
        headers: Header fields.
        timeout: Seconds of silence after which it has failed.
        watch: Measures all that is read, header fields included.
        verified: Whether a checksum tells what arrives. If not, an https
            address must not lead to an http one.

    Returns:
        The answer, a context manager as of `urllib.request.urlopen`.

    Raises:
        RefusedError: If it leads to an address that is not to be followed.
        OSError: On any other failure.
        http.client.HTTPException: On an answer that is none.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirect(verified),
        _Http(watch),
        _Https(watch),
    ):
        opener.add_handler(handler)
    watch.restart()
    asked = urllib.request.Request(url, headers=headers)
    return opener.open(asked, timeout=min(timeout, watch.left()))


class _Redirect(urllib.request.HTTPRedirectHandler):
    """Follows to http and https alone."""

    def __init__(self, verified: bool) -> None:
        self._verified = verified

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: Any,
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the next request, or raise."""
        # It would be read whole, however long it is.
        fp.close()
        scheme = urllib.parse.urlsplit(newurl).scheme.lower()
        is_weaker = req.type == "https" and scheme == "http"
        if scheme not in _SCHEMES or (is_weaker and not self._verified):
            raise RefusedError(
                f"it leads to {newurl[:200]}, which is not "
                f"{'https' if is_weaker else 'http or https'}"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def http_open(self, req: urllib.request.Request) -> Any:
        """Open an http address."""
        return self.do_open(
            _watched(http.client.HTTPConnection, self._watch), req
        )


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def https_open(self, req: urllib.request.Request) -> Any:
        """Open an https address."""
        return self.do_open(
            _watched(http.client.HTTPSConnection, self._watch), req
        )


def _watched(kind: Any, watch: Watch) -> Any:
    class Connection(kind):
        response_class = functools.partial(_Response, watch=watch)

    return Connection


class _Response(http.client.HTTPResponse):
    def __init__(
        self, sock: socket.socket, *args: Any, watch: Watch, **options: Any
    ) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Watched(self.fp.detach(), sock, watch))


class _Watched(io.RawIOBase):
    """A socket's bytes, which are counted and timed."""

    def __init__(self, raw: Any, sock: Any, watch: Watch) -> None:
        super().__init__()
        self._raw, self._sock, self._watch = raw, sock, watch
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        """Return whether it can be read."""
        return True

    def fileno(self) -> int:
        """Return the number of the socket."""
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:
        """Read some bytes."""
        left = self._watch.left()
        if self._timeout is None or left < self._timeout:
            self._sock.settimeout(left)
        count = self._raw.readinto(buffer)
        self._watch.count(count or 0)
        return count

    def close(self) -> None:
        """Close the socket."""
        self._raw.close()
        super().close()
