"""Folders of images, density maps and fixation maps."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency._utils.types import Array, PathName, Size
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.files import (
    files,
    find,
    image_sizes,
    is_stray,
    match,
    natural,
)
from keras_saliency.datasets.fixations import Fixations, pixel_centers
from keras_saliency.datasets.formats import writing
from keras_saliency.datasets.formats.fixation_files import (
    check_fixation_map,
    read_fixation_map,
    read_gaze,
)
from keras_saliency.images import EXTENSIONS, normal, stem

# What MIT1003 puts after the names of its maps, and the one file among them
# that belongs to no image.
_SUFFIX = re.compile(r"_fix(Map|Pts)$")
_STRAY_MAP = "i05june05_static_street_boston_p1010764fixPts"

# Names of the folders of images, densities and fixations in the copies that
# users of ML-Net, SAM and MSI-Net have.
_TREE = {
    "images": ("images", "stimuli", "imgs"),
    "densities": ("maps", "saliency", "densities", "density"),
    "fixations": ("fixations", "fixs", "points"),
}


def load_folder(
    images: PathName,
    densities: PathName | None = None,
    fixations: PathName | None = None,
    *,
    observers: bool = False,
    name: str | None = None,
    default_sigma: float | None = None,
    pixels_per_degree: float | None = None,
) -> SaliencyDataset:
    """Load images with density maps, fixation maps or both from folders.

    A map belongs to the image of the same name, extension aside; all
    folders are searched with their sub-folders, and a name includes the
    sub-folder (`Action/001`). A map may also end in `_fixMap` or `_fixPts`,
    as MIT1003's do. A map has exactly its image's size. With
    density maps alone, losses and metrics that need fixations are refused;
    with fixation maps alone, the densities are made from them.

    Args:
        images: Folder of images.
        densities: Folder of density maps: images, or `.npy` arrays
            `(height, width)`. Their scale does not matter.
        fixations: Folder of fixation maps: images, in which a pixel above 0
            (above 128 in a JPEG) is one fixation, `.npy` arrays of counts, or
            `.mat` files in one of SALICON's forms or CAT2000's. SALICON's
            tell the workers of an image apart, by numbers.
        observers: Whether `fixations` has a folder for each observer, of the
            observer's name, with the fixation maps of the images that this
            observer saw.
        name: Name of the data set. Defaults to the folder's name.
        default_sigma: Sigma of densities made from fixations, in pixels of
            the images. Defaults to 24 per 1024 of the longer side.
        pixels_per_degree: Pixels per degree of visual angle.

    Returns:
        A `SaliencyDataset`.

    Raises:
        FileNotFoundError: If a folder does not exist or an image has no map.
        ValueError: If a folder has no usable file, a map no image, or one
            of them cannot be read or is of another size.
    """
    if densities is None and fixations is None:
        raise ValueError(
            "load_folder needs densities=, fixations= or both; received "
            f"images={str(images)!r} alone."
        )
    if observers and fixations is None:
        raise ValueError("observers=True needs the folder fixations=.")
    paths = dict(sorted(files(images).items()))
    sizes = image_sizes(paths.values())
    maps = None
    if densities is not None:
        maps = density_maps(paths, sizes, densities)
    points = None
    if observers:
        points = _read_observers(paths, sizes, fixations)
    elif fixations is not None:
        read = _maps(paths, fixations, "fixation map", (".mat",))
        points = _read(range(len(read)), read, sizes)
    return SaliencyDataset(
        Path(images).resolve().name if name is None else name,
        list(paths.values()),
        names=list(paths),
        sizes=sizes,
        fixations=points,
        densities=maps,
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )


def load_tree(
    path: PathName, *, part: str | None = None, **options: Any
) -> SaliencyDataset:
    """Load a folder with sub-folders of images, densities and fixations.

    Finds `images` (or `stimuli`, `imgs`), `maps` (or `saliency`, `densities`)
    and `fixations` (or `fixs`, `points`) below `path`: the layouts of ML-Net
    (images and maps), SAM (with fixations, SALICON's .mat files) and MSI-Net
    (stimuli, saliency, fixations).

    Args:
        path: The folder.
        part: Name of a folder in each of them, or around them, such as
            "train"; None where there is none.
        **options: As for `load_folder`.

    Returns:
        A `SaliencyDataset`.

    Raises:
        DatasetError: As for `load_folder`, and if there are no images or
            no maps.
    """
    found: dict[str, Any] = {}
    for what, names in _TREE.items():
        if part is None:
            found[what] = find(path, *names)
        else:
            inside = [f"{name}/{part}" for name in names]
            around = [f"{part}/{name}" for name in names]
            found[what] = find(path, *inside, *around)
    images = found.pop("images")
    if images is None or not any(found.values()):
        missing = _TREE if images is None else found
        raise DatasetNotFoundError(
            f"The folder {path} has no folders "
            + " and ".join("|".join(_TREE[what]) for what in missing)
            + (f" with {part}" if part else "")
            + "; use load_folder where they have other names."
        )
    options.setdefault("name", Path(path).resolve().name)
    return load_folder(images, **found, **options)


def to_folders(
    dataset: SaliencyDataset,
    path: PathName,
    *,
    sigma: float | None = None,
    progress: bool = True,
) -> Path:
    """Write a data set as folders of images, maps and fixations.

    `load_folder` and `load_tree` read it, and so does what was written for
    ML-Net or MSI-Net: `images/NAME.png`, `maps/NAME.png` (density, 16 bits)
    and `fixations/NAME.png` (a white pixel each; `.npy` with counts where one
    pixel has several), all in original size.

    Args:
        dataset: A `SaliencyDataset`.
        path: The folder to write; it must not exist, or be empty.
        sigma: As for `SaliencyDataset.density`.
        progress: Whether to show the number of images done.

    Returns:
        The path.

    Raises:
        DatasetError: If the folder is not empty or cannot be written, an
            image cannot be read, or its name leads out of the folder.

    Notes:
        Observers, order and durations are lost, and fractions of pixels.
    """
    with writing.new_folder(path, dataset.names) as folder:
        for i, name in enumerate(dataset.names):
            name = stem(name)
            size = tuple(int(side) for side in dataset.sizes[i])
            writing.write_image(
                folder / "images" / f"{name}.png", dataset.image(i, size)
            )
            if dataset.has_fixations:
                counts = dataset.fixation_map(i)
                _write_counts(folder / "fixations" / f"{name}.png", counts)
            published = dataset.densities and dataset.densities[i] is not None
            if published or not dataset.has_fixations or counts.any():
                density = dataset.density(i, sigma=sigma)
            else:
                density = np.zeros(size)
            writing.write_density(folder / "maps" / f"{name}.png", density)
            if progress:
                writing.report(path, i + 1, len(dataset))
    return Path(path)


def density_maps(
    images: Mapping[str, Path], sizes: Iterable[Sequence[int]], folder: PathName
) -> list[Path]:
    """Return the density map of each image, by name.

    Args:
        images: Path of each image, by name.
        sizes: `(height, width)` of each.
        folder: Folder of the maps.

    Raises:
        DatasetError: If an image has no map, a map no image, or one is of
            another size than its image.
    """
    maps = _maps(images, folder, "density map")
    for image, size, map_, map_size in zip(
        images.values(), sizes, maps, image_sizes(maps), strict=True
    ):
        if tuple(size) != map_size:
            raise DatasetError(
                f"The map {map_} is {map_size[0]} high and {map_size[1]} "
                f"wide, but its image {image} is {size[0]} high and "
                f"{size[1]} wide; a map must have its image's size."
            )
    return maps


def _write_counts(path: Path, counts: Array) -> None:
    if counts.max() <= 1:
        writing.write_image(path, (255 * counts).astype("uint8"))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path.with_name(f"{path.stem}.npy"), counts.astype("uint16"))


def _maps(
    images: Mapping[str, Path],
    folder: PathName,
    what: str,
    extensions: tuple[str, ...] = (),
) -> list[Path]:
    """Return the map of each image, by name; further maps are an error."""
    found = _find_maps(folder, what, extensions)
    maps = match(images, found, folder, what)
    _check_images(images, found, folder, what)
    return maps


def _find_maps(
    folder: PathName, what: str, extensions: tuple[str, ...] = ()
) -> dict[str, Path]:
    """Return name of the image -> path of the maps in a folder."""
    return files(
        folder,
        f"{what}s",
        extensions=(*EXTENSIONS, ".npy", *extensions),
        rename=_image_name,
    )


def _check_images(
    images: Mapping[str, Path],
    found: Mapping[str, Path],
    folder: PathName,
    what: str,
) -> None:
    """Raise if there are maps of no image."""
    extra = sorted(set(found) - set(images))
    if extra:
        raise DatasetError(
            f"{len(extra)} {what}s in {folder} have no image, the first "
            f"{found[extra[0]]}; remove them or add their images."
        )


def _image_name(map_name: str) -> str | None:
    if map_name.endswith(_STRAY_MAP):
        return None
    return _SUFFIX.sub("", map_name)


def _read_observers(
    images: Mapping[str, Path], sizes: Sequence[Size], folder: PathName | None
) -> Fixations:
    """Return the fixations in a folder with a folder for each observer."""
    path = Path(folder or "")
    found = (
        sorted(
            (child for child in path.iterdir() if child.is_dir()),
            key=lambda child: natural(child.name),
        )
        if path.is_dir()
        else []
    )
    named = [child for child in found if not is_stray(child.name)]
    if not named:
        raise DatasetNotFoundError(
            f"The folder {path} has no folders, one for each observer, which "
            "observers=True stands for."
        )
    number = {name: i for i, name in enumerate(images)}
    numbers: list[int] = []
    maps: list[Path] = []
    counts = []
    for child in named:
        own = _find_maps(child, "fixation map", (".mat",))
        _check_images(images, own, child, "fixation map")
        numbers += [number[name] for name in own]
        maps += own.values()
        counts.append(len(own))
    subjects = np.repeat([normal(child.name) for child in named], counts)
    return _read(numbers, maps, [sizes[i] for i in numbers], subjects)


def _read(
    numbers: Sequence[int],
    maps: Sequence[Path],
    sizes: Sequence[Size],
    observers: Array | None = None,
) -> Fixations:
    """Return the fixations in maps of some images, and of observers."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        read = list(pool.map(_read_points, maps, sizes))
    counts = [len(x) for _, x, _ in read]
    return Fixations(
        np.repeat(numbers, counts),
        np.concatenate([x for _, x, _ in read]),
        np.concatenate([y for _, _, y in read]),
        subject=np.concatenate([subject for subject, _, _ in read])
        if observers is None
        else np.repeat(observers, counts),
    )


def _read_points(path: Path, size: Size) -> tuple[Array, Array, Array]:
    """Return observer (-1 where they are merged), x and y of each fixation."""
    if path.suffix.lower() == ".mat":
        workers = [(-1, np.zeros(0), np.zeros(0)), *read_gaze(path, size)]
        subject, x, y = zip(*workers, strict=True)
        return (
            np.repeat(subject, [len(points) for points in x]),
            np.concatenate(x),
            np.concatenate(y),
        )
    x, y = pixel_centers(
        check_fixation_map(read_fixation_map(path), size, path)
    )
    return np.full(len(x), -1), x, y
