"""The one form every data set loads into."""

import copy
import numbers
from pathlib import Path

import numpy as np

from keras_saliency import images
from keras_saliency._utils.errors import DatasetError
from keras_saliency.datasets import density
from keras_saliency.datasets.describe import info, show, show_mean_density
from keras_saliency.datasets.splits import Split, named_split
from keras_saliency.images import as_size

# Sigma of the Gaussian where a data set names none, per pixel of the longer
# side: the blur of MIT1003's published maps (24 pixels at 1024).
RELATIVE_SIGMA = 24 / 1024


class Fixations:
    """Fixations of a whole data set, one array per property.

    Args:
        image_index: Number of the image each fixation belongs to.
        x: Column in pixels of the ORIGINAL picture, origin top left.
        y: Row, likewise.
        subject: Number of the observer. Defaults to -1, unknown.
        order: Place of the fixation in its scanpath, from 0. Defaults to 0.
        duration: Milliseconds. Defaults to NaN, unknown.
    """

    def __init__(
        self, image_index, x, y, subject=None, order=None, duration=None
    ):
        self.image_index = _column(image_index, "image_index", "int32")
        count = self.image_index.size
        self.x = _column(x, "x", "float32", count)
        self.y = _column(y, "y", "float32", count)
        self.subject = _column(subject, "subject", "int32", count, -1)
        self.order = _column(order, "order", "int32", count, 0)
        self.duration = _column(duration, "duration", "float32", count, np.nan)

    def __len__(self):
        return self.image_index.size

    def __repr__(self):
        return f"Fixations({len(self)} fixations)"

    def select(self, which):
        """Return the fixations given by a mask, slice or index array."""
        return Fixations(
            self.image_index[which],
            self.x[which],
            self.y[which],
            self.subject[which],
            self.order[which],
            self.duration[which],
        )


