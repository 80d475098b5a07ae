"""The compact form: small JPEGs and one .npz of fixations."""

import io
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency._utils.skipping import Skipping
from keras_saliency._utils.types import Array, PathName
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.files import files
from keras_saliency.datasets.fixations import Fixations
from keras_saliency.datasets.formats import known, writing
from keras_saliency.images import (
    has_exif,
    normal,
    parse_npy,
    read_bytes,
    resize,
    stem,
)

# The fields of fixations.npz: kinds of their types, as NumPy abbreviates
# them, and the type that is written. A value per fixation,
_PER_FIXATION = {
    "image_index": ("iu", "int32"),
    "x": ("iuf", "float32"),
    "y": ("iuf", "float32"),
    "subject": ("iufU", "int32"),
    "order": ("iuf", "int32"),
    "duration": ("iuf", "float32"),
}
# a value per image,
_PER_IMAGE = {
    "names": ("U", "str"),
    "height": ("iu", "int32"),
    "width": ("iu", "int32"),
}
# and one value, which older files lack.
_OPTIONS = {
    "default_sigma": ("iuf", "float64"),
    "first_order": ("iuf", "int64"),
    "pixels_per_degree": ("iuf", "float64"),
}
_SINGLE = {**_OPTIONS, "name": ("U", "str"), "has_fixations": ("b", "bool")}
_SUBJECTS = "subjects"

# All samples of SALICON's traces take 5 GB; its fixations 110 MB.
_MAX_BYTES = 2**29
_MAX_FIELDS = 100
# Of an original image: 268 million, four times what an image file may have.
_MAX_PIXELS = 2**28


