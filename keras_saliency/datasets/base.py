"""The one form that every data set loads into."""

import hashlib
import numbers
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from keras_saliency._utils.types import Array, PathName, Size
from keras_saliency.datasets import density as maps
from keras_saliency.datasets.describe import Described
from keras_saliency.datasets.fixations import Fixations
from keras_saliency.datasets.image_list import ImageList
from keras_saliency.images import as_size, digest

# Sigma of the Gaussian where a data set names none, per pixel of the longer
# side: the blur of MIT1003's published maps (24 pixels at 1024).
RELATIVE_SIGMA = 24 / 1024


class SaliencyDataset(Described, ImageList):
    """A list of images with the fixations that observers made on them.

    Images, fixation maps and density maps come out at any size:
    `dataset.image(0, size=(300, 400))`, `dataset.density(0, (300, 400))`.
    Fixations stay in pixels of the original image.

    Args:
        name: Name of the data set, for reports.
        images: The path of a file, or a uint8 array `(height, width, 3)`,
            per image. It may be stored smaller than the original.
        names: One unique name per image. Names that differ in the extension
            of an image file only are the same name. Defaults to the stems
            of the files.
        sizes: Original `(height, width)` per image, the frame of the
            fixations. Defaults to the sizes of `images`.
        fixations: `Fixations`, or None where only density maps are known.
        densities: Published density map per image: the path of an image or
            `.npy` file, an array, or None for an image without one. They are
            used in place of blurred fixations.
        first_order: Fixations earlier in their scanpath than this are left
            out of all maps. 1 drops the first, which in MIT1003 is forced.
        default_sigma: Sigma of the Gaussian of density maps in original
            pixels. Defaults to 24 pixels per 1024 of the longer side.
        pixels_per_degree: Original pixels per degree of visual angle, which
            `sigma_degrees` needs.
        subject_names: Name of each observer, in the order of their numbers.
            Defaults to those of `fixations`.
        exif: Whether a rotation stored in the images' EXIF data is applied.
            Publishers' fixations are in the pixels as stored, and some of
            their images have a wrong rotation.

    Raises:
        ValueError: If the parts do not fit together.
    """

    def __init__(
        self,
        name: str,
        images: Sequence[PathName | Array],
        *,
        names: Sequence[str] | None = None,
        sizes: Any = None,
        fixations: Fixations | None = None,
        densities: Sequence[PathName | Array | None] | None = None,
        first_order: int = 0,
        default_sigma: float | None = None,
        pixels_per_degree: float | None = None,
        subject_names: Sequence[str] | None = None,
        exif: bool = True,
    ) -> None:
        super().__init__(name, images, names=names, sizes=sizes, exif=exif)
        self._changes = 0
        self._fixations = fixations
        self._densities = None if densities is None else tuple(densities)
        self._first_order = _checked_order(first_order)
        self.default_sigma: float | None = default_sigma
        if default_sigma is not None:
            maps.check_sigma(default_sigma, "default_sigma")
        self.pixels_per_degree: float | None = pixels_per_degree
        if subject_names is None and fixations is not None:
            subject_names = fixations.subject_names
        if pixels_per_degree is not None:
            maps.check_sigma(pixels_per_degree, "pixels_per_degree")
        self.subject_names: tuple[str, ...] | None = (
            None if subject_names is None else tuple(subject_names)
        )
        if self.densities is not None:
            self._check_one_for_each("densities", self.densities)
        if not (self.has_fixations or self.has_densities):
            raise ValueError(
                f"The data set {name} has neither fixations nor a density map "
                "for every image; give fixations=, densities= or both."
            )
        self._index_fixations()

    def __repr__(self) -> str:
        what = "density maps only"
        if self.fixations is not None:
            what = f"{len(self.fixations)} fixations"
        return f"SaliencyDataset({self.name!r}, {len(self)} images, {what})"

    @property
    def fixations(self) -> Fixations | None:
        """All fixations, or None. Maps count those that it is set to."""
        return self._fixations

    @fixations.setter
    def fixations(self, fixations: Fixations | None) -> None:
        self._fixations = fixations
        self._index_fixations()

    @property
    def densities(self) -> tuple[PathName | Array | None, ...] | None:
        """Published density maps, one or None for each image; or None."""
        return self._densities

    @densities.setter
    def densities(
        self, densities: Sequence[PathName | Array | None] | None
    ) -> None:
        self._densities = None if densities is None else tuple(densities)
        self._changes += 1

    @property
    def changes(self) -> int:
        """How often fixations, densities or `first_order` were set anew."""
        return self._changes

    @property
    def first_order(self) -> int:
        """Place in the scanpath from which fixations count.

        Raises:
            ValueError: If it is set to what is no whole number from 0 on.
        """
        return self._first_order

    @first_order.setter
    def first_order(self, first_order: int) -> None:
        self._first_order = _checked_order(first_order)
        self._index_fixations()

    @property
    def has_fixations(self) -> bool:
        """Whether fixations are known, not density maps alone."""
        return self.fixations is not None

    @property
    def has_densities(self) -> bool:
        """Whether published density maps are used for all images."""
        return self.densities is not None and all(
            density is not None for density in self.densities
        )

    def fixations_of(self, i: int) -> Fixations:
        """Return the fixations of one image that maps are made from.

        These lie inside the image and are not earlier than `first_order`;
        `dataset.fixations` holds all of them.

        Args:
            i: Number of the image.

        Returns:
            A `Fixations`.

        Raises:
            ValueError: If the data set has density maps only.
        """
        if self.fixations is None:
            raise ValueError(
                f"The data set {self.name} has density maps but no fixations; "
                "load it with fixations, or use what needs the density alone."
            )
        i = range(len(self))[i]
        rows = self._rows[self._starts[i] : self._starts[i + 1]]
        return self.fixations.select(rows)

    def fixation_points(self, i: int) -> tuple[Array, Array]:
        """Return `(x, y)` of the fixations that maps are made from.

        Args:
            i: Number of the image.

        Returns:
            Two float32 arrays in pixels of the original image.
        """
        fixations = self.fixations_of(i)
        return fixations.x, fixations.y

    def count(self, i: int) -> int:
        """Return the number of fixations that the maps of an image count."""
        return len(self.fixations_of(i))

    def fixation_map(self, i: int, size: Size | None = None) -> Array:
        """Return how many fixations fall in each cell of a map.

        Args:
            i: Number of the image.
            size: `(height, width)` of the map. Defaults to the original size.

        Returns:
            float32 array `(height, width)`; its sum is the number of
            fixations, at any size.
        """
        x, y = self.fixation_points(i)
        return maps.fixation_map(x, y, self.sizes[i], size)

    def density(
        self,
        i: int,
        size: Size | None = None,
        sigma: float | None = None,
        *,
        sigma_degrees: float | None = None,
    ) -> Array:
        """Return the density map of one image, peak 1.

        The published map is used where the data set has one and no sigma is
        given; otherwise the fixations are blurred by a Gaussian.

        Args:
            i: Number of the image.
            size: `(height, width)` of the map. Defaults to the original size.
            sigma: Sigma of the Gaussian in original pixels. Defaults to the
                data set's `default_sigma`.
            sigma_degrees: The same in degrees of visual angle, if the data
                set knows its `pixels_per_degree`.

        Returns:
            float32 array `(height, width)`, maximum 1.

        Raises:
            ValueError: If the image has neither a published map nor any
                fixation, or its map is of another size, all zero or not
                finite.
        """
        sigma = self.sigma_in_pixels(sigma, sigma_degrees)
        published = None if self.densities is None else self.densities[i]
        label = f"image {self.names[i]!r} of {self.name}"
        if published is not None and sigma is None:
            return maps.published_density(published, self.sizes[i], size, label)
        x, y = self.fixation_points(i)
        if x.size == 0:
            first = self.first_order
            raise ValueError(
                f"The {label} has no fixation inside the image"
                + (f" from order {first} on" if first else "")
                + ", so it has no density map; leave it out "
                "(dataset.with_fixations()) or supply a density map."
            )
        if sigma is None:
            sigma = self.sigma(i)
        return maps.density_map(x, y, self.sizes[i], size, sigma=sigma)

    def truth_digest(self, i: int) -> str:
        """Return a hash of what the maps of one image are made from.

        Args:
            i: Number of the image.

        Returns:
            32 hexadecimal digits, which change with its fixations, the sigma
            or its published map.
        """
        state = hashlib.blake2b(digest_size=16)
        published = None if self.densities is None else self.densities[i]
        if published is not None:
            state.update(digest(published).encode())
        else:
            state.update(repr(float(self.sigma(i))).encode())
        if self.has_fixations:
            for positions in self.fixation_points(i):
                state.update(np.ascontiguousarray(positions).data)
        return state.hexdigest()

    def sigma(self, i: int) -> float:
        """Return the sigma of an image's density map in original pixels.

        Args:
            i: Number of the image.

        Returns:
            The data set's `default_sigma`, or the part of the image's longer
            side that stands for it.
        """
        if self.default_sigma is not None:
            return self.default_sigma
        return RELATIVE_SIGMA * float(self.sizes[i].max())

    def sigma_in_pixels(
        self, sigma: float | None, sigma_degrees: float | None
    ) -> float | None:
        """Return a sigma given in one of two units, in original pixels.

        Args:
            sigma: Sigma in original pixels, or None.
            sigma_degrees: Sigma in degrees of visual angle, or None.

        Returns:
            A float, or None if neither is given.

        Raises:
            ValueError: If both are given, or degrees where the data set has
                no `pixels_per_degree`.
        """
        if sigma_degrees is None:
            return sigma
        if sigma is not None:
            raise ValueError(
                "Give sigma (pixels) or sigma_degrees, not both; received "
                f"sigma={sigma!r} and sigma_degrees={sigma_degrees!r}."
            )
        if self.pixels_per_degree is None:
            raise ValueError(
                f"The data set {self.name} does not know its pixels per "
                "degree, so sigma_degrees cannot be used: set "
                "dataset.pixels_per_degree, or give sigma in pixels."
            )
        return sigma_degrees * self.pixels_per_degree

    def mean_density(
        self,
        size: Size,
        sigma: float | None = None,
        *,
        sigma_degrees: float | None = None,
    ) -> Array:
        """Return the mean of all density maps: the center bias B.

        Args:
            size: `(height, width)` of the map.
            sigma: As for `density`.
            sigma_degrees: As for `density`.

        Returns:
            float32 array `(height, width)` in [0, 1].
        """
        total = np.zeros(as_size(size))
        for i in range(len(self)):
            total += self.density(
                i, size, sigma=sigma, sigma_degrees=sigma_degrees
            )
        return (total / len(self)).astype("float32")

    def with_fixations(self) -> Self:
        """Return the images that have at least one usable fixation."""
        return self.subset([i for i in range(len(self)) if self.count(i)])

    def with_observers(self, *which: str | int) -> Self:
        """Return all images with the fixations of some observers alone.

        Args:
            *which: Names in `subject_names`, or numbers.

        Returns:
            A data set without published density maps, which are of all
            observers; densities are made from the fixations.

        Raises:
            ValueError: If one of them made no fixation.
        """
        part = self.subset(slice(None))
        fixations = self.fixations or Fixations([], [], [])
        part.fixations = fixations.of_observers(which, self.subject_names)
        part.densities = None
        return part

    def _index_fixations(self) -> None:
        self._changes += 1
        if self.fixations is not None:
            self._rows, self._starts = self.fixations.usable(
                self.sizes, first_order=self.first_order, dataset=self.name
            )

    def _take(self, chosen: list[int]) -> Self:
        part = super()._take(chosen)
        if self.densities is not None:
            part.densities = tuple(self.densities[i] for i in chosen)
        if self.fixations is not None:
            position = np.full(len(self), -1, "int32")
            position[chosen] = np.arange(len(chosen))
            index = position[self.fixations.image_index]
            fixations = self.fixations.select(index >= 0)
            fixations.image_index = index[index >= 0]
            part.fixations = fixations
        return part


def _checked_order(first_order: int) -> int:
    if not isinstance(first_order, numbers.Real) or not (
        first_order >= 0 and float(first_order).is_integer()
    ):
        raise ValueError(
            "first_order must be a whole number, at least 0; received "
            f"{first_order!r}."
        )
    return first_order
