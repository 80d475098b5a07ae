"""A data set by its name, or from the folder that holds it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency._utils.types import PathName
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.files import files
from keras_saliency.datasets.formats.compact import load_compact
from keras_saliency.datasets.formats.csv_files import load_csv
from keras_saliency.datasets.formats.folders import (
    density_maps,
    load_folder,
    load_tree,
)
from keras_saliency.datasets.publishers import library
from keras_saliency.datasets.publishers.library import SOURCES

ENVIRONMENT = "KERAS_SALIENCY_DATA"
_CACHE = Path("~/.cache/keras_saliency/datasets")


def load(
    name: str,
    root: PathName | None = None,
    *,
    download: bool = False,
    partial: bool = False,
    progress: bool = True,
    **options: Any,
) -> SaliencyDataset:
    """Load a data set by name, from a copy that is found or downloaded.

    A copy is looked for in `root`, else in the folder that the environment
    variable `KERAS_SALIENCY_DATA` names, else in
    `~/.cache/keras_saliency/datasets`: there itself, or in a folder of the
    data set's name. It may be in the publisher's layout; or, in a folder of
    the data set's name, in the compact form (`fixations.npz`) or in MSI-Net's
    folders.

    Args:
        name: A name in `SOURCES`, in any case, such as "mit1003".
        root: Where to look, and to download to.
        download: Whether to get the publisher's archives if there is no copy.
            A download that was cut is resumed; archives are removed once
            extracted.
        partial: Whether to use a publisher's copy that lacks some of the
            images. The other forms are used as they are.
        progress: Whether to show the progress of downloads.
        **options: Arguments of the loader, such as `load_mit1003`.

    Returns:
        A `SaliencyDataset`.

    Raises:
        DatasetNotFoundError: If there is no copy; the message says which
            files to get from where.
        DatasetError: If a copy is damaged, or a download fails.
        ValueError: On a name that is not known.
    """
    key = _key(name)
    if key not in SOURCES:
        raise ValueError(
            f"There is no data set {name!r}; known are {', '.join(SOURCES)}. "
            "Load your own files with load_folder or load_compact."
        )
    source = SOURCES[key]
    base = Path(root or os.environ.get(ENVIRONMENT) or _CACHE).expanduser()
    for folder in _candidates(base, key):
        if any((folder / part).exists() for part in source.layout):
            return source.load(folder, partial=partial, **options)
        # Nothing but its name says which data set such a folder holds.
        if _plain(folder.resolve().name) == _plain(key):
            if (folder / "fixations.npz").is_file():
                return load_compact(folder, **options)
            if all(
                (folder / part).is_dir() for part in ("stimuli", "saliency")
            ):
                return load_tree(folder, **options)
    target = base / key
    if not download:
        raise DatasetNotFoundError(_instructions(key, base, target))
    library.fetch(source, target, progress=progress)
    return source.load(target, partial=partial, **options)


def load_path(
    path: PathName,
    name: str | None = None,
    *,
    partial: bool = False,
    **options: Any,
) -> SaliencyDataset:
    """Load a data set from its folder.

    Args:
        path: A folder in the compact form (`fixations.npz`); with `images/`,
            and `maps/` (densities), or fixations in `fixations/` or in
            `fixations.csv` (see `load_csv`), or both; or in a publisher's
            layout.
        name: Name of the data set; where the folder is in a publisher's
            layout, one of `SOURCES`. Defaults to the folder's name.
        partial: Whether to use a publisher's copy that lacks some of the
            images. The other forms are used as they are.
        **options: Arguments of the loader of that form.

    Returns:
        A `SaliencyDataset`.

    Raises:
        DatasetError: If there is no data set, or it is damaged.
        ValueError: If the name is needed and not known.
    """
    path = Path(path)
    if not path.is_dir():
        raise DatasetNotFoundError(f"There is no folder {path}.")
    if (path / "fixations.npz").exists():
        return load_compact(path, name=name, **options)
    name = name or path.resolve().name
    source = SOURCES.get(_key(name))
    is_published = source is not None and any(
        (path / part).exists() for part in source.layout
    )
    if (path / "images").exists() and not is_published:
        densities, fixations = (
            path / part if (path / part).exists() else None
            for part in ("maps", "fixations")
        )
        if (path / "fixations.csv").is_file():
            if fixations is not None:
                raise DatasetError(
                    f"The folder {path} has fixations twice, in fixations/ "
                    "and in fixations.csv; move one of them elsewhere."
                )
            return _load_text(path, densities, name=name, **options)
        return load_folder(
            path / "images",
            densities=densities,
            fixations=fixations,
            name=name,
            **options,
        )
    if _key(name) not in SOURCES:
        raise DatasetNotFoundError(
            f"The folder {path} holds no data set: neither fixations.npz, nor "
            "images/ with maps/, fixations/ or fixations.csv; and its name is "
            "that of no published set, which name= may give: "
            f"{', '.join(SOURCES)}."
        )
    return load(name, root=path, partial=partial, **options)


def _load_text(
    path: Path, maps: Path | None, **options: Any
) -> SaliencyDataset:
    """Return the set of a folder with fixations.csv, and its density maps."""
    dataset = load_csv(path / "fixations.csv", path / "images", **options)
    if maps is not None:
        images = files(path / "images")
        try:
            dataset.densities = density_maps(images, dataset.sizes, maps)
        except DatasetError as error:
            raise type(error)(
                f"{error} (Maps beside {path / 'fixations.csv'} are taken for "
                "densities; move others elsewhere.)"
            ) from error
    return dataset


def _key(name: str) -> str:
    """Return a data set's name as `SOURCES` has it."""
    return str(name).lower().replace("-", "_")


def _candidates(base: Path, key: str) -> Iterator[Path]:
    """Yield the folders that may hold a copy."""
    if not base.is_dir():
        return
    if library.is_whole(base):
        yield base
    for entry in sorted(base.iterdir()):
        if _plain(entry.name) == _plain(key) and entry.is_dir():
            if library.is_whole(entry):
                yield entry


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _instructions(key: str, base: Path, target: Path) -> str:
    source = SOURCES[key]
    lines = "".join(
        f"\n  {a.url}" + (f" (MD5 {a.md5})" if a.md5 else "")
        for a in source.archives
    )
    return (
        f"There is no copy of {key} in {base} (root=, else the environment "
        f"variable {ENVIRONMENT}, else {_CACHE}). Use download=True, or get"
        f"{lines}\nand extract into {target}, so that there is "
        f"{target / source.layout[0]}."
    )
