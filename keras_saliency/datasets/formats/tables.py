"""Tables in text files, whose errors name the file, the line and the column."""

import csv
import io
import numbers
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array
from keras_saliency.images import read_bytes

# A header's name, or the number of a column from 0 in a file without header.
Column = str | int
# What a condition says that a cell holds.
Cell = str | float

_SEPARATORS = ("\t", ";", ",", "|")
# What eye trackers' programs write where there is nothing.
_EMPTY = {"", ".", "-", "na", "n/a", "nan", "none", "null"}
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_MAX_BYTES = 2**30


class Table:
    """The columns that are wanted of a text file.

    Args:
        path: The file.
        columns: Name (or number from 0, in a file without header) of each
            column that is wanted, by what it holds.
        optional: What may be missing in the file.
        separator: The character between two cells. By default the one of tab,
            semicolon, comma and bar that finds the columns.
        decimal: "." or ",".
        encoding: Encoding of the text. By default what its byte order mark
            says, else UTF-8.
        skip_lines: Number of lines before the header.

    Attributes:
        lines: Number of the line in the file of each row, from 1.

    Raises:
        DatasetError: If the file cannot be read, or lacks a column.
        ValueError: If `separator` is not one character, or `skip_lines` no
            whole number.
    """

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, Column],
        *,
        optional: Sequence[str] = (),
        separator: str | None = None,
        decimal: str = ".",
        encoding: str | None = None,
        skip_lines: int = 0,
    ) -> None:
        if separator is not None and (
            not isinstance(separator, str)
            or len(separator) != 1
            or separator in '\r\n"'
        ):
            raise ValueError(
                "separator must be the one character between two columns, "
                f"no quote and no end of a line; received {separator!r}."
            )
        if not isinstance(skip_lines, int | np.integer) or skip_lines < 0:
            raise ValueError(
                "skip_lines must be a whole number, at least 0; received "
                f"{skip_lines!r}."
            )
        self.path = path
        self._decimal = decimal
        self._columns = dict(columns)
        self._has_header = not all(isinstance(c, int) for c in columns.values())
        text = io.StringIO(_text(path, encoding), newline="")
        for _ in range(skip_lines):
            text.readline()
        start = text.tell()
        first = next((line for line in text if line.strip()), None)
        text.seek(start)
        if first is None:
            raise DatasetError(
                f"The file {path} has no lines"
                + (f" after the first {skip_lines}." if skip_lines else ".")
            )
        if separator is None:
            separator = self._separator(first)
        rows = self._rows(text, separator, skip_lines)
        header: list[str] = []
        if self._has_header:
            self._header_line, header = next(rows)
        self._places = self._find(header, optional)
        needed = 1 + max(self._places.values())
        self.lines: list[int] = []
        self._cells: dict[str, list[str]] = {w: [] for w in self._places}
        wanted = [(self._cells[w], place) for w, place in self._places.items()]
        for line, cells in rows:
            if len(cells) < needed:
                raise DatasetError(
                    f"{path}, line {line}, has {len(cells)} columns where "
                    f"{max(needed, len(header))} are expected (separator "
                    f"{separator!r})."
                )
            self.lines.append(line)
            for column, place in wanted:
                column.append(cells[place].strip())

    def __len__(self) -> int:
        return len(self.lines)

    def __contains__(self, what: str) -> bool:
        return what in self._places

    def texts(self, what: str) -> list[str]:
        """Return the cells of a column without space around them."""
        return self._cells[what]

    def numbers(self, what: str, rows: Array) -> Array:
        """Return the numbers in a column, NaN where there is none.

        Args:
            what: What the column holds.
            rows: Numbers of the rows that are wanted, from 0.

        Raises:
            DatasetError: If a cell holds something else.
        """
        cells = self._cells[what]
        values = np.empty(len(rows))
        for k, row in enumerate(rows.tolist()):
            text = cells[row]
            if self._decimal != ".":
                text = text.replace(".", "x").replace(self._decimal, ".")
            try:
                # Python's own numbers may have underscores.
                values[k] = float(text if "_" not in text else "x")
            except ValueError:
                values[k] = np.nan
        for k in np.flatnonzero(~np.isfinite(values)).tolist():
            if not is_empty(cells[rows[k]]):
                raise self._no_number(what, int(rows[k]), cells[rows[k]])
        return values

    def where(self, what: str, row: int) -> str:
        """Return the file, line and column of a cell, for an error."""
        return (
            f"{self.path}, line {self.lines[row]}, column "
            f"{self._columns[what]!r}"
        )

    def _no_number(self, what: str, row: int, cell: str) -> DatasetError:
        hint = ""
        if self._decimal == "." and "," in cell:
            hint = ' Does it have decimal commas? Give decimal=",".'
        elif self._decimal == "," and "." in cell:
            hint = ' Does it have decimal points? Leave out decimal=",".'
        return DatasetError(
            f"{self.where(what, row)}: expected a number; received "
            f"{cell!r}.{hint}"
        )

    def _separator(self, first: str) -> str:
        """Return the separator that finds the most of the wanted columns."""
        wanted = self._columns.values()

        def found(separator: str) -> tuple[int, int]:
            cells = [
                c.strip()
                for c in next(
                    csv.reader([first], strict=False, delimiter=separator)
                )
            ]
            if self._has_header:
                return sum(c in cells for c in wanted), len(cells)
            return sum(int(c) < len(cells) for c in wanted), len(cells)

        possible = [s for s in _SEPARATORS if s != self._decimal]
        return max(possible, key=found)

    def _rows(
        self, text: io.StringIO, separator: str, skipped: int
    ) -> Iterator[tuple[int, list[str]]]:
        """Yield line number and cells of the rows that are not empty."""
        reader = csv.reader(text, delimiter=separator, strict=True)
        while True:
            line = skipped + reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise DatasetError(
                    f"{self.path}, line {line}, cannot be read: {error}."
                ) from error
            if any(cell.strip() for cell in cells):
                yield line, cells

    def _find(
        self, header: Sequence[str], optional: Sequence[str]
    ) -> dict[str, int]:
        """Return the place of each column."""
        names = [name.strip() for name in header]
        places, missing, twice = {}, [], []
        for what, column in self._columns.items():
            if not self._has_header:
                places[what] = int(column)
            elif column in names:
                places[what] = names.index(str(column))
                if names.count(str(column)) > 1:
                    twice.append(f"{column!r} ({what})")
            elif what not in optional:
                missing.append(f"{column!r} ({what})")
        if missing:
            raise DatasetError(
                f"{self.path}, line {self._header_line}, has no column "
                f"{', '.join(missing)}; its columns are "
                f"{', '.join(map(repr, names))}. Name those that hold them "
                "with columns=."
            )
        if twice:
            raise DatasetError(
                f"{self.path}, line {self._header_line}, has several columns "
                f"{', '.join(twice)}. Rename those that are not meant."
            )
        return places


