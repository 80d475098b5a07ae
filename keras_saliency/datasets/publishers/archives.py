"""Archives that cannot escape the folder they are extracted to."""

import contextlib
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from keras_saliency._utils import locks
from keras_saliency._utils.atomic import explained, remove, write_all
from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import PathName
from keras_saliency.images import normal

# CAT2000's training set has 3.1 GB in 10,000 files.
MAX_EXTRACTED = 2**35
MAX_FILES = 200_000
_LONGEST_PATH = 1000
_TEMPORARY = ".extracting"
# Deflate reaches 1032; images and .mat files stay far below.
MAX_RATIO = 200
_RATIO_FREE = 2**24
# All members together: images do not shrink, and text little.
MAX_RATIO_OF_ALL = 50


def extract(
    archive: PathName,
    folder: PathName,
    *,
    keep: Callable[[str], bool] | None = None,
) -> None:
    """Extract a zip archive into a folder, all of it or nothing.

    Each member's checksum is verified. An archive is refused that has
    absolute paths or paths with `..`, links, two members of one path or
    encrypted ones, or more than is credible in number, size or rate of
    compression. Of several processes that extract to one folder, one works at
    a time, and removes what killed ones left.

    Args:
        archive: The `.zip` file.
        folder: Folder that gets the members; it may exist.
        keep: Function from a member's path to whether it is wanted.

    Raises:
        DatasetError: If the archive is refused or damaged.
        OSError: If the folder cannot be written, or the disk is full; the
            message names the folder.
    """
    archive, folder = Path(archive), Path(folder)
    state = f"the archive {archive} is kept"
    with contextlib.ExitStack() as stack:
        with explained(folder, state):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.hold(folder / f"{_TEMPORARY}.lock"))
            _remove_leftovers(folder)
        temporary = folder / _TEMPORARY
        stack.callback(remove, temporary)
        with _read(archive):
            opened = stack.enter_context(zipfile.ZipFile(archive))
            members = _members(archive, opened, keep)
        for member, path in members:
            _write(archive, opened, member, temporary / path, folder)
        with explained(folder, state):
            for entry in sorted(temporary.iterdir()):
                _move(entry, folder / entry.name)


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left; older versions named it otherwise."""
    for left in folder.glob(f"{_TEMPORARY}*"):
        if left.is_dir():
            remove(left)


@contextlib.contextmanager
def _read(archive: Path) -> Iterator[None]:
    """Name an archive in the errors of reading it."""
    try:
        yield
    except DatasetError:
        raise
    except Exception as error:  # zipfile raises nearly anything on damage
        raise DatasetError(
            f"The archive {archive} cannot be read ({error or repr(error)}); "
            "it is damaged. Get it anew."
        ) from error


def _members(
    archive: Path,
    opened: zipfile.ZipFile,
    keep: Callable[[str], bool] | None,
) -> list[tuple[zipfile.ZipInfo, Path]]:
    """Return the members that are wanted and where each is written."""
    infos = opened.infolist()
    if len(infos) > MAX_FILES:
        raise DatasetError(
            f"The archive {archive} has {len(infos)} members, more than "
            f"{MAX_FILES}."
        )
    size = os.path.getsize(archive)
    if sum(info.compress_size for info in infos) > size:
        raise DatasetError(
            f"The archive {archive} is refused: its members overlap."
        )
    members = []
    seen: set[str] = set()
    folders: set[str] = set()
    total = 0
    for info in infos:
        name = info.filename
        path = name.replace("\\", "/")
        parts = [p for p in path.split("/") if p not in ("", ".")]
        mode = info.external_attr >> 16
        reason = None
        if path.startswith("/") or ".." in parts or ":" in path:
            reason = "would be written outside its folder"
        elif (
            "\0" in name
            or len(path.encode()) > _LONGEST_PATH
            or any(len(p.encode()) > 255 for p in parts)
        ):
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
        if total > max(_RATIO_FREE, MAX_RATIO_OF_ALL * size):
            raise DatasetError(
                f"The archive {archive} is refused: it would grow from {size} "
                f"to {total} bytes or more."
            )
        key = normal("/".join(parts)).casefold()
        if key in seen:
            raise DatasetError(
                f"The archive {archive} is refused: it has two members "
                f"{name[:200]!r}."
            )
        seen.add(key)
        folders.update(parent.as_posix() for parent in Path(key).parents)
        members.append((info, Path(*parts)))
    if both := sorted(seen & folders):
        raise DatasetError(
            f"The archive {archive} is refused: its member {both[0][:200]!r} "
            "is a file and a folder."
        )
    if not members:
        raise DatasetError(f"The archive {archive} has no file that is needed.")
    return members


def _write(
    archive: Path,
    opened: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    path: Path,
    folder: Path,
) -> None:
    state = f"the archive {archive} is kept"
    written = 0
    with contextlib.ExitStack() as stack:
        with explained(folder, state):
            path.parent.mkdir(parents=True, exist_ok=True)
            target = stack.enter_context(open(path, "xb", buffering=0))
        with _read(archive):
            source = stack.enter_context(opened.open(info))
        while True:
            with _read(archive):
                chunk = source.read(2**20)
            if not chunk:
                break
            written += len(chunk)
            if written > info.file_size:
                raise DatasetError(
                    f"The archive {archive} is refused: its member "
                    f"{info.filename[:200]!r} is larger than it claims."
                )
            with explained(folder, state):
                write_all(target, chunk)
    if written != info.file_size:
        raise DatasetError(
            f"The archive {archive} is damaged: its member "
            f"{info.filename[:200]!r} has {written} of {info.file_size} bytes."
        )


def _move(source: Path, target: Path) -> None:
    if target.is_dir() and source.is_dir():
        for entry in sorted(source.iterdir()):
            _move(entry, target / entry.name)
    else:
        os.replace(source, target)
