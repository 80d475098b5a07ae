"""Results as text, as CSV and as JSON."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_saliency._utils.types import Array


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return the lines of a table, aligned left in the first column only."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(
                zip(row, widths, strict=True)
            )
        ).rstrip()
        for row in rows
    )


def percent(share: float) -> str:
    """Return a share such as 0.999 in percent, as many digits as it has."""
    return f"{100 * share:g}%"


def csv_text(names: Iterable[Any], scores: Mapping[str, Array]) -> str:
    """Return a line per image, every digit of its values."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["name", *scores])
    for name, *values in zip(names, *scores.values(), strict=True):
        writer.writerow([name, *map(repr, map(float, values))])
    return file.getvalue()


def to_json(value: Any, indent: int | None = None) -> str:
    """Return JSON, which knows neither NaN nor infinity: null and "inf"."""
    return json.dumps(_known(value), indent=indent, allow_nan=False)


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_known(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else repr(float(value))
    return value
