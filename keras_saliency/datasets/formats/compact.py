"""The compact form: small JPEGs and one .npz of fixations."""

import io
import zipfile
from pathlib import Path

import numpy as np

from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency.datasets.base import Fixations, SaliencyDataset
from keras_saliency.datasets.publishers.common import files
from keras_saliency.images import parse_npy, read_bytes

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

_OPTIONS = ("default_sigma", "first_order", "pixels_per_degree")

# All samples of SALICON's traces take 5 GB; its fixations 110 MB.
_MAX_BYTES = 2**29

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
    `duration` per fixation. Folders that `to_compact` wrote also know the
    data set's name and options, and may hold published maps in `densities/`.

    Args:
        path: The folder.
        name: Name of the data set; MIT1003 and OSIE have their own defaults
            for what follows. Defaults to the stored name or the folder's.
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
    stimuli = _match(names, table, files(folder))
    densities = None
    if (path / "densities").is_dir():
        found = files(path / "densities")
        densities = [found.get(n) for n in names]
    known = {
        option: fields[option].item()
        for option in ("name", *_OPTIONS)
        if option in fields
    }
    if name is None:
        name = known.get("name", path.resolve().name)
    options = {o: v for o, v in known.items() if o != "name"}
    if not options:
        options = dict(_DEFAULTS.get(name.lower(), {}))
    for option, value in (
        ("default_sigma", default_sigma),
        ("first_order", first_order),
        ("pixels_per_degree", pixels_per_degree),
    ):
        if value is not None:
            options[option] = value
    fixations = None
    if fields.get("has_fixations", np.array(True)).item():
        fixations = {f: fields[f] for f in _FIELDS[:6]}
    try:
        dataset = SaliencyDataset(
            name,
            stimuli,
            names=names,
            sizes=np.stack([fields["height"], fields["width"]], axis=1),
            fixations=fixations and Fixations(**fixations),
            densities=densities,
            **options,
        )
    except (ValueError, TypeError) as error:
        raise DatasetError(
            f"The file {table} is not usable: {error}"
        ) from error
    if "subjects" in fields:
        dataset.subject_names = tuple(fields["subjects"].ravel().tolist())
    return dataset


def _match(names, table, found):
    missing = [n for n in names if n not in found]
    if missing:
        raise DatasetNotFoundError(
            f"{len(missing)} of the {len(names)} stimuli that {table} names "
            "are not there, the first "
            f"{table.parent / 'stimuli' / missing[0]}.jpg; copy the folder "
            "anew."
        )
    return [found[n] for n in names]


def _read(table):
    try:
        fields = _read_archive(table)
    except Exception as error:  # a damaged archive raises nearly anything
        raise DatasetError(
            f"The file {table} is damaged or no .npz archive ({error}); copy "
            "it anew."
        ) from error
    missing = [field for field in _FIELDS if field not in fields]
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
    kinds = {f: "iuf" for f in _FIELDS} | {"names": "U"}
    kinds |= {"image_index": "iu", "height": "iu", "width": "iu"}
    kinds |= {option: "iuf" for option in _OPTIONS}
    kinds |= {"name": "U", "has_fixations": "b"}
    for field, kind in kinds.items():
        if field not in fields:
            continue
        array = fields[field]
        if array.dtype.kind not in kind or (
            field not in _FIELDS and array.size != 1
        ):
            raise DatasetError(
                f"The file {table} has the field {field} of type "
                f"{array.dtype} and shape {array.shape}, which it cannot have."
            )
    return fields


def _read_archive(table):
    """Arrays of an .npz file, none larger than what the file holds of it."""
    fields, total = {}, 0
    with zipfile.ZipFile(io.BytesIO(read_bytes(table))) as archive:
        for info in archive.infolist():
            total += info.file_size
            if total > _MAX_BYTES:
                raise ValueError(f"it claims more than {_MAX_BYTES} bytes")
            if info.filename.endswith(".npy"):
                fields[info.filename[:-4]] = parse_npy(archive.read(info))
    return fields