def load_compact(
    path: PathName,
    *,
    name: str | None = None,
    default_sigma: float | None = None,
    first_order: int | None = None,
    pixels_per_degree: float | None = None,
) -> SaliencyDataset:
    """Load a data set in the compact form.

    The folder holds `stimuli/NAME.jpg` (images, possibly reduced) and
    `fixations.npz` with `names`, `height`, `width` per image (original size)
    and `image_index`, `x`, `y` (original pixels), `subject`, `order`,
    `duration` per fixation. Folders that `to_compact` wrote also know the
    data set's name and options, and may hold published maps in `densities/`.

    Args:
        path: The folder.
        name: Name of the data set. Defaults to the stored name; else MIT1003
            and OSIE are known by their images, whatever the folder is called,
            and have their own defaults for what follows; else to the
            folder's name.
        default_sigma: Sigma of density maps in original pixels. Defaults to
            24 for MIT1003 and OSIE, else to 24 per 1024 of the longer side.
        first_order: Leave out fixations earlier in the scanpath than this.
            Defaults to 1 for MIT1003 (the first is forced), else 0.
        pixels_per_degree: Original pixels per degree of visual angle.
            Defaults to 35 for MIT1003, else unknown.

    Returns:
        A `SaliencyDataset`.

    Raises:
        FileNotFoundError: If the folder, `fixations.npz` or an image is
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
    names = [normal(str(n)) for n in fields["names"].tolist()]
    images = _match(names, table, files(folder))
    densities = None
    if (path / "densities").is_dir():
        density_files = files(path / "densities")
        densities = [density_files.get(n) for n in names]
    stored = {f: fields[f].item() for f in _SINGLE if f in fields}
    sizes = np.stack([fields["height"], fields["width"]], axis=1)
    options = {o: stored[o] for o in _OPTIONS if o in stored}
    found = None if options else known.identify(names, sizes)
    if found is not None and name is not None:
        if name.lower() != found.lower() and name.lower() in known.DEFAULTS:
            raise DatasetError(
                f"The folder {path} holds images of {found}, but name= is "
                f"{name!r}; leave it out."
            )
    if not options:
        options = dict(known.DEFAULTS.get((found or name or "").lower(), {}))
    if name is None:
        name = str(stored.get("name", found or path.resolve().name))
    given = {
        "default_sigma": default_sigma,
        "first_order": first_order,
        "pixels_per_degree": pixels_per_degree,
    }
    options |= {o: value for o, value in given.items() if value is not None}
    subjects = None
    if _SUBJECTS in fields:
        subjects = fields[_SUBJECTS].ravel().tolist()
    try:
        return SaliencyDataset(
            name,
            images,
            names=names,
            sizes=sizes,
            fixations=Fixations(**{f: fields[f] for f in _PER_FIXATION})
            if stored.get("has_fixations", True)
            else None,
            densities=densities,
            subject_names=subjects,
            **options,
        )
    except (ValueError, TypeError) as error:
        raise DatasetError(
            f"The file {table} is not usable: {error}"
        ) from error


def to_compact(
    dataset: SaliencyDataset,
    path: PathName,
    *,
    longest: int | None = 512,
    quality: int | None = 90,
    progress: bool = True,
    errors: str | Skipping = "raise",
) -> Path:
    """Write a data set in the compact form, which `load_compact` reads.

    Images become JPEGs, fixations one `fixations.npz`, published density
    maps 16-bit PNGs in `densities/`. What the data set knows besides (sigma,
    first order, pixels per degree, names of observers) is kept. The folder
    appears when all is written.

    Args:
        dataset: A `SaliencyDataset`.
        path: The folder to write; it must not exist, or be empty.
        longest: Pixels of the longer side to which larger images are
            reduced; None keeps their size. Fixations stay in original pixels.
        quality: Quality of the JPEGs, 1 to 100. None copies JPEG files
            as they are, where they need not be reduced or turned.
        progress: Whether to show the number of images done.
        errors: What happens to an image that cannot be read: `"raise"` ends
            with its error, and nothing is written; `"skip"` leaves out the
            image, its maps and its fixations, with a warning.

    Returns:
        The path.

    Raises:
        DatasetError: If the folder is not empty or cannot be written, an
            image cannot be read, or its name leads out of the folder.
        ValueError: If `longest` or `quality` is no whole number in its range.
    """
    if longest is not None:
        longest = whole_number("to_compact", "longest", longest)
    if quality is not None:
        quality = whole_number("to_compact", "quality", quality)
        if quality > 100:
            raise ValueError(
                f"to_compact: quality must be at most 100, received {quality}."
            )
    skipping = Skipping.of(errors)
    kept = []
    with writing.new_folder(path, dataset.names) as folder:
        for i, name in enumerate(dataset.names):
            image: Array | bytes | None = None
            with skipping.item(name):
                density = None
                if dataset.densities and dataset.densities[i] is not None:
                    density = dataset.density(i)
                image = _image(dataset, i, longest, quality)
            if image is not None:
                kept.append(i)
                _write_image(
                    folder / "stimuli" / f"{stem(name)}.jpg", image, quality
                )
                if density is not None:
                    writing.write_density(
                        folder / "densities" / f"{stem(name)}.png", density
                    )
            if progress:
                writing.report(path, i + 1, len(dataset))
        skipping.finish()
        if skipping.skipped:
            dataset = dataset.subset(kept)
        np.savez_compressed(folder / "fixations.npz", **_fields(dataset))
    return Path(path)


def _fields(dataset: SaliencyDataset) -> dict[str, Any]:
    """Return the fields of a data set's `fixations.npz`."""
    height, width = dataset.sizes.T
    values = {
        "names": [stem(name) for name in dataset.names],
        "height": height,
        "width": width,
        "has_fixations": dataset.has_fixations,
        "name": dataset.name,
    }
    values |= {option: getattr(dataset, option) for option in _OPTIONS}
    fixations = dataset.fixations or Fixations([], [], [])
    values |= {field: getattr(fixations, field) for field in _PER_FIXATION}
    kinds = _PER_IMAGE | _SINGLE | _PER_FIXATION
    fields = {
        field: np.asarray(value, kinds[field][1])
        for field, value in values.items()
        if value is not None
    }
    if dataset.subject_names:
        fields[_SUBJECTS] = np.array(dataset.subject_names)
    return fields


