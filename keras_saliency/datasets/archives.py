"""Downloads that resume and are verified, archives that cannot escape."""

import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from keras_saliency.datasets.errors import DatasetError

_CHUNK = 2**18
# The largest archive known, SALICON's pictures, has 2.3 GB; CAT2000's
# training set 3.1 GB in 10,000 files.
MAX_DOWNLOAD = 2**33
MAX_EXTRACTED = 2**35
MAX_FILES = 200_000
# Deflate reaches 1032; pictures and .mat files stay far below.
MAX_RATIO = 200
_RATIO_FREE = 2**24


def download(
    url,
    path,
    *,
    md5=None,
    size=None,
    attempts=5,
    timeout=30.0,
    progress=True,
    wait=1.0,
):
    """Download a file, so that `path` exists only when it is whole.

    What arrived before a cut stays in `path` + `.part`, and the next attempt,
    or the next call, asks for the rest. The checksum is verified before the
    file gets its name; where it is wrong nothing is kept.

    Args:
        url: An http or https address.
        path: The file to write.
        md5: Checksum, 32 hexadecimal digits. Without one, the length that the
            server states must be right.
        size: Length in bytes, if known.
        attempts: How often to try in all.
        timeout: Seconds of silence after which an attempt has failed.
        progress: Whether to show a bar, on standard error.
        wait: Seconds before the second attempt, doubled for each further.

    Returns:
        The path.

    Raises:
        DatasetError: If it cannot be had; the message names address and file.
    """
    path = Path(path)
    if path.exists():
        _verify(path, url, md5, size)
        return path
    if not url.lower().startswith(("http://", "https://")):
        raise DatasetError(
            f"The address {url} of {path} is neither http nor https."
        )
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(
            f"The folder {path.parent} cannot be made: {error}."
        ) from error
    failure = None
    for attempt in range(attempts):
        if attempt:
            time.sleep(wait * 2 ** (attempt - 1))
        try:
            _fetch(url, part, path.name, size, timeout, progress)
            _verify(part, url, md5, size)
        except _Wrong as error:
            part.unlink(missing_ok=True)
            failure = error
            continue
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500 and error.code not in (408, 416, 429):
                raise DatasetError(
                    f"{url} answers {error.code} {error.reason}; get the file "
                    f"another way and put it at {path}."
                ) from error
            failure = error
            if error.code != 416 or not _is_whole(part, url, md5, size):
                if error.code == 416:
                    part.unlink(missing_ok=True)
                continue
        except (OSError, EOFError, ValueError) as error:
            if isinstance(error, DatasetError):
                raise
            failure = error
            continue
        try:
            os.replace(part, path)
        except OSError as error:
            raise DatasetError(f"{path} cannot be written: {error}.") from error
        return path
    raise DatasetError(
        f"{url} could not be downloaded to {path} in {attempts} attempts; the "
        f"last failed with: {failure}. Call again to resume, or get the file "
        "another way."
    ) from failure


class _Wrong(DatasetError):
    """The bytes are not those expected."""


def _fetch(url, part, name, size, timeout, progress):
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
                raise _Wrong(f"{url} sent another range than asked for.")
            total = None if total is None else total + start
        else:
            start = 0
        if total is not None and total > MAX_DOWNLOAD:
            raise DatasetError(
                f"{url} claims {total} bytes, more than {MAX_DOWNLOAD}; "
                "nothing was written."
            )
        if size is not None and total is not None and total != size:
            raise _Wrong(f"{url} has {total} bytes where {size} are expected.")
        bar = _Bar(name, total, progress)
        done = start
        with open(part, "ab" if start else "wb") as file:
            while True:
                chunk = response.read1(_CHUNK)
                if not chunk:
                    break
                done += len(chunk)
                if done > MAX_DOWNLOAD:
                    raise DatasetError(
                        f"{url} sends more than {MAX_DOWNLOAD} bytes; stopped."
                    )
                file.write(chunk)
                bar.show(done)
        bar.close(done)
        if total is not None and done != total:
            raise EOFError(f"{done} of {total} bytes arrived")


def _is_whole(part, url, md5, size):
    """Whether nothing is left to ask for, which servers answer by 416."""
    try:
        _verify(part, url, md5, size)
    except (OSError, _Wrong):
        return False
    return md5 is not None or size is not None


def _verify(path, url, md5, size):
    found = path.stat().st_size
    if size is not None and found != size:
        raise _Wrong(
            f"{path} has {found} bytes where {size} are expected; remove it "
            f"and get it anew from {url}."
        )
    if md5 is None:
        return
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    if digest.hexdigest() != md5:
        raise _Wrong(
            f"{path} has the MD5 checksum {digest.hexdigest()} where {md5} is "
            f"expected; remove it and get it anew from {url}."
        )


