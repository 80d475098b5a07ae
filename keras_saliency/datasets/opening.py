"""A data set from a folder, by what the folder holds."""

from pathlib import Path

from keras_saliency._utils.errors import DatasetNotFoundError
from keras_saliency.datasets.formats.compact import load_compact
from keras_saliency.datasets.formats.folders import load_folder
from keras_saliency.datasets.publishers.library import SOURCES, load


def load_path(path, name=None, *, partial=False, **options):
    """Load a data set from its folder.

    Args:
        path: A folder in the compact form (`fixations.npz`); with `images/`,
            and `maps/` or `fixations/` or both; or in a publisher's layout.
        name: Name of the data set; where the folder is in a publisher's
            layout, one of `SOURCES`. Defaults to the folder's name.
        partial: Whether a publisher's copy is used that lacks some of the
            pictures. The other forms hold what they hold.
        **options: Arguments of the loader of that form.

    Returns:
        A `SaliencyDataset`.

    Raises:
        DatasetError: If there is none or it is damaged.
        ValueError: If the name is needed and not known.
    """
    path = Path(path)
    if not path.is_dir():
        raise DatasetNotFoundError(f"There is no folder {path}.")
    if (path / "fixations.npz").exists():
        return load_compact(path, name=name, **options)
    name = name or path.resolve().name
    source = SOURCES.get(name.lower().replace("-", "_"))
    is_published = source is not None and any(
        (path / part).exists() for part in source.layout
    )
    if (path / "images").exists() and not is_published:
        densities, fixations = (
            path / part if (path / part).exists() else None
            for part in ("maps", "fixations")
        )
        return load_folder(
            images=path / "images",
            densities=densities,
            fixations=fixations,
            **options,
        )
    return load(name, root=path, partial=partial, **options)
