"""The compact form: small JPEGs and one .npz of fixations."""

import io
import os
from pathlib import Path

import numpy as np

from keras_saliency.datasets.base import Fixations, SaliencyDataset
from keras_saliency.datasets.errors import DatasetError, DatasetNotFoundError
from keras_saliency.datasets.images import read_bytes, stem

_FIELDS = (
    "image_index",
    "x",
    "y",
    "subject",
    "order",
    "duration",
    "names",
    "height",
    "width",
)

# What reports use for the sets known by name: the blur of MIT1003's published
# maps, whose first fixation is the forced one on the central cross, and 24
# pixels for OSIE's 800x600. Other sets blur by 24 pixels per 1024 of the
# longer side and use all fixations.
_DEFAULTS = {
    "mit1003": {
        "default_sigma": 24.0,
        "first_order": 1,
        "pixels_per_degree": 35.0,
    },
    "osie": {"default_sigma": 24.0},
}


def load_compact(
    path,
    *,
    name=None,
    default_sigma=None,
    first_order=None,
    pixels_per_degree=None,
):
    """Load a data set in the compact form.

    The folder holds `stimuli/NAME.jpg` (pictures, possibly reduced) and
    `fixations.npz` with `names`, `height`, `width` per image (original size)
    and `image_index`, `x`, `y` (original pixels), `subject`, `order`,
    `duration` per fixation.

    Args:
        path: The folder.
        name: Name of the data set; MIT1003 and OSIE have their own defaults
            for what follows. Defaults to the folder's name.
        default_sigma: Sigma of density maps in original pixels. Defaults to
            24 for MIT1003 and OSIE, else to 24 per 1024 of the longer side.
        first_order: Leave out fixations earlier in the scanpath than this.
            Defaults to 1 for MIT1003 (the first is forced), else 0.
        pixels_per_degree: Original pixels per degree of visual angle.
            Defaults to 35 for MIT1003, else unknown.

    Returns:
        A `SaliencyDataset`.

    Raises:
        FileNotFoundError: If the folder, `fixations.npz` or a picture is
            missing.
        ValueError: If `fixations.npz` is damaged or lacks a field.
    """
    path = Path(path)
    table = path / "fixations.npz"
    folder = path / "stimuli"
    for part in (path, table, folder):
        if not part.exists():
            raise DatasetNotFoundError(
                f"{part} does not exist. A data set in the compact form is a "
                "folder with fixations.npz and stimuli/."
            )
    fields = _read(table)
    names = [str(n) for n in fields["names"].tolist()]
    files = {stem(file): folder / file for file in os.listdir(folder)}
    missing = [n for n in names if n not in files]
    if missing:
        raise DatasetNotFoundError(
            f"{len(missing)} of the {len(names)} stimuli that {table} names "
            f"are not there, the first {folder / missing[0]}.jpg; copy the "
            "folder anew."
        )
    name = path.resolve().name if name is None else name
    options = dict(_DEFAULTS.get(name.lower(), {}))
    for option, value in (
        ("default_sigma", default_sigma),
        ("first_order", first_order),
        ("pixels_per_degree", pixels_per_degree),
    ):
        if value is not None:
            options[option] = value
    try:
        return SaliencyDataset(
            name,
            [files[n] for n in names],
            names=names,
            sizes=np.stack([fields["height"], fields["width"]], axis=1),
            fixations=Fixations(**{f: fields[f] for f in _FIELDS[:6]}),
            **options,
        )
    except ValueError as error:
        raise DatasetError(
            f"The file {table} is not usable: {error}"
        ) from error


def _read(table):
    try:
        # From memory: NumPy leaves the file open where the archive is bad.
        content = io.BytesIO(read_bytes(table))
        with np.load(content, allow_pickle=False) as archive:
            missing = [field for field in _FIELDS if field not in archive]
            fields = {f: archive[f] for f in _FIELDS if f in archive}
    except Exception as error:  # a damaged archive raises nearly anything
        raise DatasetError(
            f"The file {table} is damaged or no .npz archive ({error}); copy "
            "it anew."
        ) from error
    if missing:
        raise DatasetError(
            f"The file {table} lacks the fields {', '.join(missing)}; the "
            f"compact form has {', '.join(_FIELDS)}."
        )
    for kind in (_FIELDS[:6], _FIELDS[6:]):
        shapes = {field: fields[field].shape for field in kind}
        if len(set(shapes.values())) > 1 or len(shapes[kind[0]]) != 1:
            raise DatasetError(
                f"The file {table} has arrays of different shapes where one "
                f"length is expected: {shapes}."
            )
    return fields
