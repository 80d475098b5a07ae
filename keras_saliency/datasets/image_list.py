"""Named images of any size: one by one, resized, selected and split."""

import copy
from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any, Self

import numpy as np

from keras_saliency import images as image_files
from keras_saliency._utils.types import Array, PathName, Size
from keras_saliency.datasets.names import ImageNames, Selection
from keras_saliency.datasets.splits import Split, named_split


class ImageList:
    """A list of named images; see `SaliencyDataset` for the arguments.

    Args:
        name: As for `SaliencyDataset`.
        images: As for `SaliencyDataset`.
        names: As for `SaliencyDataset`.
        sizes: As for `SaliencyDataset`.
        exif: As for `SaliencyDataset`.

    Raises:
        ValueError: If there is no image, or not one name and size for each.
    """

    def __init__(
        self,
        name: str,
        images: Sequence[PathName | Array],
        *,
        names: Sequence[str] | None = None,
        sizes: Any = None,
        exif: bool = True,
    ) -> None:
        self.name = name
        self.exif = exif
        self.images = tuple(
            image_files.check_pixels(image)
            if isinstance(image, np.ndarray)
            else image
            for image in images
        )
        if not self.images:
            raise ValueError(f"The data set {name} has no images.")
        if names is None:
            names = [_name(i, image) for i, image in enumerate(self.images)]
        self.names = tuple(image_files.normal(str(n)) for n in names)
        if sizes is None:
            sizes = [_size(image, exif) for image in self.images]
        self.sizes = np.asarray(sizes, "int64").reshape(-1, 2)
        self._check_one_for_each("names", self.names)
        self._check_one_for_each("sizes", self.sizes)
        if (self.sizes < 1).any():
            bad = int(np.argmin(self.sizes.min(1)))
            raise ValueError(
                f"The size of image {self.names[bad]!r} in {name} is "
                f"{tuple(self.sizes[bad].tolist())}; expected (height, width) "
                "in pixels."
            )
        self._names = ImageNames(self.names, name)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def categories(self) -> tuple[str, ...] | None:
        """Category per image, the folder in its name, or None without."""
        folders = [name.rpartition("/")[0] for name in self.names]
        return tuple(folders) if all(folders) else None

    def index(self, name: str) -> int:
        """Return the number of the image of this name."""
        return self._names.index(name)

    def image(
        self, i: int, size: Size | None = None, *, out: Array | None = None
    ) -> Array:
        """Return an image as RGB.

        Args:
            i: Number of the image.
            size: `(height, width)` to resize to: by area average to shrink
                by two or more, else linearly. Defaults to the size as stored,
                which may be smaller than the original.
            out: uint8 array `(*size, 3)` to write the image to, such as a
                part of a batch.

        Returns:
            uint8 array `(height, width, 3)`, `out` if given.
        """
        if size is None and out is not None:
            size = out.shape[:2]
        source = self.images[i]
        if isinstance(source, np.ndarray):
            image = source.copy()
        else:
            image = image_files.read_image(
                source,
                exif=self.exif,
                at_least=None if size is None else image_files.as_size(size),
            )
        return (
            image if size is None else image_files.resize(image, size, out=out)
        )

    def digest(self, i: int) -> str:
        """Return a hash of an image's content, which names it in a cache."""
        digest = image_files.digest(self.images[i])
        return digest if self.exif else f"{digest}-as-stored"

    def subset(self, which: Selection) -> Self:
        """Return a data set of some of the images, in the order given.

        Args:
            which: Names (with or without extension), numbers, a boolean mask
                or a slice.

        Returns:
            A data set of the same class that shares the images.
        """
        return self._take(self._names.select(which))

    def split(
        self,
        parts: str | dict[str, int],
        seed: int = 0,
        *,
        name: str | None = None,
        by_category: bool = False,
    ) -> Split:
        """Split the images by a known split, or draw one from a seed.

        Args:
            parts: Number of images per part, such as
                `{"train": 500, "validation": 200, "test": 303}`, which may
                leave images over; or the name of a split in `SPLITS`:
                "paper" (MIT1003, 500/200/303) or "msi-net" (MIT1003 803/200;
                CAT2000 1600/400, the same places of each category).
            seed: Seed of the NumPy generator.
            name: Name of the split, for its file.
            by_category: Whether each part takes the same number of images of
                each category.

        Returns:
            A `Split`, names per part: `dataset.subset(split["train"])`.

        Raises:
            ValueError: If the split is not known or is of another data set,
                or if the images have no categories.
        """
        if isinstance(parts, str):
            return named_split(parts, self)
        categories = self.categories if by_category else None
        if by_category and categories is None:
            raise ValueError(
                f"The names of {self.name} have no folders, which are the "
                "categories; leave out by_category."
            )
        return Split.draw(
            self.names, parts, seed=seed, name=name, categories=categories
        )

    def _take(self, chosen: list[int]) -> Self:
        part = copy.copy(self)
        part.images = tuple(self.images[i] for i in chosen)
        part.names = tuple(self.names[i] for i in chosen)
        part.sizes = self.sizes[chosen]
        part._names = ImageNames(part.names, self.name)
        return part

    def _check_one_for_each(self, what: str, given: Sized) -> None:
        if len(given) != len(self):
            raise ValueError(
                f"The data set {self.name} has {len(self)} images but "
                f"{len(given)} {what}; give one for each image."
            )


def _name(i: int, image: PathName | Array) -> str:
    if isinstance(image, np.ndarray):
        return f"{i:05d}"
    return image_files.stem(Path(image).name)


def _size(image: PathName | Array, exif: bool) -> tuple[int, ...]:
    if not isinstance(image, np.ndarray):
        return image_files.image_size(image, exif=exif)
    return image.shape[:2]
