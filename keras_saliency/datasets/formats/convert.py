"""Any data set to the compact form, or to folders, and back."""

import os
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np

from keras_saliency import images
from keras_saliency._utils.errors import DatasetError


def to_compact(dataset, path, *, longest=512, quality=90, progress=True):
    """Write a data set in the compact form, which `load_compact` reads.

    Pictures become JPEGs, fixations one `fixations.npz`, published density
    maps 16-bit PNGs in `densities/`. What the data set knows besides (sigma,
    first order, pixels per degree, names of observers) is kept. The folder
    appears when all is written.

    Args:
        dataset: A `SaliencyDataset`.
        path: The folder to write; it must not exist, or be empty.
        longest: Pixels of the longer side to which larger pictures are
            reduced; None keeps their size. Fixations stay in original pixels.
        quality: Quality of the JPEGs, 1 to 100. None copies JPEG files
            as they are, where they need not be reduced or turned.
        progress: Whether to show the number of images done.

    Returns:
        The path.

    Raises:
        DatasetError: If the folder is not empty or cannot be written, or a
            picture cannot be read.
    """
    with _Folder(path) as temporary:
        for i, name in enumerate(dataset.names):
            target = temporary / "stimuli" / f"{images.stem(name)}.jpg"
            _write_picture(dataset, i, target, longest, quality)
            if dataset._densities and dataset._densities[i] is not None:
                _write_map(
                    temporary / "densities" / f"{images.stem(name)}.png",
                    dataset.density(i),
                )
            _report(progress, path, i + 1, len(dataset))
        fixations = dataset.fixations
        fields = {
            "names": np.array([images.stem(n) for n in dataset.names]),
            "height": dataset.sizes[:, 0].astype("int32"),
            "width": dataset.sizes[:, 1].astype("int32"),
            "has_fixations": np.array(fixations is not None),
            "name": np.array(str(dataset.name)),
            "first_order": np.array(dataset.first_order),
        }
        for field in ("default_sigma", "pixels_per_degree"):
            if getattr(dataset, field) is not None:
                fields[field] = np.array(float(getattr(dataset, field)))
        if getattr(dataset, "subject_names", None):
            fields["subjects"] = np.array(dataset.subject_names)
        for field, dtype in (
            ("image_index", "int32"),
            ("x", "float32"),
            ("y", "float32"),
            ("subject", "int32"),
            ("order", "int32"),
            ("duration", "float32"),
        ):
            values = [] if fixations is None else getattr(fixations, field)
            fields[field] = np.asarray(values, dtype)
        np.savez_compressed(temporary / "fixations.npz", **fields)
    return Path(path)


def to_folders(dataset, path, *, sigma=None, progress=True):
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
        DatasetError: As for `to_compact`.

    Notes:
        Observers, order and durations are lost, and fractions of pixels.
    """
    with _Folder(path) as temporary:
        for i, name in enumerate(dataset.names):
            name = images.stem(name)
            size = tuple(int(s) for s in dataset.sizes[i])
            _encode(
                temporary / "images" / f"{name}.png",
                dataset.image(i, size)[..., ::-1],
            )
            counts = None
            if dataset.has_fixations:
                counts = dataset.fixation_map(i)
                target = temporary / "fixations" / f"{name}.png"
                if counts.max() > 1:
                    target = target.with_name(f"{target.stem}.npy")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    np.save(target, counts.astype("uint16"))
                else:
                    _encode(target, (255 * counts).astype("uint8"))
            if counts is None or counts.any():
                density = dataset.density(i, sigma=sigma)
            else:
                density = np.zeros(size)
            _write_map(temporary / "maps" / f"{name}.png", density)
            _report(progress, path, i + 1, len(dataset))
    return Path(path)


class _Folder:
    """A folder that appears whole or not at all."""

    def __init__(self, path):
        self.path = Path(path)

    def __enter__(self):
        try:
            if self.path.exists() and any(self.path.iterdir()):
                raise DatasetError(
                    f"The folder {self.path} is not empty; give another, or "
                    "remove it."
                )
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.temporary = Path(
                tempfile.mkdtemp(
                    prefix=f".{self.path.name}-", dir=self.path.parent
                )
            )
            self.temporary.chmod(0o755)
        except OSError as error:
            raise DatasetError(
                f"The folder {self.path} cannot be written: {error}."
            ) from error
        return self.temporary

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                if self.path.exists():
                    self.path.rmdir()
                os.replace(self.temporary, self.path)
        except OSError as failure:
            raise DatasetError(
                f"The folder {self.path} cannot be written: {failure}."
            ) from failure
        finally:
            shutil.rmtree(self.temporary, ignore_errors=True)


def _write_picture(dataset, i, target, longest, quality):
    source = dataset._stimuli[i]
    image = dataset.image(i)
    height, width = image.shape[:2]
    reduced = longest is not None and max(height, width) > longest
    if reduced:
        scale = longest / max(height, width)
        image = images.resize(
            image, (max(1, round(height * scale)), max(1, round(width * scale)))
        )
    elif quality is None and not isinstance(source, np.ndarray):
        data = images.read_bytes(source)
        if data[:2] == b"\xff\xd8" and not images.has_exif(data):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            return
    _encode(
        target,
        image[..., ::-1],
        [cv2.IMWRITE_JPEG_QUALITY, 95 if quality is None else quality],
    )


def _write_map(target, density):
    _encode(target, np.rint(density * 65535).astype("uint16"))


def _encode(target, image, parameters=()):
    good, data = cv2.imencode(
        target.suffix, np.ascontiguousarray(image), list(parameters)
    )
    try:
        if not good:
            raise OSError("the picture could not be encoded")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.tobytes())
    except OSError as error:
        raise DatasetError(f"{target} cannot be written: {error}.") from error


def _report(progress, path, done, count):
    if progress and (done == count or done % 500 == 0):
        print(f"{path}: {done} of {count} images", flush=True)
