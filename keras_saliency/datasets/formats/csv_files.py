"""Fixations in text files: CSV, and what eye trackers' programs export."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array, PathName, Size
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.files import files, image_sizes
from keras_saliency.datasets.fixations import Fixations
from keras_saliency.datasets.formats.positions import Frame, one_of
from keras_saliency.datasets.formats.tables import (
    Cell,
    Column,
    Table,
    allowed_texts,
    is_empty,
)
from keras_saliency.datasets.formats.trackers import PLAIN, TRACKERS
from keras_saliency.images import normal, stem

_EXTENSIONS = (".csv", ".tsv", ".txt")
_NEEDED = ("image", "x", "y")
_KNOWN = (*_NEEDED, "observer", "order", "duration", "fixation")
_MILLISECONDS = {"ms": 1.0, "s": 1000.0, "us": 0.001, "ns": 1e-6}


def load_csv(
    fixations: PathName | Sequence[PathName],
    images: PathName,
    *,
    tracker: str | None = None,
    columns: Mapping[str, Column] | None = None,
    where: Mapping[Column, Cell | Collection[Cell]] | None = None,
    per_file: Literal["observer", "image"] | None = None,
    units: str | None = None,
    origin: str | None = None,
    duration_unit: str | None = None,
    screen: Size | None = None,
    fit: bool = False,
    skip_unknown: bool = False,
    separator: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
    skip_lines: int = 0,
    name: str | None = None,
    **options: Any,
) -> SaliencyDataset:
    """Load images and a text file with a line for each fixation.

    Reads CSV, TSV and what the programs of eye trackers export. The columns
    are those that `columns` names. A line without a position or without an
    image (empty, ".", "NA") is no fixation, and passed over.

    Args:
        fixations: The file, several files, or a folder of them (`.csv`,
            `.tsv`, `.txt`).
        images: Folder of the images, searched with its sub-folders. A file
            means an image by its name, with or without folders and extension.
        tracker: A name in `TRACKERS`, whose columns and units are then the
            defaults: "eyelink" (fixation reports of Data Viewer) or
            "gazepoint" (fixations of Gazepoint Analysis).
        columns: Name of the column of each of "image", "x" and "y", and where
            there are such of "observer", "duration", "order" (a number by
            which the fixations of one observer on one image are sorted;
            default: the order of the lines) and "fixation" (a number or text
            that several lines of one fixation, which follow each other, share;
            the first of them counts). Without a tracker, all but "fixation"
            are looked for under these words. Numbers from 0 in place of all
            names mean that the file has no header.
        where: What a line must hold to be used, by the names of columns:
            `{"Eye movement type": "Fixation"}`, or several texts for one; a
            number stands for its text.
        per_file: "observer" or "image", if each file is of one, of its name.
        units: "pixels" or "normalized" (to 1). Defaults to pixels.
        origin: "top left"; "bottom left", y upward; or "center", y upward,
            where normalized positions run from -1 to 1, as in PsychoPy.
        duration_unit: "ms", "s", "us" or "ns".
        screen: Height and width of the screen, in pixels, if positions are on
            the screen and the images were in its middle. By default they are
            on the image.
        fit: Whether the images were enlarged or reduced to fill the screen's
            height or width. By default a pixel was a pixel.
        skip_unknown: Whether lines about an image that is not in the folder
            are passed over. By default they are an error.
        separator: Character between columns. By default it is found.
        decimal: Character before the fraction, "." or ",".
        encoding: Such as "cp1252". By default UTF-8, or UTF-16 if the file
            says so.
        skip_lines: Number of lines before the header.
        name: Name of the data set. Defaults to that of the images' folder.
        **options: As for `SaliencyDataset`: `default_sigma`, `first_order`,
            `pixels_per_degree`.

    Returns:
        A `SaliencyDataset` of all images in the folder. Images without
        fixations are left out by `dataset.with_fixations()`. The names of
        observers are `dataset.subject_names`, which is None where they are
        whole numbers.

    Raises:
        DatasetError: If a file cannot be read, lacks a column, or holds what
            is no number or no image (it names the file, the line and the
            column); if there is no fixation; or if most lie outside their
            images.
        ValueError: On an argument that is not as it must be.
    """
    preset = PLAIN if tracker is None else TRACKERS.get(tracker)
    if preset is None:
        raise ValueError(
            f"There is no tracker {tracker!r}; known are "
            f"{', '.join(TRACKERS)}. Name the columns of another."
        )
    named = dict(columns or {})
    frame = Frame(
        units or preset.units, origin or preset.origin, screen=screen, fit=fit
    )
    unit = one_of(
        "duration_unit", duration_unit or preset.duration_unit, _MILLISECONDS
    )
    one_of("decimal", decimal, (".", ","))
    if per_file is not None:
        one_of("per_file", per_file, ("observer", "image"))
    wanted, optional = _columns(preset.columns, named, per_file)
    conditions = {
        f"where {column}": (column, allowed_texts(column, cells))
        for column, cells in (where or {}).items()
    }
    wanted |= {what: column for what, (column, _) in conditions.items()}
    paths = files(images)
    sizes = image_sizes(paths.values())
    known = _Names(list(paths))
    parts = []
    sources = _files(fixations)
    for number, path in enumerate(sources):
        table = Table(
            path,
            wanted,
            optional=optional,
            separator=separator,
            decimal=decimal,
            encoding=encoding,
            skip_lines=skip_lines,
        )
        meant = {what: texts for what, (_, texts) in conditions.items()}
        parts.append(_read(table, number, known, meant, per_file, skip_unknown))
    found = _Part(
        *(np.concatenate(column) for column in zip(*parts, strict=True))
    )
    if not len(found.x):
        raise DatasetError(
            f"There is no fixation in {fixations}: no line has a position "
            "and an image" + (f" where {dict(where)}." if where else ".")
        )
    x, y = frame.on_images(found.x, found.y, np.array(sizes)[found.image])

    def place(k: int) -> str:
        return f"{sources[found.file[k]]}, line {found.line[k]}"

    frame.check(x, y, np.array(sizes)[found.image], place)
    observers = found.observer if (found.observer != "").any() else None
    return SaliencyDataset(
        Path(images).resolve().name if name is None else name,
        list(paths.values()),
        names=list(paths),
        sizes=sizes,
        fixations=Fixations(
            found.image,
            x,
            y,
            subject=observers,
            order=_ranks(found),
            duration=found.duration * _MILLISECONDS[unit],
        ),
        **options,
    )


class _Part(NamedTuple):
    """The fixations of a file, with its number and the line of each."""

    image: Array
    x: Array
    y: Array
    observer: Array
    order: Array
    duration: Array
    file: Array
    line: Array


class _Names:
    """The images that texts in a file mean."""

    def __init__(self, names: Sequence[str]) -> None:
        # None where a short name is that of several images.
        self._numbers: list[dict[str, int | None]] = [{}, {}, {}, {}]
        for i, name in enumerate(names):
            for numbers, key in zip(self._numbers, _keys(name), strict=True):
                numbers[key] = None if key in numbers else i

    def find(self, text: str) -> int | None:
        """Return the number of the image, or None if it is no name.

        Raises:
            ValueError: If it is the name of several.
        """
        name = stem(normal(text.replace("\\", "/")))
        for numbers, key in zip(self._numbers, _keys(name), strict=True):
            if key in numbers:
                number = numbers[key]
                if number is None:
                    raise ValueError("several")
                return number
        return None


def _keys(name: str) -> tuple[str, str, str, str]:
    """Return what a name may be called, the best first."""
    base = name.rpartition("/")[2]
    return name, name.lower(), base, base.lower()


def _columns(
    defaults: Mapping[str, Column],
    named: Mapping[str, Column],
    per_file: str | None,
) -> tuple[dict[str, Column], list[str]]:
    """Return the columns that are wanted, and which of them may be missing."""
    for what in named:
        if what not in _KNOWN:
            raise ValueError(
                f"columns= names {what!r}; a file can have {', '.join(_KNOWN)}."
            )
    by_number = [isinstance(column, int) for column in named.values()]
    if any(by_number) and not all(by_number):
        raise ValueError(
            "columns= holds names and numbers; give names, or numbers alone "
            f"for a file without header. Received {dict(named)}."
        )
    wanted = dict(named) if any(by_number) else {**defaults, **named}
    if per_file is not None:
        wanted.pop(per_file, None)
    missing = [
        what for what in _NEEDED if what not in wanted and what != per_file
    ]
    if missing:
        raise ValueError(
            f"columns= does not name the column of {' and '.join(missing)}"
            + (
                ', such as columns={"image": "IMAGE"}, or say per_file="image".'
                if "image" in missing
                else "."
            )
        )
    optional = [w for w in wanted if w not in _NEEDED and w not in named]
    return wanted, optional


def _read(
    table: Table,
    file: int,
    known: _Names,
    conditions: Mapping[str, set[str]],
    per_file: str | None,
    skip_unknown: bool,
) -> _Part:
    """Return the fixations of a file."""
    used = np.ones(len(table), bool)
    for what, texts in conditions.items():
        used &= np.array([cell in texts for cell in table.texts(what)], bool)
    file_name = table.path.stem
    if per_file == "image":
        names = [file_name] * len(table)
    else:
        names = table.texts("image")
    numbers: dict[str, int | None] = {}
    image = np.full(len(table), -1)
    for row in np.flatnonzero(used).tolist():
        text = names[row]
        if text not in numbers:
            numbers[text] = _number(
                table, row, known, text, per_file, skip_unknown
            )
        number = numbers[text]
        image[row] = -1 if number is None else number
    rows = np.flatnonzero(image >= 0)
    x, y = table.numbers("x", rows), table.numbers("y", rows)
    rows = rows[~(np.isnan(x) | np.isnan(y))]
    if per_file == "observer":
        observer = np.full(len(table), file_name)
    elif "observer" in table:
        observer = np.array(table.texts("observer"), "str")
        empty = [text for text in np.unique(observer[rows]) if is_empty(text)]
        for row in rows[np.isin(observer[rows], empty)].tolist()[:1]:
            raise DatasetError(
                f"{table.where('observer', row)}: no observer is named. "
                "Name it, or leave the line or the whole column out."
            )
    else:
        observer = np.full(len(table), "")
    if "fixation" in table:
        shared = np.array(table.texts("fixation"), "str")
        rows = rows[_firsts(shared[rows], image[rows], observer[rows])]

    def numbers_of(what: str) -> Array:
        if what not in table:
            return np.full(len(rows), np.nan)
        return table.numbers(what, rows)

    return _Part(
        image[rows],
        table.numbers("x", rows),
        table.numbers("y", rows),
        observer[rows],
        numbers_of("order"),
        numbers_of("duration"),
        np.full(len(rows), file),
        np.array(table.lines, "int64")[rows],
    )


def _firsts(shared: Array, image: Array, observer: Array) -> Array:
    """Return which lines do not go on with the fixation of the line before."""
    goes_on = np.array([not is_empty(text) for text in shared.tolist()], bool)
    goes_on[:1] = False
    for column in (shared, image, observer):
        goes_on[1:] &= column[1:] == column[:-1]
    return ~goes_on


def _number(
    table: Table,
    row: int,
    known: _Names,
    text: str,
    per_file: str | None,
    skip_unknown: bool,
) -> int | None:
    """Return the number of the image that a cell, or the file, names.

    None stands for no image, and for an unknown one that is passed over.
    """
    where = f"The name of {table.path}"
    if per_file != "image":
        where = table.where("image", row)
    try:
        number = known.find(text)
    except ValueError:
        raise DatasetError(
            f"{where}: {text!r} is the name of several images; name their "
            "folders too."
        ) from None
    # There may be an image of the name "NA"; and a file has a name.
    nothing = per_file != "image" and is_empty(text)
    if number is None and not nothing and not skip_unknown:
        raise DatasetError(
            f"{where}: there is no image {text!r} in the folder of images. "
            "Add it, or pass over such lines by skip_unknown=True."
        )
    return number


def _ranks(found: _Part) -> Array:
    """Return the place of each fixation in its scanpath, from 0."""
    observer = _codes(found.observer)
    lines = np.arange(len(observer))
    order = np.where(np.isnan(found.order), np.inf, found.order)
    sorted_rows = np.lexsort((lines, order, observer, found.image))
    image, observer = found.image[sorted_rows], observer[sorted_rows]
    new = np.ones(len(lines), bool)
    new[1:] = (image[1:] != image[:-1]) | (observer[1:] != observer[:-1])
    starts = np.flatnonzero(new)
    ranks = np.empty(len(lines), "int64")
    ranks[sorted_rows] = lines - np.repeat(
        starts, np.diff([*starts.tolist(), len(lines)])
    )
    return ranks


def _codes(texts: Array) -> Array:
    return np.unique(texts, return_inverse=True)[1]


def _files(fixations: PathName | Sequence[PathName]) -> list[Path]:
    if not isinstance(fixations, (str, os.PathLike)):
        paths = [Path(path) for path in fixations]
        if not paths:
            raise ValueError("load_csv needs a file; received none.")
        return paths
    path = Path(fixations)
    if path.is_dir():
        return list(files(path, "fixations", extensions=_EXTENSIONS).values())
    return [path]
