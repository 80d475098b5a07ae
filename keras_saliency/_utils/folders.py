"""Going through folders and those below them."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from keras_saliency._utils.types import PathName


def walk(
    top: PathName,
    *,
    enters: Callable[[str], bool] = lambda name: True,
    without: Iterable[PathName] = (),
    failed: Callable[[Path, OSError], None] | None = None,
) -> Iterator[tuple[Path, list[str]]]:
    """Yield folders and the sorted names of what they hold beside folders.

    Links to folders are followed. A folder that several paths lead to is
    yielded once, by the path without links where there is one.

    Args:
        top: The folder to begin with.
        enters: Whether a folder of a name is entered.
        without: Folders that are not entered.
        failed: Called with a folder below `top` that cannot be read, and the
            error. Without it the error is raised.

    Raises:
        OSError: If a folder cannot be read.
    """
    waiting, links = [Path(top)], list[Path]()
    searched = set(map(os.path.realpath, without))
    while waiting or links:
        current = waiting.pop() if waiting else links.pop(0)
        real = os.path.realpath(current)
        if real in searched:
            continue
        searched.add(real)
        try:
            with os.scandir(current) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            if failed is None or current == Path(top):
                raise
            failed(current, error)
            continue
        names = []
        for entry in entries:
            if not entry.is_dir():
                names.append(entry.name)
            elif enters(entry.name):
                (links if entry.is_symlink() else waiting).append(
                    current / entry.name
                )
        yield current, names
