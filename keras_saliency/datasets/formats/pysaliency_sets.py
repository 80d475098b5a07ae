"""Data sets of the library pysaliency, both ways."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency._utils import optional
from keras_saliency._utils.types import Array
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.fixations import Fixations
from keras_saliency.images import has_exif, image_size, read_bytes

# Name of pysaliency's attribute, in seconds there.
_DURATION = "duration"


def from_pysaliency(
    stimuli: Any,
    fixations: Any,
    *,
    name: str = "pysaliency",
    **options: Any,
) -> SaliencyDataset:
    """Return a data set of pysaliency, such as `pysaliency.get_mit1003()`.

    Args:
        stimuli: A `pysaliency.Stimuli`. Of a `FileStimuli` the files are used,
            and named by their paths below the folder that all have in common;
            the images of others are taken into memory.
        fixations: A `pysaliency.Fixations`, or `FixationTrains`: positions,
            subjects, the place in the scanpath, and where it has them
            durations.
        name: Name of the data set.
        **options: As for `SaliencyDataset`: `default_sigma`, `first_order`,
            `pixels_per_degree`, `densities`.

    Returns:
        A `SaliencyDataset`.

    Raises:
        ValueError: If the parts do not fit together.

    Notes:
        pysaliency's data sets leave out the first fixation where it is forced
        (MIT1003), so `first_order` is then 0.
    """
    images: list[Any]
    if hasattr(stimuli, "filenames"):
        images = [Path(file) for file in stimuli.filenames]
        options.setdefault("names", _names(images))
        # Its images are as stored.
        options.setdefault("exif", False)
    else:
        images = [stimuli[i].stimulus_data for i in range(len(stimuli))]
    order = np.asarray(fixations.lengths)
    subject = np.asarray(fixations.subjects)
    # What is made without scanpaths has one subject for all.
    is_known = order.any() or np.unique(subject).size > 1
    duration = getattr(fixations, _DURATION, None)
    return SaliencyDataset(
        name,
        images,
        sizes=[tuple(size[:2]) for size in stimuli.sizes],
        fixations=Fixations(
            fixations.n,
            fixations.x,
            fixations.y,
            subject=subject if is_known else None,
            order=order,
            duration=None if duration is None else 1000 * np.asarray(duration),
        ),
        **options,
    )


def to_pysaliency(dataset: SaliencyDataset) -> tuple[Any, Any]:
    """Return the images and the fixations for pysaliency.

    Args:
        dataset: A `SaliencyDataset` with fixations.

    Returns:
        A `pysaliency.FileStimuli`, of the files themselves where these have
        the original size, else one that reads and enlarges the images when
        they are asked for; and the fixations that maps count: as
        `FixationTrains` where observers and order are known, with the order
        for times and durations in seconds, else as `Fixations`.

    Raises:
        NotInstalledError: If pysaliency is not installed.
        ValueError: If the data set has density maps only.
    """
    library = optional.load("pysaliency", "to_pysaliency")
    parts = [dataset.fixations_of(i) for i in range(len(dataset))]
    return _stimuli(library, dataset), _fixations(library, parts)


def _names(files: Sequence[Path]) -> list[str]:
    """Return paths below the common folder, with their extensions."""
    folder = os.path.commonpath([file.absolute().parent for file in files])
    return [file.absolute().relative_to(folder).as_posix() for file in files]


def _stimuli(library: Any, dataset: SaliencyDataset) -> Any:
    if all(
        _is_original(image, tuple(size))
        for image, size in zip(
            dataset.images, dataset.sizes.tolist(), strict=True
        )
    ):
        return library.FileStimuli([str(image) for image in dataset.images])

    class DatasetStimuli(library.FileStimuli):
        """Images of a `SaliencyDataset`, of their original size."""

        def load_stimulus(self, n: int) -> Array:
            i = dataset.index(self.filenames[n])
            return dataset.image(i, dataset.sizes[i].tolist())

    shapes = [(*size, 3) for size in dataset.sizes.tolist()]
    return DatasetStimuli(list(dataset.names), shapes=shapes)


def _is_original(image: Any, size: tuple[int, ...]) -> bool:
    """Return whether any program finds in a file an image of this size."""
    if isinstance(image, np.ndarray):
        return False
    return image_size(image, exif=False) == size and not has_exif(
        read_bytes(image)
    )


def _fixations(library: Any, parts: Sequence[Fixations]) -> Any:
    numbers = np.repeat(np.arange(len(parts)), [len(part) for part in parts])

    def column(name: str) -> Array:
        return np.concatenate([getattr(part, name) for part in parts])

    subject, order = column("subject"), column("order")
    x, y = column("x").astype("float64"), column("y").astype("float64")
    duration = column("duration") / 1000
    scanpaths = np.unique(np.stack([numbers, subject, order]), axis=1).shape[1]
    if not len(x) or (subject < 0).any() or scanpaths < len(x):
        known = len(x) and (subject >= 0).all()
        return library.Fixations.create_without_history(
            x, y, numbers, subject if known else None
        )
    rows = np.lexsort((order, subject, numbers))
    key = np.stack([numbers[rows], subject[rows]])
    starts = np.flatnonzero((key[:, 1:] != key[:, :-1]).any(axis=0)) + 1
    paths = np.split(rows, starts)
    attributes: dict[str, Any] = {}
    if not np.isnan(duration).all():
        attributes = {
            "scanpath_fixation_attributes": {
                "durations": [duration[path] for path in paths]
            },
            "scanpath_attribute_mapping": {"durations": _DURATION},
        }
    return library.FixationTrains.from_fixation_trains(
        [x[path] for path in paths],
        [y[path] for path in paths],
        [order[path].astype("float64") for path in paths],
        [numbers[path[0]] for path in paths],
        [subject[path[0]] for path in paths],
        **attributes,
    )