def _image(
    dataset: SaliencyDataset,
    i: int,
    longest: int | None,
    quality: int | None,
) -> Array | bytes:
    """Return an image, or the bytes of a JPEG that is copied as it is."""
    source = dataset.images[i]
    image = dataset.image(i)
    height, width = image.shape[:2]
    if longest is not None and max(height, width) > longest:
        scale = longest / max(height, width)
        return resize(
            image, (max(1, round(height * scale)), max(1, round(width * scale)))
        )
    if quality is None and not isinstance(source, np.ndarray):
        data = read_bytes(source)
        if data[:2] == b"\xff\xd8" and not has_exif(data):
            return data
    return image


def _write_image(path: Path, image: Array | bytes, quality: int | None) -> None:
    if isinstance(image, bytes):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image)
        return
    writing.write_image(
        path,
        image,
        [cv2.IMWRITE_JPEG_QUALITY, 95 if quality is None else quality],
    )


def _match(names: list[str], table: Path, found: dict[str, Path]) -> list[Path]:
    missing = [n for n in names if n not in found]
    if missing:
        raise DatasetNotFoundError(
            f"{len(missing)} of the {len(names)} images that {table} names "
            "are not there, the first "
            f"{table.parent / 'stimuli' / missing[0]}.jpg; copy the folder "
            "anew."
        )
    return [found[n] for n in names]


def _read(table: Path) -> dict[str, Array]:
    """Return the fields of a `fixations.npz`, checked."""
    try:
        fields = _read_archive(table)
    except Exception as error:  # a damaged archive raises nearly anything
        raise DatasetError(
            f"The file {table} is damaged or no .npz archive ({error}); copy "
            "it anew."
        ) from error
    required = _PER_FIXATION | _PER_IMAGE
    missing = [field for field in required if field not in fields]
    if missing:
        raise DatasetError(
            f"The file {table} lacks the fields {', '.join(missing)}; the "
            f"compact form has {', '.join(required)}."
        )
    for together in (_PER_FIXATION, _PER_IMAGE):
        shapes = {field: fields[field].shape for field in together}
        different = set(shapes.values())
        if len(different) > 1 or len(different.pop()) != 1:
            raise DatasetError(
                f"The file {table} has arrays of different shapes where one "
                f"length is expected: {shapes}."
            )
    if _SUBJECTS in fields and fields[_SUBJECTS].ndim != 1:
        raise DatasetError(
            f"The file {table} has the field {_SUBJECTS} of shape "
            f"{fields[_SUBJECTS].shape}, where one name each is expected."
        )
    for field, (kinds, _) in (required | _SINGLE).items():
        if field not in fields:
            continue
        array = fields[field]
        if array.dtype.kind not in kinds or (
            field in _SINGLE and array.size != 1
        ):
            raise DatasetError(
                f"The file {table} has the field {field} of type "
                f"{array.dtype} and shape {array.shape}, which it cannot have."
            )
    pixels = fields["height"].astype("float64") * fields["width"]
    if pixels.size and pixels.max() > _MAX_PIXELS:
        worst = int(pixels.argmax())
        raise DatasetError(
            f"The file {table} says that image {worst} is "
            f"{fields['height'][worst]} high and {fields['width'][worst]} "
            f"wide; received more than {_MAX_PIXELS} pixels. Correct it."
        )
    return fields


def _read_archive(table: Path) -> dict[str, Array]:
    """Return the arrays of an .npz file, if it holds what it claims."""
    fields, total = {}, 0
    with zipfile.ZipFile(io.BytesIO(read_bytes(table))) as archive:
        for info in archive.infolist():
            total += info.file_size
            if len(archive.infolist()) > _MAX_FIELDS:
                raise ValueError(f"it has {len(archive.infolist())} members")
            if total > _MAX_BYTES:
                raise ValueError(f"it claims more than {_MAX_BYTES} bytes")
            if info.filename.endswith(".npy"):
                fields[info.filename[:-4]] = parse_npy(archive.read(info))
    return fields
