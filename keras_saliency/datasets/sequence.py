"""Batches of images and targets for `fit`, `evaluate` and `predict`."""

import math
from typing import Any

import cv2
import keras
import numpy as np

from keras_saliency._utils.checks import as_count
from keras_saliency._utils.types import Array, Size
from keras_saliency.datasets.augmentation import as_augmentation, augmented
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.images import as_size

# Number of an image in the data set, and of its version: 0 is the image as it
# is; without `augment`, 1 is mirrored.
Sample = tuple[int, int]

# Targets of all images together that are kept in memory, in bytes. At 37x50
# this holds 18,000 images; at 300x400, where making a target takes little
# longer than copying it, 280.
_CACHE_BYTES = 2**28
# Images, for which reading and decoding costs far more: 1,491 at 300x400.
_IMAGE_BYTES = 2**29


class SaliencySequence(keras.utils.PyDataset):
    """Batches `(images, targets)` of a data set.

    Images are uint8 RGB `(batch, height, width, 3)`; targets are float32
    `(batch, height, width, 2)`: the density map with peak 1, and the counts
    of fixations. For a data set without fixations the second is left out.
    The last batch may be smaller, unless `drop_last` leaves it out.

    Samples are shuffled anew for each pass. What a batch holds depends on
    the seed, the pass and the number of the batch alone, not on the number of
    workers or the backend. (With `workers` above 1, Keras on JAX and torch
    begins an epoch with the batches that it had read ahead in the last one.)

    Args:
        dataset: A `SaliencyDataset`.
        batch_size: Images per batch, at most the size of the data set.
        image_size: `(height, width)` of the images.
        map_size: `(height, width)` of the targets. Defaults to `image_size`.
        shuffle: Whether to shuffle the samples for each pass.
        flip: Whether to mirror each sample left to right with probability
            1/2, image and targets alike.
        augment: Changes each sample at random and moves its fixations and
            density along: `datasets.Affine(rotation=10)`, a transform of the
            library albumentations (geometric or of colors), or a function as
            `datasets.Augmentation` describes it. After mirroring, at
            `image_size`. A sample of which no fixation would be left in the
            image is not changed. (Density maps are then moved, not made from
            the fixations that were moved: a zoom widens them.)
        versions: How many versions of each image `augment` makes in all, the
            image as it is among them; a pass takes one of them at random.
            Defaults to a new one in each pass. `cache_features` needs a
            number.
        seed: Seed of shuffling, mirroring and `augment`.
        sigma: Sigma of the density maps in original pixels. Defaults to the
            data set's own.
        sigma_degrees: The same in degrees of visual angle.
        cache_targets: Whether to keep targets in memory once made. By
            default they are kept if those of all images take at most 256 MiB.
        cache_images: Whether to keep images, decoded and resized, in memory
            once read. By default they are kept from the second pass on, if
            all together take at most 512 MiB.
        drop_last: Whether to leave out a smaller last batch. Training on
            several devices may need it: JAX splits no batch that the number
            of devices does not divide, and under `tf.distribute` no replica
            may be without an image.
        workers: See `keras.utils.PyDataset`.
        use_multiprocessing: See `keras.utils.PyDataset`. Reading images
            releases Python's lock, so threads do.
        max_queue_size: See `keras.utils.PyDataset`.

    Examples:
    >>> from keras_saliency.datasets import generate
    >>> dataset = generate(count=5, size=(24, 32))
    >>> batches = SaliencySequence(dataset, batch_size=2, image_size=(24, 32))
    >>> len(batches)
    3
    >>> images, targets = batches[0]
    >>> images.shape, targets.shape
    ((2, 24, 32, 3), (2, 24, 32, 2))
    """

    def __init__(
        self,
        dataset: SaliencyDataset,
        batch_size: int = 10,
        image_size: Size = (300, 400),
        map_size: Size | None = None,
        *,
        shuffle: bool = True,
        flip: bool = False,
        augment: Any = None,
        versions: int | None = None,
        seed: int = 0,
        sigma: float | None = None,
        sigma_degrees: float | None = None,
        cache_targets: bool | None = None,
        cache_images: bool | None = None,
        drop_last: bool = False,
        workers: int = 1,
        use_multiprocessing: bool = False,
        max_queue_size: int = 10,
    ) -> None:
        super().__init__(
            workers=workers,
            use_multiprocessing=use_multiprocessing,
            max_queue_size=max_queue_size,
        )
        batch_size = as_count(batch_size, "batch_size")
        if batch_size > len(dataset):
            raise ValueError(
                f"batch_size {batch_size} is above the {len(dataset)} images "
                f"of the data set {dataset.name}; choose a batch size of at "
                f"most {len(dataset)}."
            )
        self.dataset = dataset
        self.batch_size = batch_size
        self.image_size = as_size(image_size, "image_size")
        self.map_size = (
            self.image_size
            if map_size is None
            else as_size(map_size, "map_size")
        )
        self.shuffle = shuffle
        self.flip = flip
        self.augment = as_augmentation(augment)
        if versions is not None and augment is None:
            raise ValueError(
                f"versions={versions!r} is for augment=, which is not given."
            )
        if versions is not None:
            versions = as_count(versions, "versions")
        self.versions = 1 + flip if augment is None else versions
        self.drop_last = drop_last
        self.seed = seed
        self.sigma = dataset.sigma_in_pixels(sigma, sigma_degrees)
        if cache_targets is None:
            cells = len(dataset) * self.map_size[0] * self.map_size[1]
            if self.augment is not None:
                # Of images that are new in each pass none is kept.
                cells *= self.versions or 1
            channels = 1 + dataset.has_fixations
            cache_targets = 4 * cells * channels <= _CACHE_BYTES
        self._cache: dict[Sample, Array] | None = {} if cache_targets else None
        self._changes = dataset.changes
        if cache_images is None:
            pixels = self.image_size[0] * self.image_size[1]
            # One pass alone, as to compute features, gains nothing by it.
            self._keep_from = (
                1 if 3 * pixels * len(dataset) <= _IMAGE_BYTES else math.inf
            )
        else:
            self._keep_from = 0 if cache_images else math.inf
        self._images: dict[int, Array] = {}
        self._pass = 0
        self._arrange()

    def __len__(self) -> int:
        batches, rest = divmod(len(self.dataset), self.batch_size)
        return batches + (rest > 0 and not self.drop_last)

    def __getitem__(self, batch: int) -> tuple[Array, Array]:
        samples = self.samples(batch)
        if self.augment is None:
            return self.images(samples), self.targets(samples)
        images, targets = zip(*map(self._both, samples), strict=True)
        return np.stack(images), np.stack(targets)

    def on_epoch_end(self) -> None:
        """Arrange the samples of the next pass."""
        # Keras calls this once before the first epoch too, so the number
        # below counts passes, not epochs.
        self._pass += 1
        self._arrange()

    @property
    def pass_number(self) -> int:
        """Number of the present pass over the data, which decides its order.

        Keras begins one before the first epoch, so epoch 0 is pass 1.
        """
        return self._pass

    @pass_number.setter
    def pass_number(self, number: int) -> None:
        self._pass = number
        self._arrange()

    def samples(self, batch: int) -> list[Sample]:
        """Return the samples of a batch of the present pass.

        Args:
            batch: Number of the batch.

        Returns:
            List of pairs: number of the image in the data set, and 0 for the
            image as it is, 1 for its mirror image, or with `augment` the
            number of one of its versions.
        """
        if not 0 <= batch < len(self):
            raise IndexError(
                f"There is no batch {batch}; there are {len(self)}."
            )
        start = batch * self.batch_size
        # One read of one attribute: a worker never sees half of a new pass.
        return self._samples[start : start + self.batch_size]

    def images(self, samples: list[Sample]) -> Array:
        """Return the images of some samples.

        Args:
            samples: List as from `samples`.

        Returns:
            uint8 array `(len(samples), height, width, 3)`.
        """
        images = np.empty((len(samples), *self.image_size, 3), "uint8")
        for k, (i, version) in enumerate(samples):
            if version and self.augment is not None:
                images[k] = self._both((i, version))[0]
            elif version:
                # NumPy's mirrored copy takes half as long as decoding.
                cv2.flip(self._image(i), 1, dst=images[k])
            else:
                self._image(i, out=images[k])
        return images

    def targets(self, samples: list[Sample]) -> Array:
        """Return the targets of some samples.

        Args:
            samples: List as from `samples`.

        Returns:
            float32 array `(len(samples), height, width, 2)`, or 1 in place of
            2 where the data set has no fixations.
        """
        channels = 1 + self.dataset.has_fixations
        shape = (len(samples), *self.map_size, channels)
        targets = np.empty(shape, "float32")
        for k, (i, version) in enumerate(samples):
            if version and self.augment is not None:
                targets[k] = self._target((i, version))
            elif version:
                cv2.flip(self._target((i, 0)), 1, dst=targets[k])
            else:
                targets[k] = self._target((i, 0))
        return targets

    def _image(self, i: int, out: Array | None = None) -> Array:
        """Return an image as it is, and write it to `out`."""
        image = self._images.get(i)
        if image is None:
            if self._pass < self._keep_from:
                return self.dataset.image(i, self.image_size, out=out)
            image = self._images[i] = self.dataset.image(i, self.image_size)
        if out is not None:
            out[...] = image
        return image

    def _both(self, sample: Sample) -> tuple[Array, Array]:
        """Return image and target of a version of an image."""
        i, version = sample
        image = self._image(i)
        found = None
        if version and self.augment is not None:
            try:
                found = augmented(
                    self.augment,
                    (image.copy(), *self._on_image(i)),
                    np.random.default_rng([self.seed, i, version]),
                    flip=self.flip,
                    map_size=self.map_size,
                    has_fixations=self.dataset.has_fixations,
                )
            except ValueError as error:
                name = self.dataset.names[i]
                raise ValueError(f"image {name!r}: {error}") from error
        if found is None:
            found = image, self._target((i, 0))
        if self._cache is not None and self.versions is not None:
            self._cache[sample] = found[1]
        return found

    def _on_image(self, i: int) -> tuple[Array, Array]:
        """Return positions on, and the density map of, an image as it is."""
        density = self.dataset.density(i, self.image_size, sigma=self.sigma)
        if not self.dataset.has_fixations:
            return np.zeros((0, 2)), density
        x, y = self.dataset.fixation_points(i)
        height, width = self.dataset.sizes[i]
        scale = np.divide(self.image_size[::-1], (width, height))
        return np.column_stack([x, y]) * scale, density

    def _target(self, sample: Sample) -> Array:
        if self._cache is not None and self._changes != self.dataset.changes:
            self._changes = self.dataset.changes
            self._cache = {}
        cached = None if self._cache is None else self._cache.get(sample)
        if cached is not None:
            return cached
        i, version = sample
        if version:
            return self._both(sample)[1]
        # In the order of `keras_saliency.targets`.
        maps = [self.dataset.density(i, self.map_size, sigma=self.sigma)]
        if self.dataset.has_fixations:
            maps.append(self.dataset.fixation_map(i, self.map_size))
        target = cv2.merge(maps).reshape(*self.map_size, len(maps))
        if self._cache is not None:
            self._cache[sample] = target
        return target

    def _arrange(self) -> None:
        count = len(self.dataset)
        order = range(count)
        if self.shuffle:
            rng = np.random.default_rng([self.seed, self._pass, 0])
            order = rng.permutation(count).tolist()
        version = [0] * count
        rng = np.random.default_rng([self.seed, self._pass, 1])
        if self.augment is None and self.flip:
            version = (rng.random(count) < 0.5).astype(int).tolist()
        elif self.versions is None:
            version = [1 + self._pass] * count
        elif self.augment is not None:
            version = rng.integers(self.versions, size=count).tolist()
        self._samples = [(i, version[i]) for i in order]
