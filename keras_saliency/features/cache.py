"""Features of a frozen backbone, computed once and read from the disk.

A frozen backbone computes the same features for an image in every epoch.
`cache_features` computes them once, keeps them on disk, and gives batches
`(features, targets)` on which the head trains alone:

    train = SaliencySequence(dataset, map_size=(37, 50))
    model.head.fit(cache_features(model.backbone, train))
"""

import contextlib
import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_saliency import inference
from keras_saliency._utils.pool import progress_bar
from keras_saliency._utils.types import Array, PathName, Verbose
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.sequence import SaliencySequence, Sample
from keras_saliency.features.keys import cache_key
from keras_saliency.features.store import Store, Structure


def cache_features(
    backbone: keras.Model,
    sequence: SaliencySequence,
    directory: PathName | None = None,
    *,
    dtype: str = "float16",
    verbose: Verbose = 1,
) -> "CachedFeatures":
    """Compute a frozen backbone's features once and train from the disk.

    Training a head on the result is training it on `backbone(images)` of the
    same sequence: same batches, same shuffling, same mirrored samples, the
    backbone in inference mode. (float16 rounds the features to 11 bits;
    `dtype="float32"` keeps them whole.)

    The cache is found again by what it depends on: content, names and order
    of the images, image size, mirroring, `augment`, `dtype`, the backbone's
    configuration (names of layers aside) and weights, backend and Keras
    version. If any of these changes, another cache is built beside it; delete
    the folder to free the space. The code of custom layers is not looked at.

    Several processes may ask for one cache at once: the first builds it and
    the others wait. If that process is killed, the next resumes where it
    stopped.

    Args:
        backbone: Model that takes images `(batch, height, width, 3)`, RGB in
            0..255, and returns a tensor, or a flat list or dictionary of
            tensors.
        sequence: A `SaliencySequence`. For `flip=True` the mirrored images
            are cached too, for `augment=` all `versions` of each image.
        directory: Folder of all caches. Defaults to the environment variable
            `KERAS_SALIENCY_CACHE`, else `~/.cache/keras_saliency/features`.
        dtype: "float16" or "float32", on disk.
        verbose: 0 prints nothing, 1 a progress bar while features are
            computed.

    Returns:
        `CachedFeatures`, a `keras.utils.PyDataset`.

    Raises:
        ValueError: If a feature is not finite or too large for float16 (the
            message names the image), or an argument is not as it must be.
        OSError: If the folder cannot be written, or the disk is full.
    """
    if dtype not in ("float16", "float32"):
        raise ValueError(
            f'dtype must be "float16" or "float32", received {dtype!r}.'
        )
    if sequence.versions is None:
        raise ValueError(
            "Images that are new in each pass have no features to keep: give "
            "the sequence a number of them, such as versions=8."
        )
    folder = Path(
        directory
        or os.environ.get("KERAS_SALIENCY_CACHE")
        or "~/.cache/keras_saliency/features"
    ).expanduser()
    key = cache_key(backbone, sequence, dtype)
    rows = len(sequence.dataset) * sequence.versions
    store = Store(folder, key, rows, dtype)

    def on_wait() -> None:
        if verbose:
            print("Waiting for another process that computes these features")

    computed = 0
    opened = store.open()
    if opened is None:
        with store.lock(on_wait=on_wait):
            opened = store.open()
            if opened is None:
                computed = _extract(store, backbone, sequence, verbose)
                opened = store.open()
    if opened is None:
        raise OSError(
            errno.EIO,
            f"The feature cache {store.folder} was changed while it was "
            "built. Delete that folder and try again.",
        )
    arrays, structure = opened
    return CachedFeatures(
        sequence,
        arrays,
        structure=structure,
        directory=store.folder,
        computed=computed,
    )


