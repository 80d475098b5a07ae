"""Where observers looked: the fixations of all images of a data set."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_saliency._utils.checks import as_number
from keras_saliency._utils.types import Array, ArrayLike

# Image number, subject, x, y and duration (None if unknown) of one observer's
# fixations of one image, in the order in which they were made.
Scanpath = tuple[int, int, Array, Array, Array | None]


class Fixations:
    """Fixations of a whole data set, one array per property.

    Args:
        image_index: Number of the image that each fixation belongs to.
        x: Column in pixels of the ORIGINAL image, origin top left.
        y: Row in pixels of the ORIGINAL image.
        subject: Number of the observer, or name. Names are numbered in
            their alphabetical order. Defaults to -1, unknown; `None` or NaN
            among names is an error.
        order: Place of the fixation in its scanpath, from 0. Defaults to 0.
        duration: Milliseconds. Defaults to NaN, unknown.

    Attributes:
        subject_names: Names of the observers in the order of their numbers,
            or `None` where numbers were given.

    Raises:
        ValueError: If the arrays have different lengths, an observer is
            missing, or a whole number is none.
    """

    def __init__(
        self,
        image_index: ArrayLike,
        x: ArrayLike,
        y: ArrayLike,
        *,
        subject: ArrayLike | None = None,
        order: ArrayLike | None = None,
        duration: ArrayLike | None = None,
    ) -> None:
        self.image_index = _cast("image_index", image_index, "int32")
        self.x = self._column("x", x, "float32")
        self.y = self._column("y", y, "float32")
        subject, self.subject_names = _numbered(subject)
        self.subject = self._column("subject", subject, "int32", -1)
        self.order = self._column("order", order, "int32", 0)
        self.duration = self._column("duration", duration, "float32", np.nan)

    def __len__(self) -> int:
        return self.image_index.size

    def __repr__(self) -> str:
        return f"Fixations({len(self)} fixations)"

    def select(self, which: Any) -> "Fixations":
        """Return the fixations given by a mask, slice or index array."""
        selected = Fixations(
            self.image_index[which],
            self.x[which],
            self.y[which],
            subject=self.subject[which],
            order=self.order[which],
            duration=self.duration[which],
        )
        selected.subject_names = self.subject_names
        return selected

    def of_observers(
        self, which: Iterable[str | int], names: Sequence[str] | None
    ) -> "Fixations":
        """Return the fixations of some observers.

        Args:
            which: Names or numbers.
            names: Name of each observer, in the order of their numbers.

        Raises:
            ValueError: If one of them made no fixation.
        """
        numbers = []
        for observer in which:
            number = observer
            if isinstance(observer, str):
                known = names or ()
                number = known.index(observer) if observer in known else -1
            if number == -1 or not (self.subject == number).any():
                there = np.unique(self.subject[self.subject >= 0]).tolist()
                found = [names[n] if names else n for n in there]
                raise ValueError(
                    f"There is no fixation of the observer {observer!r}; those "
                    f"known are {', '.join(map(repr, found)) or 'none'}."
                )
            numbers.append(number)
        return self.select(np.isin(self.subject, numbers))

    def usable(
        self, sizes: Array, *, first_order: int, dataset: str
    ) -> tuple[Array, Array]:
        """Return the rows of the fixations that maps count, image by image.

        These lie inside their images and are not earlier in their scanpaths
        than `first_order`.

        Args:
            sizes: Original `(height, width)` per image.
            first_order: Place in the scanpath from which fixations count.
            dataset: Name of the data set, for errors.

        Returns:
            The rows, sorted by image; and for each image, and after the last,
            where its rows begin.

        Raises:
            ValueError: If a fixation belongs to no image.
        """
        index, count = self.image_index, len(sizes)
        if index.size and not (0 <= index.min() and index.max() < count):
            raise ValueError(
                f"The fixations of {dataset} belong to images {index.min()} "
                f"to {index.max()}, but the images are numbered 0 to "
                f"{count - 1}."
            )
        height, width = sizes[index].T
        used = np.flatnonzero(
            (self.order >= first_order)
            & (self.x >= 0)
            & (self.x < width)
            & (self.y >= 0)
            & (self.y < height)
        )
        rows = used[np.argsort(index[used], kind="stable")]
        return rows, np.searchsorted(index[rows], np.arange(count + 1))

    def _column(
        self,
        name: str,
        values: ArrayLike | None,
        dtype: str,
        default: float | None = None,
    ) -> Array:
        if values is None:
            return np.full(len(self), default, dtype)
        column = _cast(name, values, dtype)
        if column.size != len(self):
            raise ValueError(
                "Every property of the fixations needs one value per "
                f"fixation; image_index has {len(self)} and {name} has "
                f"{column.size}."
            )
        return column


def _numbered(
    subject: ArrayLike | None,
) -> tuple[ArrayLike | None, tuple[str, ...] | None]:
    """Return observers as numbers, and their names if they were names."""
    if subject is None:
        return None, None
    column = np.asarray(subject).ravel()
    if column.dtype.kind == "U" and not isinstance(subject, np.ndarray):
        # NumPy makes the text "nan" of what is missing in a list of names.
        column = np.asarray(subject, "object").ravel()
    if column.dtype.kind == "S":
        column = np.char.decode(column, "utf-8")
    missing = np.zeros(column.size, bool)
    if column.dtype.kind == "f":
        missing = np.isnan(column)
    elif column.dtype.kind == "O":
        missing = np.array([_is_missing(observer) for observer in column], bool)
    if missing.any():
        row = int(missing.argmax())
        raise ValueError(
            f"The fixation in row {row} has no observer (received "
            f"{column[row]}). Name the observer, leave the row out, or leave "
            "out subject= where none is known."
        )
    are_names = column.dtype.kind == "U" or (
        column.dtype.kind == "O" and any(isinstance(s, str) for s in column)
    )
    if not are_names or not column.size:
        return column, None
    names, numbers = np.unique(column.astype(str), return_inverse=True)
    if all(_is_number(name) for name in names):
        return column.astype(str).astype("int32"), None
    return numbers, tuple(names.tolist())


def _is_missing(observer: Any) -> bool:
    """Return whether a value is neither a name nor a number."""
    if isinstance(observer, str | bytes):
        return False
    number = as_number(observer)
    return number is None or math.isnan(number)


def _is_number(name: str) -> bool:
    """Return whether a name says no more than the number of an observer.

    "01" is another name than "1", and a date a number of no observer.
    """
    canonical = name in ("0", "-1") or (
        name.isascii() and name.isdecimal() and name[0] != "0"
    )
    return canonical and len(name) < 10


def _cast(name: str, values: ArrayLike, dtype: str) -> Array:
    """Return values in another type, or raise if they are none of it."""
    values = np.asarray(values).ravel()
    if dtype == "int32" and values.dtype.kind in "iufOUS":
        given = values
        if values.dtype.kind in "OUS":
            values = np.array([_as_float(value) for value in given], "float64")
        # NaN is none of them.
        whole = (values >= -(2**31)) & (values < 2**31)
        if values.dtype.kind == "f":
            whole &= values == np.floor(values)
        if not whole.all():
            row = int(np.argmin(whole))
            raise ValueError(
                f"{name} must hold whole numbers below 2^31; received "
                f"{given[row]!s} in row {row}."
            )
    with np.errstate(over="ignore"):  # what is too large lies outside
        return values.astype(dtype)


def _as_float(value: Any) -> float:
    """Return a value as a number, NaN if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def join_scanpaths(scanpaths: Iterable[Scanpath]) -> Fixations:
    """Join scanpaths to one `Fixations`, whose order counts from 0 in each.

    Args:
        scanpaths: Tuples of image number, subject, x, y and duration (or
            None) of one observer's fixations of one image.
    """
    paths = [path for path in scanpaths if len(path[2])]
    counts = np.array([len(path[2]) for path in paths], "int64")

    def joined(parts: list[Array]) -> Array:
        return np.concatenate(parts or [np.zeros(0)])

    return Fixations(
        np.repeat([path[0] for path in paths], counts),
        joined([path[2] for path in paths]),
        joined([path[3] for path in paths]),
        subject=np.repeat([path[1] for path in paths], counts),
        order=joined([np.arange(count) for count in counts]),
        duration=joined(
            [
                np.full(count, np.nan) if path[4] is None else path[4]
                for path, count in zip(paths, counts, strict=True)
            ]
        ),
    )


def pixel_centers(counts: ArrayLike) -> tuple[Array, Array]:
    """Return x and y of the fixations of a map of counts.

    They lie at the centers of the pixels, so that each falls in the right
    cell of a smaller map.

    Args:
        counts: Array `(height, width)` of counts, or of booleans.

    Returns:
        Two float64 arrays, a value per fixation.
    """
    counts = np.asarray(counts)
    rows, columns = np.nonzero(counts)
    repeats = counts[rows, columns].astype("int64")
    return np.repeat(columns, repeats) + 0.5, np.repeat(rows, repeats) + 0.5