def allowed_texts(column: Column, cells: Cell | Collection[Cell]) -> set[str]:
    """Return the texts that a condition allows in a column.

    Args:
        column: The column, for the error.
        cells: A text, a number that stands for its text, or several.

    Raises:
        ValueError: If it is neither.
    """
    several = isinstance(cells, Iterable) and not isinstance(cells, str | bytes)
    allowed = [*cells] if several else [cells]  # type: ignore[misc]
    for cell in allowed:
        if not isinstance(cell, str | numbers.Real | np.bool_):
            raise ValueError(
                f"where= must give for the column {column!r} a text, a number "
                f"or several; received {cell!r}."
            )
    return {str(cell) for cell in allowed}


def is_empty(cell: str) -> bool:
    """Return whether a cell says that there is nothing."""
    return cell.lower() in _EMPTY


def _text(path: Path, encoding: str | None) -> str:
    data = read_bytes(path, limit=_MAX_BYTES)
    if encoding is None:
        encoding = "utf-8"
        for mark, name in _BYTE_ORDER_MARKS:
            if data.startswith(mark):
                encoding = name
    try:
        # Only some encodings take the mark off that the text may begin with.
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            f"{path}, line {line}, is not encoded as {encoding} "
            f"({error.reason}); name its encoding, such as "
            'encoding="cp1252".'
        ) from error
    except LookupError:
        raise ValueError(
            f"There is no encoding {encoding!r}, such as utf-8 or cp1252."
        ) from None
