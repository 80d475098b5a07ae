"""Downloads that resume and are verified."""

import dataclasses
import hashlib
import http.client
import os
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from keras_saliency._utils import locks
from keras_saliency._utils.types import PathName

_CHUNK = 2**18
# The largest file known, SALICON's images, has 2.3 GB.
MAX_DOWNLOAD = 2**33


class DownloadError(ValueError):
    """A file cannot be had; the message names its address and its place."""


def download(
    url: str,
    path: PathName,
    *,
    md5: str | None = None,
    sha256: str | None = None,
    size: int | None = None,
    replace: bool = False,
    attempts: int = 5,
    timeout: float = 30.0,
    progress: bool = True,
    wait: float = 1.0,
) -> Path:
    """Download a file, so that `path` exists only when it is whole.

    What arrived before a cut stays in `path` + `.part`, and the next attempt,
    or the next call, asks for the rest. Checksums are verified before the
    file gets its name; where one is wrong nothing is kept. Of several
    processes that want one file the first downloads it and the others wait.

    Args:
        url: An http or https address.
        path: The file to write.
        md5: Checksum, 32 hexadecimal digits. Without a checksum, the length
            that the server states must be right.
        sha256: Checksum, 64 hexadecimal digits.
        size: Length in bytes, if known.
        replace: Whether a file that is there and is not the one wanted is
            replaced, once the right one has arrived; otherwise that is an
            error.
        attempts: How often to try in all.
        timeout: Seconds of silence after which an attempt has failed.
        progress: Whether to show a bar, on standard error.
        wait: Seconds before the second attempt, doubled for each further.

    Returns:
        The path.

    Raises:
        DownloadError: If the file cannot be had; the message names the
            address and the file.
    """
    path = Path(path)
    wanted = _Wanted(md5, sha256, size)
    if _is_there(path, url, wanted, replace):
        return path
    if not url.lower().startswith(("http://", "https://")):
        raise DownloadError(
            f"The address {url} of {path} is neither http nor https."
        )

    def on_wait() -> None:
        if progress and sys.stderr is not None:
            print(
                f"Waiting for another process that downloads {path}",
                file=sys.stderr,
            )

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locks.hold(path.with_name(path.name + ".lock"), on_wait):
            if not _is_there(path, url, wanted, replace):
                part = path.with_name(path.name + ".part")
                _fetch_all(
                    url, path, part, wanted, attempts, timeout, progress, wait
                )
                os.replace(part, path)
    except OSError as error:
        raise DownloadError(f"{path} cannot be written: {error}.") from error
    return path


def verify(
    path: PathName,
    *,
    md5: str | None = None,
    sha256: str | None = None,
    size: int | None = None,
) -> None:
    """Check that a file is the one wanted.

    Args:
        path: The file.
        md5: Checksum, 32 hexadecimal digits.
        sha256: Checksum, 64 hexadecimal digits.
        size: Length in bytes.

    Raises:
        DownloadError: If its length or a checksum is wrong.
        OSError: If it cannot be read.
    """
    _Wanted(md5, sha256, size).check(Path(path))


class _WrongError(DownloadError):
    """The bytes are not those expected."""


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """Checksums and length of a file, as far as they are known."""

    md5: str | None
    sha256: str | None
    size: int | None

    @property
    def is_known(self) -> bool:
        """Whether anything is known."""
        return not (self.md5 is self.sha256 is self.size is None)

    def check(self, path: Path) -> None:
        """Raise `_WrongError` if a file is another one."""
        found = path.stat().st_size
        if self.size is not None and found != self.size:
            raise _WrongError(
                f"{path} has {found} bytes where {self.size} are expected"
            )
        for title, name, expected in (
            ("MD5", "md5", self.md5),
            ("SHA-256", "sha256", self.sha256),
        ):
            if expected is None:
                continue
            digest = hashlib.new(name, usedforsecurity=False)
            with open(path, "rb") as file:
                while chunk := file.read(2**20):
                    digest.update(chunk)
            if digest.hexdigest() != expected:
                raise _WrongError(
                    f"{path} has the {title} checksum {digest.hexdigest()} "
                    f"where {expected} is expected"
                )


