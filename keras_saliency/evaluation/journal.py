"""The file that lets a broken-off evaluation resume."""

import contextlib
import json
from pathlib import Path
from typing import IO, Any

from keras_saliency._utils.types import PathName
from keras_saliency.evaluation import _writing


class Journal:
    """Lines of JSON, one per scored image.

    Args:
        path: The file; made when the journal is entered as a context. `None`
            keeps nothing.

    Attributes:
        rows: Dictionary of key and values, as the file held them.
    """

    def __init__(self, path: PathName | None) -> None:
        self._path = None if path is None else Path(path)
        self._file: IO[str] | None = None
        self.rows: dict[str, dict[str, float]] = {}
        if self._path is None or not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines():
            # The last line may be cut off where a run was killed.
            with contextlib.suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                self.rows[row["key"]] = {
                    name: float("nan") if value is None else float(value)
                    for name, value in row["scores"].items()
                }

    def __enter__(self) -> "Journal":
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._path, "a+", encoding="utf-8")
            # A line that was cut off must not swallow the next one.
            self._file.seek(0)
            if self._file.read()[-1:] not in ("", "\n"):
                self._file.write("\n")
        return self

    def __exit__(self, *error: Any) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, key: str | None, name: str, row: dict[str, float]) -> None:
        """Write one image's values, at once."""
        if self._file is not None:
            line = {"key": key, "name": name, "scores": row}
            self._file.write(_writing.to_json(line) + "\n")
            self._file.flush()