class SaliencyDataset:
    """A list of pictures with the fixations that observers made on them.

    Images, fixation maps and density maps come out at any size:
    `dataset.image(0, size=(300, 400))`, `dataset.density(0, (300, 400))`.
    Fixations stay in pixels of the original picture.

    Args:
        name: Name of the data set, for reports.
        stimuli: One picture per image: the path of a file, or a uint8 array
            `(height, width, 3)`. A picture may be stored smaller than the
            original.
        names: One unique name per image. Names that differ in the extension
            of a picture file only are the same name. Defaults to the stems
            of the files.
        sizes: Original `(height, width)` per image, the frame of the
            fixations. Defaults to the sizes of the stimuli.
        fixations: `Fixations`, or None where only density maps are known.
        densities: Published density map per image: the path of a picture or
            `.npy` file, an array, or None for an image without one. They are
            used in place of blurred fixations.
        first_order: Fixations earlier in their scanpath than this are left
            out of all maps. 1 drops the first, which in MIT1003 is forced.
        default_sigma: Sigma of the Gaussian of density maps in original
            pixels. Defaults to 24 pixels per 1024 of the longer side.
        pixels_per_degree: Original pixels per degree of visual angle, which
            `sigma_degrees` needs.
        exif: Whether a rotation stored in the pictures' EXIF data is applied.
            Publishers' fixations are in the pixels as stored, and some of
            their pictures have a wrong rotation.

    Raises:
        ValueError: If the parts do not fit together.
    """

    def __init__(
        self,
        name,
        stimuli,
        *,
        names=None,
        sizes=None,
        fixations=None,
        densities=None,
        first_order=0,
        default_sigma=None,
        pixels_per_degree=None,
        exif=True,
    ):
        self.name = name
        self._exif = exif
        self._stimuli = list(stimuli)
        if not self._stimuli:
            raise ValueError(f"The data set {name} has no images.")
        count = len(self._stimuli)
        if names is None:
            names = [
                f"{i:05d}"
                if isinstance(stimulus, np.ndarray)
                else images.stem(Path(stimulus).name)
                for i, stimulus in enumerate(self._stimuli)
            ]
        self.names = tuple(str(n) for n in names)
        if sizes is None:
            sizes = [
                _stimulus_size(stimulus, exif) for stimulus in self._stimuli
            ]
        self.sizes = np.asarray(sizes, "int64").reshape(-1, 2)
        self._densities = None if densities is None else list(densities)
        for what, given in (
            ("names", self.names),
            ("sizes", self.sizes),
            ("densities", self._densities),
        ):
            if given is not None and len(given) != count:
                raise ValueError(
                    f"The data set {name} has {count} stimuli but "
                    f"{len(given)} {what}; give one for each image."
                )
        if (self.sizes < 1).any():
            bad = int(np.argmin(self.sizes.min(1)))
            raise ValueError(
                f"The size of image {self.names[bad]!r} in {name} is "
                f"{tuple(self.sizes[bad].tolist())}; expected (height, width) "
                "in pixels."
            )
        self.first_order = first_order
        self.default_sigma = default_sigma
        self.pixels_per_degree = pixels_per_degree
        self.fixations = fixations
        if fixations is None and (
            self._densities is None
            or any(density is None for density in self._densities)
        ):
            raise ValueError(
                f"The data set {name} has neither fixations nor a density map "
                "for every image; give fixations=, densities= or both."
            )
        self._index_names()
        self._index_fixations()

    def __len__(self):
        return len(self._stimuli)

    def __repr__(self):
        what = "density maps only"
        if self.has_fixations:
            what = f"{len(self.fixations)} fixations"
        return f"SaliencyDataset({self.name!r}, {len(self)} images, {what})"

    @property
    def has_fixations(self):
        """Whether fixations are known, not density maps alone."""
        return self.fixations is not None

    @property
    def has_densities(self):
        """Whether published density maps are used for all images."""
        return self._densities is not None and all(
            density is not None for density in self._densities
        )

    @property
    def categories(self):
        """Category per image, the folder in its name, or None without."""
        folders = [name.rpartition("/")[0] for name in self.names]
        return tuple(folders) if all(folders) else None

    def info(self):
        """Return what is known about the data set, to print or to look up.

        Returns:
            A dictionary whose text is a table: name, images, categories,
            sizes, observers, fixations (`used` in maps), fixations per
            image, sigma and where densities come from.
        """
        return info(self)

    def show(self, i, path=None, *, size=None, sigma=None):
        """Draw a picture with its fixations beside its density map.

        Args:
            i: Number or name of the image.
            path: File to write the figure to, its format by its name.
            size: `(height, width)` of both panels. Defaults to the picture's
                as stored.
            sigma: As for `density`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        return show(self, i, path, size=size, sigma=sigma)

    def show_mean_density(self, size=(64, 64), path=None, *, sigma=None):
        """Draw the mean density with its marginals, the center bias.

        Args:
            size: `(height, width)` of the map.
            path: File to write the figure to, its format by its name.
            sigma: As for `mean_density`.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        return show_mean_density(self, size, path, sigma=sigma)

    def index(self, name):
        """Return the number of the image of this name."""
        try:
            return self._numbers[images.stem(name)]
        except KeyError:
            raise ValueError(
                f"The data set {self.name} has no image {name!r}; its "
                f"{len(self)} names begin with {_listing(self.names)}."
            ) from None

    def image(self, i, size=None, out=None):
        """Return a picture as RGB.

        Args:
            i: Number of the image.
            size: `(height, width)` to resize to: by area average to shrink
                by two or more, else linearly. Defaults to the size as stored,
                which may be smaller than the original.
            out: uint8 array `(*size, 3)` to write the picture to, such as a
                part of a batch.

        Returns:
            uint8 array `(height, width, 3)`, `out` if given.
        """
        if size is None and out is not None:
            size = out.shape[:2]
        stimulus = self._stimuli[i]
        if not isinstance(stimulus, np.ndarray):
            image = images.read_image(
                stimulus, self._exif, None if size is None else as_size(size)
            )
        else:
            image = stimulus.copy()
        return image if size is None else images.resize(image, size, out)

    def digest(self, i):
        """Return a hash of a picture's content, which names it in a cache."""
        digest = images.digest(self._stimuli[i])
        return digest if self._exif else f"{digest}-as-stored"

    def fixations_of(self, i):
        """Return the fixations of one image that maps are made from.

        These lie inside the picture and are not earlier than `first_order`;
        `dataset.fixations` holds all of them.

        Args:
            i: Number of the image.

        Returns:
            A `Fixations`.
        """
        if not self.has_fixations:
            raise ValueError(
                f"The data set {self.name} has density maps but no fixations; "
                "load it with fixations, or use what needs the density alone."
            )
        i = range(len(self))[i]
        rows = self._rows[self._starts[i] : self._starts[i + 1]]
        return self.fixations.select(rows)

    def fixation_points(self, i):
        """Return `(x, y)` of the fixations that maps are made from.

        Args:
            i: Number of the image.

        Returns:
            Two float32 arrays in pixels of the original picture.
        """
        fixations = self.fixations_of(i)
        return fixations.x, fixations.y

    def fixation_map(self, i, size=None):
        """Return how many fixations fall in each cell of a map.

        Args:
            i: Number of the image.
            size: `(height, width)` of the map. Defaults to the original size.

        Returns:
            float32 array `(height, width)`; its sum is the number of
            fixations, at any size.
        """
        return density.fixation_map(
            *self.fixation_points(i), self.sizes[i], size
        )

    def density(self, i, size=None, sigma=None, *, sigma_degrees=None):
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
        sigma = self.sigma(i, sigma, sigma_degrees, default=False)
        published = None if self._densities is None else self._densities[i]
        if published is not None and sigma is None:
            return self._published(i, size)
        if sigma is None:
            sigma = self.sigma(i)
        x, y = self.fixation_points(i)
        if x.size == 0:
            raise ValueError(
                f"The image {self.names[i]!r} of {self.name} has no fixation "
                "inside the picture"
                + (
                    f" from order {self.first_order} on"
                    if self.first_order
                    else ""
                )
                + ", so it has no density map; leave it out "
                "(dataset.with_fixations()) or supply a density map."
            )
        return density.density_map(x, y, self.sizes[i], size, sigma=sigma)

    def sigma(self, i, sigma=None, sigma_degrees=None, *, default=True):
        """Return the sigma of an image's density map in original pixels.

        Args:
            i: Number of the image.
            sigma: Sigma in original pixels, returned as it is.
            sigma_degrees: Sigma in degrees of visual angle.
            default: Whether the data set's own sigma is returned where
                neither is given; otherwise None is.

        Returns:
            A float or None.
        """
        if sigma is not None and sigma_degrees is not None:
            raise ValueError(
                "Give sigma (pixels) or sigma_degrees, not both; received "
                f"sigma={sigma!r} and sigma_degrees={sigma_degrees!r}."
            )
        if sigma_degrees is not None:
            if self.pixels_per_degree is None:
                raise ValueError(
                    f"The data set {self.name} does not know its pixels per "
                    "degree, so sigma_degrees cannot be used: set "
                    "dataset.pixels_per_degree, or give sigma in pixels."
                )
            sigma = sigma_degrees * self.pixels_per_degree
        if sigma is None and default:
            sigma = self.default_sigma
            if sigma is None:
                sigma = RELATIVE_SIGMA * float(self.sizes[i].max())
        return sigma

    def mean_density(self, size, sigma=None, *, sigma_degrees=None):
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
            total += self.density(i, size, sigma, sigma_degrees=sigma_degrees)
        return (total / len(self)).astype("float32")

    def subset(self, which):
        """Return a data set of some of the images, in the order given.

        Args:
            which: Names (with or without extension), numbers, a boolean mask
                or a slice.

        Returns:
            A data set of the same class that shares the pictures.
        """
        return self._take(self._numbers_of(which))

    def with_fixations(self):
        """Return the images that have at least one usable fixation."""
        return self.subset([i for i in range(len(self)) if self.count(i)])

    def count(self, i):
        """Return the number of fixations that the maps of an image count."""
        return len(self.fixations_of(i))

    def split(self, parts, seed=0, name=None, *, by_category=False):
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
            ValueError: On a split that is not known or of another data set.
        """
        if isinstance(parts, str):
            return named_split(parts, self)
        categories = None
        if by_category:
            categories = self.categories
            if categories is None:
                raise ValueError(
                    f"The names of {self.name} have no folders, which are the "
                    "categories; leave out by_category."
                )
        return Split.draw(
            self.names, parts, seed=seed, name=name, categories=categories
        )

    def _numbers_of(self, which):
        if isinstance(which, slice):
            numbers_ = range(len(self))[which]
        else:
            if isinstance(which, (str, numbers.Integral)):
                which = [which]
            which = list(which)
            if which and all(
                isinstance(item, (bool, np.bool_)) for item in which
            ):
                if len(which) != len(self):
                    raise ValueError(
                        f"A mask of {len(which)} values does not fit the "
                        f"{len(self)} images of {self.name}."
                    )
                which = np.flatnonzero(which).tolist()
            missing = [
                item
                for item in which
                if isinstance(item, str)
                and images.stem(item) not in self._numbers
            ]
            if missing:
                raise ValueError(
                    f"The data set {self.name} lacks {len(missing)} of the "
                    f"{len(which)} images asked for, such as "
                    f"{_listing(missing)}. Its {len(self)} names begin with "
                    f"{_listing(self.names)}."
                )
            numbers_ = [
                self.index(item) if isinstance(item, str) else item
                for item in which
            ]
        chosen = []
        for number in numbers_:
            try:
                chosen.append(range(len(self))[number])
            except (IndexError, TypeError):
                raise ValueError(
                    f"The data set {self.name} has no image number "
                    f"{number!r}; it has {len(self)} images."
                ) from None
        if not chosen:
            raise ValueError(
                f"The subset of {self.name} asked for has no images."
            )
        return chosen

    def _take(self, chosen):
        part = copy.copy(self)
        part._stimuli = [self._stimuli[i] for i in chosen]
        part.names = tuple(self.names[i] for i in chosen)
        part.sizes = self.sizes[chosen]
        if self._densities is not None:
            part._densities = [self._densities[i] for i in chosen]
        part._index_names()
        if self.has_fixations:
            position = np.full(len(self), -1, "int32")
            position[chosen] = np.arange(len(chosen))
            index = position[self.fixations.image_index]
            part.fixations = self.fixations.select(index >= 0)
            part.fixations.image_index = index[index >= 0]
        part._index_fixations()
        return part

    def _index_names(self):
        self._numbers = {}
        for i, name in enumerate(self.names):
            other = self._numbers.setdefault(images.stem(name), i)
            if other != i:
                raise ValueError(
                    f"Two images of {self.name} have the same name, extension "
                    f"aside: {self.names[other]!r} and {name!r}."
                )

    def _index_fixations(self):
        if not self.has_fixations:
            return
        fixations, count = self.fixations, len(self)
        index = fixations.image_index
        if index.size and not (0 <= index.min() and index.max() < count):
            raise ValueError(
                f"The fixations of {self.name} belong to images "
                f"{index.min()} to {index.max()}, but the images are numbered "
                f"0 to {count - 1}."
            )
        height, width = self.sizes[index].T
        used = np.flatnonzero(
            (fixations.order >= self.first_order)
            & (fixations.x >= 0)
            & (fixations.x < width)
            & (fixations.y >= 0)
            & (fixations.y < height)
        )
        self._rows = used[np.argsort(index[used], kind="stable")]
        self._starts = np.searchsorted(index[self._rows], np.arange(count + 1))

    def _published(self, i, size):
        source = self._densities[i]
        if isinstance(source, np.ndarray):
            label = f"of image {self.names[i]!r} of {self.name}"
            published = images.check_map(source, label)
        else:
            label = source
            published = images.read_map(source)
        if published.shape != tuple(self.sizes[i]):
            raise DatasetError(
                f"The density map {label} is {published.shape[0]} high and "
                f"{published.shape[1]} wide, but its image "
                f"{self.names[i]!r} is {self.sizes[i][0]} high and "
                f"{self.sizes[i][1]} wide; a map must have its image's size."
            )
        peak = published.max()
        if peak <= 0:
            raise DatasetError(
                f"The density map {label} is zero everywhere; leave its image "
                "out or replace the map."
            )
        if size is not None:
            published = images.resize(published, size)
            peak = published.max()
        return published / peak


def _stimulus_size(stimulus, exif):
    if isinstance(stimulus, np.ndarray):
        if (
            stimulus.ndim != 3
            or stimulus.shape[-1] != 3
            or stimulus.dtype != np.uint8
        ):
            raise ValueError(
                "A stimulus given as an array must be uint8 of shape "
                f"(height, width, 3), received {stimulus.dtype} of shape "
                f"{stimulus.shape}."
            )
        return stimulus.shape[:2]
    return images.image_size(stimulus, exif)


def _column(values, name, dtype, count=None, default=None):
    if values is None:
        return np.full(count, default, dtype)
    values = np.asarray(values).astype(dtype).ravel()
    if count is not None and values.size != count:
        raise ValueError(
            f"Every property of the fixations needs one value per fixation; "
            f"image_index has {count} and {name} has {values.size}."
        )
    return values


def _listing(names, count=3):
    shown = ", ".join(repr(name) for name in names[:count])
    return shown + (", ..." if len(names) > count else "")