def _is_there(path: Path, url: str, wanted: _Wanted, replace: bool) -> bool:
    """Return whether the file need not be downloaded."""
    if not path.exists():
        return False
    try:
        wanted.check(path)
    except _WrongError as error:
        if replace:
            return False
        raise DownloadError(
            f"{error}; remove it and get it anew from {url}."
        ) from error
    return True


def _fetch_all(
    url: str,
    path: Path,
    part: Path,
    wanted: _Wanted,
    attempts: int,
    timeout: float,
    progress: bool,
    wait: float,
) -> None:
    """Make `part` the whole file."""
    failure: Exception | None = None
    for attempt in range(attempts):
        if attempt:
            time.sleep(wait * 2 ** (attempt - 1))
        try:
            _fetch(url, part, path.name, wanted.size, timeout, progress)
            wanted.check(part)
            return
        except _WrongError as error:
            part.unlink(missing_ok=True)
            failure = error
        except urllib.error.HTTPError as error:
            error.close()
            failure = error
            if error.code == 416:
                if _is_whole(part, wanted):
                    return
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                raise DownloadError(
                    f"{url} answers {error.code} {error.reason}; get the file "
                    f"another way and put it at {path}."
                ) from error
        except DownloadError:
            raise
        except (
            OSError,
            EOFError,
            ValueError,
            http.client.HTTPException,
        ) as error:
            failure = error
    raise DownloadError(
        f"{url} could not be downloaded to {path} in {attempts} attempts; the "
        f"last failed with: {failure}. Call again to resume, or get the file "
        "another way."
    ) from failure


def _is_whole(part: Path, wanted: _Wanted) -> bool:
    """Return whether nothing is left to ask for; servers answer that by 416."""
    try:
        wanted.check(part)
    except (OSError, _WrongError):
        return False
    return wanted.is_known


def _fetch(
    url: str,
    part: Path,
    name: str,
    size: int | None,
    timeout: float,
    progress: bool,
) -> None:
    """Append to `part` what is missing, or write it anew."""
    start = part.stat().st_size if part.exists() else 0
    if size is not None and start == size:
        return
    request = urllib.request.Request(
        url,
        headers={"User-Agent": "keras_saliency", "Accept-Encoding": "identity"},
    )
    if start:
        request.add_header("Range", f"bytes={start}-")
    with urllib.request.urlopen(request, timeout=timeout) as response:
        total = response.headers.get("Content-Length")
        total = int(total) if total and total.isdigit() else None
        if response.status == 206:
            stated = re.fullmatch(
                r"bytes (\d+)-\d+/(\d+|\*)",
                response.headers.get("Content-Range", ""),
            )
            if stated is None or int(stated[1]) != start:
                raise _WrongError(f"{url} sent another range than asked for.")
            total = None if total is None else total + start
        else:
            start = 0
        if total is not None and total > MAX_DOWNLOAD:
            raise DownloadError(
                f"{url} claims {total} bytes, more than {MAX_DOWNLOAD}; "
                "nothing was written."
            )
        if size is not None and total is not None and total != size:
            raise _WrongError(
                f"{url} has {total} bytes where {size} are expected."
            )
        bar = _Bar(name, total, progress)
        done = start
        with open(part, "ab" if start else "wb") as file:
            while True:
                chunk = response.read1(_CHUNK)
                if not chunk:
                    break
                done += len(chunk)
                if done > MAX_DOWNLOAD:
                    raise DownloadError(
                        f"{url} sends more than {MAX_DOWNLOAD} bytes; stopped."
                    )
                file.write(chunk)
                bar.show(done)
        bar.close(done)
        if total is not None and done != total:
            raise EOFError(f"{done} of {total} bytes arrived")


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