class _Bar:
    def __init__(self, name, total, progress):
        self.name, self.total, self.shown = name, total, 0.0
        self.progress = progress and sys.stderr is not None
        self.live = self.progress and sys.stderr.isatty()

    def show(self, done):
        now = time.monotonic()
        if self.live and now - self.shown > 0.2:
            self.shown = now
            sys.stderr.write("\r" + self.text(done))
            sys.stderr.flush()

    def close(self, done):
        if self.progress:
            sys.stderr.write(("\r" if self.live else "") + self.text(done))
            sys.stderr.write("\n")
            sys.stderr.flush()

    def text(self, done):
        if not self.total:
            return f"{self.name} {done / 1e6:.1f} MB"
        filled = 30 * min(done, self.total) // self.total
        return (
            f"{self.name} [{'#' * filled}{'.' * (30 - filled)}] "
            f"{done / 1e6:.1f} of {self.total / 1e6:.1f} MB"
        )


def extract(archive, folder, *, keep=None):
    """Extract a zip archive into a folder, all of it or nothing.

    Each member's checksum is verified. Refused are absolute paths and paths
    with `..`, links, two members of one path, more than is credible in
    number, size or rate of compression, and encryption.

    Args:
        archive: The `.zip` file.
        folder: Folder that gets the members; it may exist.
        keep: Function from a member's path to whether it is wanted.

    Raises:
        DatasetError: On all that, and if the archive is damaged.
    """
    archive, folder = Path(archive), Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".extracting-", dir=folder))
    except OSError as error:
        raise DatasetError(
            f"The folder {folder} cannot be written: {error}."
        ) from error
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _members(archive, opened, keep)
            for member, path in members:
                _write(archive, opened, member, temporary / path)
        for entry in sorted(temporary.iterdir()):
            _move(entry, folder / entry.name)
    except DatasetError:
        raise
    except Exception as error:  # zipfile raises nearly anything on damage
        raise DatasetError(
            f"The archive {archive} cannot be extracted to {folder} "
            f"({error or repr(error)}); it is damaged, or the disk is full. "
            "Get it anew."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _members(archive, opened, keep):
    infos = opened.infolist()
    if len(infos) > MAX_FILES:
        raise DatasetError(
            f"The archive {archive} has {len(infos)} members, more than "
            f"{MAX_FILES}."
        )
    members, seen, total = [], set(), 0
    for info in infos:
        name = info.filename
        path = name.replace("\\", "/")
        parts = [p for p in path.split("/") if p not in ("", ".")]
        mode = info.external_attr >> 16
        reason = None
        if path.startswith("/") or ".." in parts or ":" in path:
            reason = "would be written outside its folder"
        elif "\0" in name or any(len(p.encode()) > 255 for p in parts):
            reason = "has a name that no file can have"
        elif (
            mode
            and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
            and (stat.S_IFMT(mode))
        ):
            reason = "is a link or a special file"
        elif info.flag_bits & 1:
            reason = "is encrypted"
        elif info.file_size > _RATIO_FREE and (
            info.file_size > MAX_RATIO * max(info.compress_size, 1)
        ):
            reason = (
                f"grows from {info.compress_size} to {info.file_size} bytes"
            )
        if reason:
            raise DatasetError(
                f"The archive {archive} is refused: its member {name[:200]!r} "
                f"{reason}."
            )
        if not parts or info.is_dir() or (keep and not keep("/".join(parts))):
            continue
        total += info.file_size
        if total > MAX_EXTRACTED:
            raise DatasetError(
                f"The archive {archive} is refused: it would take more than "
                f"{MAX_EXTRACTED} bytes."
            )
        key = "/".join(parts).casefold()
        if key in seen:
            raise DatasetError(
                f"The archive {archive} is refused: it has two members "
                f"{name[:200]!r}."
            )
        seen.add(key)
        members.append((info, Path(*parts)))
    if not members:
        raise DatasetError(f"The archive {archive} has no file that is needed.")
    return members


def _write(archive, opened, info, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with opened.open(info) as source, open(path, "xb") as target:
        while chunk := source.read(2**20):
            written += len(chunk)
            if written > info.file_size:
                raise DatasetError(
                    f"The archive {archive} is refused: its member "
                    f"{info.filename[:200]!r} is larger than it claims."
                )
            target.write(chunk)
    if written != info.file_size:
        raise DatasetError(
            f"The archive {archive} is damaged: its member "
            f"{info.filename[:200]!r} has {written} of {info.file_size} bytes."
        )


def _move(source, target):
    if target.is_dir() and source.is_dir():
        for entry in sorted(source.iterdir()):
            _move(entry, target / entry.name)
    else:
        os.replace(source, target)