class CachedFeatures(keras.utils.PyDataset):
    """Batches `(features, targets)` of a sequence; see `cache_features`.

    Features have their type on disk; Keras models cast float16 to what they
    compute in. To read ahead in threads, set `workers`.

    Args:
        sequence: The `SaliencySequence` that decides what a batch holds.
        arrays: One array per output of the backbone, one row per sample.
        structure: None for one tensor, "list", or the keys of a dictionary.
        directory: Folder of this cache.
        computed: Number of images, mirrored ones included, that had to go
            through the backbone.
    """

    def __init__(
        self,
        sequence: SaliencySequence,
        arrays: Sequence[Array],
        *,
        structure: Structure,
        directory: Path,
        computed: int,
    ) -> None:
        super().__init__()
        self.sequence = sequence
        self.directory = directory
        self.computed = computed
        self._arrays = arrays
        self._structure = structure

    @property
    def dataset(self) -> SaliencyDataset:
        """The data set of the sequence."""
        return self.sequence.dataset

    def __len__(self) -> int:
        return len(self.sequence)

    def __getitem__(self, batch: int) -> tuple[Any, Array]:
        samples = self.samples(batch)
        return self.features(samples), self.targets(samples)

    def on_epoch_begin(self) -> None:
        """Pass the call on to the sequence."""
        self.sequence.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Arrange the samples of the next pass."""
        self.sequence.on_epoch_end()

    def samples(self, batch: int) -> list[Sample]:
        """Return the samples of a batch; see `SaliencySequence.samples`."""
        return self.sequence.samples(batch)

    def images(self, samples: list[Sample]) -> Array:
        """Return the images of some samples."""
        return self.sequence.images(samples)

    def targets(self, samples: list[Sample]) -> Array:
        """Return the targets of some samples."""
        return self.sequence.targets(samples)

    def features(self, samples: list[Sample]) -> Any:
        """Return the features of some samples.

        Args:
            samples: List as from `samples`.

        Returns:
            Array `(len(samples), ...)`, or a tuple or dictionary of them as
            the backbone returns, of the type on disk.
        """
        count = len(self.sequence.dataset)
        outputs = []
        for array in self._arrays:
            output = np.empty((len(samples), *array.shape[1:]), array.dtype)
            for k, (i, version) in enumerate(samples):
                output[k] = array[i + count * version]
            outputs.append(output)
        if self._structure is None:
            return outputs[0]
        if self._structure == "list":
            # TensorFlow's data pipeline refuses lists of arrays.
            return tuple(outputs)
        return dict(zip(self._structure, outputs, strict=True))


def _extract(
    store: Store,
    backbone: keras.Model,
    sequence: SaliencySequence,
    verbose: Verbose,
) -> int:
    """Compute the rows that are not yet done; return their number."""
    count = len(sequence.dataset)
    meta: Any
    meta, done = store.resume() or (None, np.zeros(store.rows, bool))
    missing = np.flatnonzero(~done).tolist()
    with contextlib.ExitStack() as stack:
        write = bar = None
        for start in range(0, len(missing), sequence.batch_size):
            rows = missing[start : start + sequence.batch_size]
            samples = [(row % count, row // count) for row in rows]
            # A batch of another size would be compiled anew.
            padding = [samples[-1]] * (sequence.batch_size - len(rows))
            images = sequence.images(samples + padding)
            structure, outputs = _flatten(
                inference.outputs_of(backbone, images)
            )
            outputs = [
                _stored(output[: len(rows)], store, sequence, samples)
                for output in outputs
            ]
            if meta is None:
                meta = store.create(structure, [o.shape[1:] for o in outputs])
            if write is None:
                write = stack.enter_context(store.writer(meta, len(missing)))
                if verbose:
                    print(
                        f"Features of {store.rows} images, {len(missing)} "
                        f"still to be computed, in {store.folder}"
                    )
                bar = progress_bar(store.rows, verbose)
            write(rows, outputs)
            if bar is not None:
                bar.update(store.rows - len(missing) + start + len(rows))
    store.finish(meta)
    return len(missing)


def _stored(
    output: Any,
    store: Store,
    sequence: SaliencySequence,
    samples: Sequence[Sample],
) -> Array:
    """Convert an output to the type on disk, or raise naming the image."""
    exact = np.asarray(output, "float32")
    with np.errstate(over="ignore"):
        stored = np.ascontiguousarray(exact, store.dtype)
    bad = [k for k in range(len(samples)) if not np.isfinite(stored[k]).all()]
    if bad:
        i, version = samples[bad[0]]
        image = repr(sequence.dataset.names[i])
        if version:
            mirrored = sequence.augment is None
            image += " (mirrored)" if mirrored else f" (version {version})"
        if np.isfinite(exact[bad[0]]).all():
            raise ValueError(
                f"A feature of the image {image} is "
                f"{np.abs(exact[bad[0]]).max():.4g}, too large for float16 "
                '(65504 at most); use dtype="float32".'
            )
        raise ValueError(
            f"The backbone gives NaN or infinite features for the image "
            f"{image}; check the backbone's weights and its preprocessing."
        )
    return stored


def _flatten(outputs: Any) -> tuple[Structure, list[Any]]:
    """Return the structure of a backbone's outputs, and the outputs."""
    structure: Structure
    if isinstance(outputs, dict):
        structure, leaves = list(outputs), list(outputs.values())
    elif isinstance(outputs, (list, tuple)):
        structure, leaves = "list", list(outputs)
    else:
        structure, leaves = None, [outputs]
    if any(isinstance(leaf, (dict, list, tuple)) for leaf in leaves):
        raise ValueError(
            "The backbone must return a tensor, or a flat list or dictionary "
            "of tensors; it returns a nested structure."
        )
    return structure, leaves
