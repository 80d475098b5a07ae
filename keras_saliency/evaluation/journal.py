"""The file that lets a broken-off evaluation resume."""

import json
import os
import re
import warnings
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from keras_saliency._utils.atomic import explained, write_all
from keras_saliency._utils.types import PathName
from keras_saliency.evaluation import _writing

# Lines of a few hundred bytes are written.
_LONGEST = 2**20
_CHECKED = re.compile(rb'(.*), "checksum": "([0-9a-f]{8})"}', re.DOTALL)
_BEGINNING = b'{"key": '
_INFINITE = {"inf", "-inf"}


class Journal:
    """Lines of JSON with a checksum each, one per scored image.

    A line that is damaged is left out with a warning; its image is then
    scored anew. Lines without a checksum, as older versions wrote them, are
    believed.

    Args:
        path: The file; made when the journal is entered as a context. `None`
            keeps nothing.

    Attributes:
        rows: Dictionary of key and values, as the file held them.

    Raises:
        OSError: If it cannot be read; the message names the file.
    """

    def __init__(self, path: PathName | None) -> None:
        self._path = None if path is None else Path(path)
        self._file: BinaryIO | None = None
        self.rows: dict[str, dict[str, float]] = {}
        if self._path is not None and self._path.exists():
            self._read(self._path)

    def _read(self, path: Path) -> None:
        bad = []
        for number, line in enumerate(_lines(path), 1):
            try:
                key, row = _parse(line.rstrip(b"\r\n"))
            except ValueError:
                if not _is_cut_off(line):
                    bad.append(number)
            else:
                self.rows[key] = row
        if bad:
            shown = ", ".join(map(str, bad[:5])) + ", ..." * (len(bad) > 5)
            warnings.warn(
                f"{path}: {len(bad)} damaged line{'s' * (len(bad) > 1)} left "
                f"out (number {shown}); what they were about is scored anew",
                stacklevel=4,
            )

    def __enter__(self) -> "Journal":
        if self._path is not None:
            with explained(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = open(self._path, "a+b", buffering=0)
                self._end_last_line(self._file)
        return self

    def __exit__(self, *error: Any) -> None:
        if self._file is not None:
            self._file.close()

    def get(self, key: str, names: Iterable[str]) -> dict[str, float] | None:
        """Return the values of a key, unless one of some metrics lacks."""
        row = self.rows.get(key)
        return row if row is not None and set(row) == set(names) else None

    def add(self, key: str | None, name: str, row: dict[str, float]) -> None:
        """Write one image's values, at once."""
        if self._file is None or self._path is None:
            return
        line = _writing.to_json({"key": key, "name": name, "scores": row})
        checksum = zlib.crc32(line.encode())
        with explained(self._path, "the values before are kept"):
            write_all(
                self._file,
                f'{line[:-1]}, "checksum": "{checksum:08x}"}}\n'.encode(),
            )

    @staticmethod
    def _end_last_line(file: BinaryIO) -> None:
        """See that a line that was cut off does not swallow the next one."""
        end = file.seek(0, os.SEEK_END)
        start = max(0, end - _LONGEST)
        file.seek(start)
        before, newline, last = file.read().rpartition(b"\n")
        if not last:
            return
        if _is_cut_off(last) and not _is_whole(last):
            file.truncate(start + len(before) + len(newline))
        else:
            write_all(file, b"\n")


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file; of one that is far too long the beginning."""
    if not path.is_file():
        raise OSError(
            f"{path} is no file; resume must be the path of one, which is "
            "made if it is not there."
        )
    try:
        with open(path, "rb") as file:
            while line := file.readline(_LONGEST):
                yield line
                while not line.endswith(b"\n") and line:
                    line = file.readline(_LONGEST)
    except OSError as error:
        raise OSError(
            error.errno, f"{path} cannot be read ({error.strerror or error})."
        ) from error


def _parse(line: bytes) -> tuple[str, dict[str, float]]:
    """Return the key and the values of a line.

    Raises:
        ValueError: If it is damaged.
    """
    checked = _CHECKED.fullmatch(line)
    if checked is not None:
        line = checked[1] + b"}"
        if zlib.crc32(line) != int(checked[2], 16):
            raise ValueError("another checksum")
    try:
        row = json.loads(line.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(row, dict) or set(row) != {"key", "name", "scores"}:
        raise ValueError("other fields")
    if not isinstance(row["key"], str) or not isinstance(row["scores"], dict):
        raise ValueError("other types")
    scores = {name: _number(value) for name, value in row["scores"].items()}
    return row["key"], scores


def _number(value: Any) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, bool) or not (
        isinstance(value, (int, float))
        or (isinstance(value, str) and value in _INFINITE)
    ):
        raise ValueError("no number")
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError("too large") from error


def _is_cut_off(line: bytes) -> bool:
    """Return whether a line is the beginning of one, left by a kill."""
    return not line.endswith(b"\n") and (
        line.startswith(_BEGINNING) or _BEGINNING.startswith(line)
    )


def _is_whole(line: bytes) -> bool:
    try:
        _parse(line)
    except ValueError:
        return False
    return True
