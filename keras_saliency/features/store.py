"""One feature cache on disk, written so that a kill costs little."""

import contextlib
import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency._utils import locks
from keras_saliency._utils.atomic import write_all
from keras_saliency._utils.types import Array

# What a cache holds: whether it is complete, the number of rows, the
# structure of the backbone's outputs and their shapes.
Description = dict[str, Any]
# None for one tensor, "list", or the keys of a dictionary.
Structure = str | list[str] | None
Write = Callable[[Sequence[int], Sequence[Array]], None]

# Work that a kill may cost, in seconds. Marking an image as done waits for
# the disk, so it is not done for each.
FLUSH_SECONDS = 3.0


class Store:
    """One cache on disk: an array per output, done marks and a description.

    The description is written last and by renaming, so what is called
    complete is; before, each row that is marked as done is on the disk.

    Args:
        directory: Folder of all caches.
        key: Name of this one.
        rows: Number of samples.
        dtype: Type of the features.
    """

    def __init__(
        self, directory: Path, key: str, rows: int, dtype: str
    ) -> None:
        self.folder = directory / key
        self.rows = rows
        self.dtype = np.dtype(dtype)
        self._meta = self.folder / "meta.json"
        self._marks = self.folder / "done.bin"

    def open(self) -> tuple[list[Array], Structure] | None:
        """Return `(arrays, structure)`, or None unless complete and whole."""
        meta = self._read_meta()
        if meta is None or not meta["complete"]:
            return None
        arrays = self._arrays(meta)
        return None if arrays is None else (arrays, meta["structure"])

    def resume(self) -> tuple[Description, Array] | None:
        """Return the description and marks of a cache begun, or None."""
        meta = self._read_meta()
        if meta is None or meta["complete"] or self._arrays(meta) is None:
            return None
        try:
            marks = np.fromfile(self._marks, "uint8")
        except OSError:
            return None
        return (meta, marks == 1) if marks.size == self.rows else None

    def create(
        self, structure: Structure, shapes: Sequence[tuple[int, ...]]
    ) -> Description:
        """Begin anew and return the description."""
        with self._explained():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            for k, shape in enumerate(shapes):
                np.lib.format.open_memmap(
                    self._path(k), "w+", self.dtype, (self.rows, *shape)
                )
            self._marks.write_bytes(bytes(self.rows))
            meta = {
                "complete": False,
                "rows": self.rows,
                "structure": structure,
                "shapes": [list(shape) for shape in shapes],
            }
            self._write_meta(meta)
        return meta

    @contextlib.contextmanager
    def writer(self, meta: Description, missing: int) -> Iterator[Write]:
        """Open the cache for writing.

        Written rows are marked as done every few seconds, at the end, and
        also when the work is broken off by an exception.

        Args:
            meta: The description.
            missing: Number of rows still to be written.

        Yields:
            A function `write(rows, outputs)`.

        Raises:
            OSError: If the folder cannot be written, or the disk is full.
        """
        with contextlib.ExitStack() as stack:
            with self._explained():
                self._check_space(meta, missing)
                arrays = self._arrays(meta) or []
                offsets = [array.offset for array in arrays]
                files = [
                    stack.enter_context(open(self._path(k), "r+b", 0))
                    for k in range(len(offsets))
                ]
                marks = stack.enter_context(open(self._marks, "r+b", 0))
            written: list[int] = []
            marked_at = time.monotonic()

            def mark() -> None:
                nonlocal marked_at
                for file in files:
                    os.fsync(file.fileno())
                for row in written:
                    marks.seek(row)
                    marks.write(b"\x01")
                os.fsync(marks.fileno())
                written.clear()
                marked_at = time.monotonic()

            def write(rows: Sequence[int], outputs: Sequence[Array]) -> None:
                # Through files and not a memory map: on a full disk writing
                # to a map kills the process instead of raising.
                with self._explained():
                    for file, offset, output in zip(
                        files, offsets, outputs, strict=True
                    ):
                        for row, values in zip(rows, output, strict=True):
                            file.seek(offset + row * values.nbytes)
                            write_all(file, values.tobytes())
                    written.extend(rows)
                    if time.monotonic() - marked_at > FLUSH_SECONDS:
                        mark()

            try:
                yield write
            except BaseException:
                with contextlib.suppress(OSError):
                    mark()
                raise
            with self._explained():
                mark()

    def finish(self, meta: Description) -> None:
        """Declare the cache complete."""
        with self._explained():
            self._write_meta({**meta, "complete": True})

    def _path(self, k: int) -> Path:
        return self.folder / f"output_{k}.npy"

    def _read_meta(self) -> Description | None:
        try:
            meta = json.loads(self._meta.read_text(encoding="utf-8"))
            usable = (
                meta["rows"] == self.rows
                and isinstance(meta["complete"], bool)
                and _fits(meta["structure"], meta["shapes"])
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return meta if usable else None

    def _write_meta(self, meta: Description) -> None:
        temporary = self._meta.with_suffix(".tmp")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(meta, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._meta)

    def _arrays(self, meta: Description) -> list[Any] | None:
        arrays = []
        for k, shape in enumerate(meta["shapes"]):
            try:
                array = np.load(self._path(k), mmap_mode="r")
                size = self._path(k).stat().st_size
            except (OSError, ValueError, EOFError):
                return None
            if (
                array.shape != (self.rows, *shape)
                or array.dtype != self.dtype
                or size != array.offset + array.nbytes
            ):
                return None
            arrays.append(array)
        return arrays

    def _check_space(self, meta: Description, missing: int) -> None:
        needed = (
            missing
            * self.dtype.itemsize
            * sum(int(np.prod(shape)) for shape in meta["shapes"])
        )
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise OSError(
                errno.ENOSPC,
                f"{needed / 1e6:.1f} MB are needed and {free / 1e6:.1f} MB "
                "are free",
            )

    @contextlib.contextmanager
    def lock(self, *, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the lock of this cache between processes.

        Args:
            on_wait: Function that is called once if another process holds it.

        Raises:
            OSError: If the folder cannot be written.
        """
        with contextlib.ExitStack() as stack:
            with self._explained():
                path = self.folder.with_name(f"{self.folder.name}.lock")
                path.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locks.hold(path, on_wait))
            yield

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in an error of the system how to go on."""
        try:
            yield
        except OSError as error:
            raise OSError(
                error.errno,
                f"The feature cache cannot be written in {self.folder.parent}: "
                f"{error.strerror or error}. Make room there, or choose "
                "another folder by directory= or the environment variable "
                "KERAS_SALIENCY_CACHE",
            ) from error


def _fits(structure: Any, shapes: Any) -> bool:
    """Return whether a description can be that of some outputs."""
    return (
        isinstance(shapes, list)
        and all(isinstance(shape, list) for shape in shapes)
        and all(type(side) is int for shape in shapes for side in shape)
        and (
            (structure is None and len(shapes) == 1)
            or structure == "list"
            or (isinstance(structure, list) and len(structure) == len(shapes))
        )
    )
