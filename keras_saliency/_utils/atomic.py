"""Files that are whole or not there, whenever the process is killed."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from keras_saliency._utils.types import PathName


@contextlib.contextmanager
def replacing(path: PathName) -> Iterator[Path]:
    """Give a path to write to, whose file then takes the place of `path`.

    A process that is killed before leaves `path` as it was. What it left of
    the new file is overwritten the next time.

    Args:
        path: The file to write or to replace; its folder is made.

    Yields:
        The path of a file beside it, of the same extension.

    Raises:
        OSError: If the file cannot be written; the message names `path`.
    """
    path = Path(path)
    new = path.with_name(f".{path.stem}.new{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield new
        with open(new, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(new, path)
        _flush_folder(path.parent)
    except OSError as error:
        raise OSError(
            error.errno,
            f"{path} could not be written ({error.strerror or error}); what "
            "was there is unchanged. Free some space or choose another place.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make a new name survive a crash of the machine, where possible."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
