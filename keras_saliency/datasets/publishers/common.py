"""What the loaders of publishers' files share."""

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from keras_saliency._utils.errors import DatasetNotFoundError
from keras_saliency._utils.types import Array
from keras_saliency.datasets import files
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.fixations import (
    Fixations,
    join_scanpaths,
    pixel_centers,
)
from keras_saliency.datasets.formats.fixation_files import check_fixation_map


class PublishedImages:
    """The images in a publisher's folder, and the data set made of them.

    Args:
        folder: The folder.

    Raises:
        DatasetError: If it has no image.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = files.files(folder)

    def __len__(self) -> int:
        return len(self.paths)

    @functools.cached_property
    def sizes(self) -> list[tuple[int, int]]:
        """`(height, width)` of each image as stored."""
        return files.image_sizes(self.paths.values(), exif=False)

    def require(
        self, recorded: Iterable[str], *, published: int, partial: bool
    ) -> None:
        """Raise unless there are as many images as were published.

        Args:
            recorded: Names of the images for which there are fixations.
            published: Number of images that were published.
            partial: Whether fewer or more are accepted.

        Raises:
            DatasetNotFoundError: If images are missing.
        """
        if partial or len(self) == published:
            return
        missing = [name for name in recorded if name not in self.paths]
        missing.sort(key=files.natural)
        raise DatasetNotFoundError(
            f"The folder {self.folder} has {len(self)} images, the data set "
            f"{published}"
            + (
                f"; missing are {len(missing)} that have fixations, such as "
                f"{', '.join(missing[:3])}"
                if missing
                else ""
            )
            + ". Copy it anew, or give partial=True to use the images that are "
            "there."
        )

    def match(
        self, found: Mapping[str, Any], where: Path, what: str
    ) -> list[Any]:
        """Return what was found for each image; see `files.match`."""
        return files.match(self.paths, found, where, what)

    def densities(
        self,
        folder: Path,
        rename: Callable[[str], str | None] | None = None,
    ) -> list[Path]:
        """Return the published density map of each image; see `files`."""
        found = files.files(folder, "density maps", rename=rename)
        return self.match(found, folder, "published density map")

    def fixations_from_maps(
        self, maps: Iterable[tuple[object, Array]]
    ) -> Fixations:
        """Return the fixations where a map per image merges its observers.

        Args:
            maps: Pairs of a label for errors and a map, positive where
                somebody looked, in the order of the images.

        Raises:
            DatasetError: If a map is of another size than its image, or most
                of its pixels are fixations.
        """
        return join_scanpaths(
            (
                i,
                -1,
                *pixel_centers(check_fixation_map(map_, size, label) > 0),
                None,
            )
            for i, (size, (label, map_)) in enumerate(
                zip(self.sizes, maps, strict=True)
            )
        )

    def dataset(
        self, name: str, fixations: Fixations, **options: Any
    ) -> SaliencyDataset:
        """Return the data set.

        Args:
            name: Name of the data set.
            fixations: Its fixations.
            **options: Further arguments of `SaliencyDataset`.
        """
        return SaliencyDataset(
            name,
            list(self.paths.values()),
            names=list(self.paths),
            sizes=self.sizes,
            fixations=fixations,
            exif=False,
            **options,
        )


def numbered(values: Iterable[Any]) -> dict[str, Any]:
    """Return number from 1, as text -> value."""
    return {str(i): value for i, value in enumerate(values, 1)}
