"""Downloads that resume and are verified."""

import dataclasses
import hashlib
import sys
import time
import urllib.error
from http import client as http_client
from pathlib import Path

from keras_saliency._utils import http, locks, transfer
from keras_saliency._utils.paths import PathName
from keras_saliency._utils.transfer import DownloadError, WrongError

# Bytes per second below which a transfer is broken off, and over how many
# seconds they are counted.
_SLOWEST, _WINDOW = 1000.0, 60.0


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
    limit: float = 24 * 3600.0,
) -> Path:
    """Download a file, so that `path` exists only when it is whole.

    What arrived before a cut stays in `path` + `.part`, and the next attempt,
    or the next call, asks for the rest. Checksums are verified before the
    file gets its name; where one is wrong nothing is kept. Without one, what
    the server says of the file must agree: no length that is contradicted, no
    packing that was not asked for, no web page; and a rest is asked for only
    by the `ETag` or `Last-Modified` of what has arrived. Of several processes
    that want one file the first downloads it and the others wait.

    Args:
        url: An http or https address.
        path: The file to write.
        md5: Checksum, 32 hexadecimal digits.
        sha256: Checksum, 64 hexadecimal digits.
        size: Length in bytes, if known.
        replace: Whether a file that is there and is not the one wanted is
            replaced, once the right one has arrived; otherwise that is an
            error.
        attempts: How often to try in all.
        timeout: Seconds of silence after which an attempt has failed.
        progress: Whether to show a bar, on standard error.
        wait: Seconds before the second attempt, doubled for each further.
        limit: Seconds for all of it, without the wait for another process. A
            server that sends less than 1000 bytes a second for a minute has
            failed too.

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
                part = transfer.Part(
                    path.with_name(path.name + ".part"),
                    url,
                    verified=not (md5 is sha256 is None),
                )
                watch = http.Watch(limit, _SLOWEST, _WINDOW)
                _fetch_all(
                    part, path, wanted, attempts, wait, watch, timeout, progress
                )
                part.finish(path)
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
        """Raise `WrongError` if a file is another one."""
        found = path.stat().st_size
        if self.size is not None and found != self.size:
            raise WrongError(
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
                raise WrongError(
                    f"{path} has the {title} checksum {digest.hexdigest()} "
                    f"where {expected} is expected"
                )


def _is_there(path: Path, url: str, wanted: _Wanted, replace: bool) -> bool:
    """Return whether the file need not be downloaded."""
    if not path.exists():
        return False
    try:
        wanted.check(path)
    except WrongError as error:
        if replace:
            return False
        raise DownloadError(
            f"{error}; remove it and get it anew from {url}."
        ) from error
    return True


def _fetch_all(
    part: transfer.Part,
    path: Path,
    wanted: _Wanted,
    attempts: int,
    wait: float,
    watch: http.Watch,
    timeout: float,
    progress: bool,
) -> None:
    """Make `part` the whole file."""
    failure: Exception | None = None
    tried = 0
    while tried < attempts:
        try:
            if tried:
                time.sleep(min(wait * 2 ** (tried - 1), watch.left()))
            watch.left()
        except http.TooSlowError as error:
            failure = error
            break
        tried += 1
        try:
            transfer.fetch(
                part,
                path,
                size=wanted.size,
                timeout=timeout,
                watch=watch,
                progress=progress,
            )
            wanted.check(part.path)
            return
        except WrongError as error:
            part.drop()
            failure = error
        except urllib.error.HTTPError as error:
            error.close()
            failure = error
            if error.code == 416:
                if _is_whole(part.path, wanted):
                    return
                part.drop()
            elif error.code < 500 and error.code not in (408, 429):
                raise DownloadError(
                    f"{part.url} answers {error.code} {error.reason}; get the "
                    f"file another way and put it at {path}."
                ) from error
        except http.RefusedError as error:
            raise DownloadError(
                f"{part.url} cannot be had: {error}. Get the file another way "
                f"and put it at {path}."
            ) from error
        except DownloadError:
            raise
        except (
            OSError,
            EOFError,
            ValueError,
            http_client.HTTPException,
        ) as error:
            failure = error
    raise DownloadError(
        f"{part.url} could not be downloaded to {path} in {tried} attempts; "
        f"the last failed with: {failure}. Call again to resume, or get the "
        "file another way."
    ) from failure


def _is_whole(part: Path, wanted: _Wanted) -> bool:
    """Return whether nothing is left to ask for; servers answer that by 416."""
    try:
        wanted.check(part)
    except (OSError, WrongError):
        return False
    return wanted.is_known
