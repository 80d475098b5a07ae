"""The file that lets a broken-off evaluation resume."""

import contextlib
import json
from pathlib import Path

from keras_saliency.evaluation import _writing


class Journal:
    """Lines of JSON, one per scored image."""

    def __init__(self, path):
        self._path = None if path is None else Path(path)
        self._file = None
        self.rows = {}
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

    def __enter__(self):
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._path, "a+", encoding="utf-8")
            # A line that was cut off must not swallow the next one.
            self._file.seek(0)
            if self._file.read()[-1:] not in ("", "\n"):
                self._file.write("\n")
        return self

    def __exit__(self, *error):
        if self._file is not None:
            self._file.close()

    def add(self, key, name, row):
        """Write one image's values, at once."""
        if self._file is None:
            return
        line = _writing.as_json({"key": key, "name": name, "scores": row})
        self._file.write(json.dumps(line, allow_nan=False) + "\n")
        self._file.flush()
