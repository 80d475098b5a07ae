"""Short texts that tell one state of data from another."""

import functools
import hashlib
import json
import os
import weakref
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from keras_saliency._utils.types import PathName

# Of a data set: what it was set to, and what `of_dataset` returned then.
_OF_DATASETS: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


def of_texts(texts: Iterable[str]) -> str:
    """Return a checksum of texts and their order, 8 hexadecimal digits."""
    return f"{zlib.crc32(json.dumps(list(texts)).encode()):08x}"


def of_dataset(dataset: Any) -> dict[str, str]:
    """Return what tells images and their ground truth from others.

    It is asked for once for each training and score, and read once.

    Args:
        dataset: A `SaliencyDataset`.
    """
    state = (dataset.changes, dataset.default_sigma)
    known, found = _OF_DATASETS.get(dataset, (None, {}))
    if known != state:
        found = {
            "names": of_texts(dataset.names),
            "truth": of_texts(map(dataset.truth_digest, range(len(dataset)))),
        }
        _OF_DATASETS[dataset] = state, found
    return dict(found)


def of_file(path: PathName) -> str:
    """Return a checksum of a file's content, or of the files of a folder.

    Raises:
        ValueError: If there is neither.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"There is no file {path}.")
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file())
        return of_texts(
            text
            for each in files
            for text in (each.relative_to(path).as_posix(), of_file(each))
        )
    found = os.stat(path)
    return _of_content(path.resolve(), found.st_size, found.st_mtime_ns)


@functools.lru_cache
def _of_content(path: Path, size: int, changed: int) -> str:
    """Return a checksum of a file; `size` and `changed` tell its states."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:16]


def of_weights(
    weights: PathName | Sequence[PathName | None] | None,
) -> str | list[str | None] | None:
    """Return what tells the weights of backbones from others.

    Args:
        weights: `"imagenet"`, which stays so, a file, or several of these;
            `None` for random ones.
    """
    if weights is None or weights == "imagenet":
        return weights
    if isinstance(weights, (str, os.PathLike)):
        return of_file(weights)
    found = [of_weights(each) for each in weights]
    return [each if isinstance(each, str) else None for each in found]
