"""A cache of the features that a frozen backbone gives.

A frozen backbone computes the same features for a picture in every epoch.
`cache_features` computes them once, keeps them on disk, and gives batches
`(features, targets)` on which the head trains alone:

    train = SaliencySequence(dataset, map_size=(37, 50))
    model.head.fit(cache_features(model.backbone, train))
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import keras
import numpy as np

from keras_saliency._utils import locks

# Part of the key: a change of the layout on disk, or of what is stored, makes
# older caches unfindable instead of wrong.
FORMAT = 1

# Work that a kill may cost, in seconds. Marking an image as done waits for
# the disk, so it is not done for each.
FLUSH_SECONDS = 3.0


def cache_features(
    backbone, sequence, directory=None, dtype="float16", verbose=1
):
    """Compute a frozen backbone's features once and train from the disk.

    Training a head on the result is training it on `backbone(images)` of the
    same sequence: same batches, same shuffling, same mirrored samples, the
    backbone in inference mode. (float16 rounds the features to 11 bits;
    `dtype="float32"` keeps them whole.)

    The cache is found again by what it depends on: content, names and order
    of the pictures, image size, mirroring, `dtype`, the backbone's
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
        sequence: A `SaliencySequence`. For `flip=True` the mirrored pictures
            are cached too.
        directory: Folder of all caches. Defaults to the environment variable
            `KERAS_SALIENCY_CACHE`, else `~/.cache/keras_saliency/features`.
        dtype: "float16" or "float32", on disk.
        verbose: 0 prints nothing, 1 a progress bar while features are
            computed.

    Returns:
        `CachedFeatures`, a `keras.utils.PyDataset`.

    Raises:
        ValueError: If a feature is not finite or too large for float16; the
            message names the image.
        OSError: If the folder cannot be written, or the disk is full.
    """
    if dtype not in ("float16", "float32"):
        raise ValueError(
            f'dtype must be "float16" or "float32", received {dtype!r}.'
        )
    directory = Path(
        directory
        or os.environ.get("KERAS_SALIENCY_CACHE")
        or "~/.cache/keras_saliency/features"
    ).expanduser()
    key = _key(backbone, sequence, dtype)
    rows = len(sequence.dataset) * (2 if sequence.flip else 1)
    store = _Store(directory, key, rows, dtype)
    computed = 0
    opened = store.open()
    if opened is None:
        with _lock(directory, key, verbose):
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
    return CachedFeatures(sequence, *opened, store.folder, computed)


class CachedFeatures(keras.utils.PyDataset):
    """Batches `(features, targets)` of a sequence; see `cache_features`.

    Features have their type on disk; Keras models cast float16 to what they
    compute in. To read ahead in threads, set `workers`.

    Args:
        sequence: The `SaliencySequence` that decides what a batch holds.
        arrays: One array per output of the backbone, one row per sample.
        structure: `None` for one tensor, "list", or the keys of a dictionary.
        directory: Folder of this cache.
        computed: Number of pictures, mirrored ones included, that had to go
            through the backbone.
    """

    def __init__(self, sequence, arrays, structure, directory, computed):
        super().__init__()
        self.sequence = sequence
        self.directory = directory
        self.computed = computed
        self._arrays = arrays
        self._structure = structure

    @property
    def dataset(self):
        """The data set of the sequence."""
        return self.sequence.dataset

    def __len__(self):
        return len(self.sequence)

    def __getitem__(self, batch):
        samples = self.samples(batch)
        return self.features(samples), self.targets(samples)

    def on_epoch_begin(self):
        """Pass the call on to the sequence."""
        self.sequence.on_epoch_begin()

    def on_epoch_end(self):
        """Arrange the samples of the next pass."""
        self.sequence.on_epoch_end()

    def samples(self, batch):
        """Return what a batch is made of; see `SaliencySequence.samples`."""
        return self.sequence.samples(batch)

    def images(self, samples):
        """Return the images of some samples."""
        return self.sequence.images(samples)

    def targets(self, samples):
        """Return the targets of some samples."""
        return self.sequence.targets(samples)

    def features(self, samples):
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
            for k, (i, flipped) in enumerate(samples):
                output[k] = array[i + count * flipped]
            outputs.append(output)
        if self._structure is None:
            return outputs[0]
        if self._structure == "list":
            # TensorFlow's data pipeline refuses lists of arrays.
            return tuple(outputs)
        return dict(zip(self._structure, outputs, strict=True))


class _Store:
    """One cache on disk: an array per output, done marks and a description.

    The description is written last and by renaming, so what is called
    complete is; before, each row that is marked as done is on the disk.
    """

    def __init__(self, directory, key, rows, dtype):
        self.folder = directory / key
        self.rows = rows
        self.dtype = np.dtype(dtype)
        self._meta = self.folder / "meta.json"
        self._marks = self.folder / "done.bin"

    def open(self):
        """Return `(arrays, structure)`, or None unless complete and whole."""
        meta = self._read_meta()
        if meta is None or not meta["complete"]:
            return None
        arrays = self._arrays(meta)
        return None if arrays is None else (arrays, meta["structure"])

    def resume(self):
        """Return the description and marks of a cache begun, or None."""
        meta = self._read_meta()
        if meta is None or meta["complete"] or self._arrays(meta) is None:
            return None
        marks = np.fromfile(self._marks, "uint8")
        return (meta, marks == 1) if marks.size == self.rows else None

    def create(self, structure, shapes):
        """Begin anew and return the description."""
        with self._explained():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            for k, shape in enumerate(shapes):
                np.lib.format.open_memmap(
                    self._path(k), "w+", self.dtype, (self.rows, *shape)
                )
            self._marks.write_bytes(bytes(self.rows))
            meta = {
                "complete": False,
                "rows": self.rows,
                "structure": structure,
                "shapes": [list(shape) for shape in shapes],
            }
            self._write_meta(meta)
        return meta

    @contextlib.contextmanager
    def writer(self, meta, missing):
        """Open for writing; gives `write(rows, outputs)`.

        Written rows are marked as done every few seconds, at the end, and
        also when the work is broken off by an exception.
        """
        with contextlib.ExitStack() as stack:
            with self._explained():
                self._check_space(meta, missing)
                offsets = [array.offset for array in self._arrays(meta)]
                files = [
                    stack.enter_context(open(self._path(k), "r+b", 0))
                    for k in range(len(offsets))
                ]
                marks = stack.enter_context(open(self._marks, "r+b", 0))
            written = []
            marked_at = time.monotonic()

            def mark():
                nonlocal marked_at
                for file in files:
                    os.fsync(file.fileno())
                for row in written:
                    marks.seek(row)
                    marks.write(b"\x01")
                os.fsync(marks.fileno())
                written.clear()
                marked_at = time.monotonic()

            def write(rows, outputs):
                # Through files and not a memory map: on a full disk writing
                # to a map kills the process instead of raising.
                with self._explained():
                    for file, offset, output in zip(
                        files, offsets, outputs, strict=True
                    ):
                        for row, values in zip(rows, output, strict=True):
                            file.seek(offset + row * values.nbytes)
                            _write_all(file, values)
                    written.extend(rows)
                    if time.monotonic() - marked_at > FLUSH_SECONDS:
                        mark()

            try:
                yield write
            except BaseException:
                with contextlib.suppress(OSError):
                    mark()
                raise
            with self._explained():
                mark()

    def finish(self, meta):
        """Declare the cache complete."""
        with self._explained():
            self._write_meta({**meta, "complete": True})

    def _path(self, k):
        return self.folder / f"output_{k}.npy"

    def _read_meta(self):
        try:
            meta = json.loads(self._meta.read_text(encoding="utf-8"))
            usable = meta["rows"] == self.rows and all(
                field in meta for field in ("complete", "structure", "shapes")
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return meta if usable else None

    def _write_meta(self, meta):
        temporary = self._meta.with_suffix(".tmp")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(meta, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._meta)

    def _arrays(self, meta):
        arrays = []
        for k, shape in enumerate(meta["shapes"]):
            try:
                array = np.load(self._path(k), mmap_mode="r")
                size = self._path(k).stat().st_size
            except (OSError, ValueError, EOFError):
                return None
            if (
                array.shape != (self.rows, *shape)
                or array.dtype != self.dtype
                or size != array.offset + array.nbytes
            ):
                return None
            arrays.append(array)
        return arrays

    def _check_space(self, meta, missing):
        needed = (
            missing
            * self.dtype.itemsize
            * sum(int(np.prod(shape)) for shape in meta["shapes"])
        )
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise OSError(
                errno.ENOSPC,
                f"{needed / 1e6:.1f} MB are needed and {free / 1e6:.1f} MB "
                "are free",
            )

    def _explained(self):
        return _explained(self.folder.parent)


def _extract(store, backbone, sequence, verbose):
    """Compute the rows that are not yet done; return their number."""
    count = len(sequence.dataset)
    begun = store.resume()
    meta, done = begun or (None, np.zeros(store.rows, bool))
    missing = np.flatnonzero(~done).tolist()
    with contextlib.ExitStack() as stack:
        write = bar = None
        for start in range(0, len(missing), sequence.batch_size):
            rows = missing[start : start + sequence.batch_size]
            samples = [(row % count, row >= count) for row in rows]
            # A batch of another size would be compiled anew.
            padding = [samples[-1]] * (sequence.batch_size - len(rows))
            images = sequence.images(samples + padding)
            structure, outputs = _flatten(backbone.predict_on_batch(images))
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
                    bar = keras.utils.Progbar(store.rows, unit_name="image")
            write(rows, outputs)
            if bar is not None:
                bar.update(store.rows - len(missing) + start + len(rows))
    store.finish(meta)
    return len(missing)


def _stored(output, store, sequence, samples):
    """Convert an output to the type on disk, or raise naming the image."""
    exact = np.asarray(output, "float32")
    with np.errstate(over="ignore"):
        stored = np.ascontiguousarray(exact, store.dtype)
    bad = [k for k in range(len(samples)) if not np.isfinite(stored[k]).all()]
    if bad:
        i, flipped = samples[bad[0]]
        image = repr(sequence.dataset.names[i])
        image += " (mirrored)" if flipped else ""
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


def _write_all(file, values):
    data = memoryview(values.tobytes())
    while data:
        # An unbuffered file may take a part, just before the disk is full.
        data = data[file.write(data) :]


def _flatten(outputs):
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


def _key(backbone, sequence, dtype):
    """Hash everything that the features depend on."""
    dataset = sequence.dataset
    if not backbone.built:
        backbone.predict_on_batch(sequence.images([(0, False)]))
    state = hashlib.blake2b(digest_size=16)
    description = {
        "format": FORMAT,
        "keras": keras.version(),
        "backend": keras.config.backend(),
        "dtype": dtype,
        "flip": bool(sequence.flip),
        "image_size": sequence.image_size,
        "images": [
            (name, dataset.digest(i)) for i, name in enumerate(dataset.names)
        ],
        "architecture": _architecture(backbone),
    }
    state.update(json.dumps(description, sort_keys=True, default=repr).encode())
    for weight in backbone.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        state.update(f"{values.shape}{values.dtype.str}".encode())
        state.update(values.view("uint8") if values.ndim else values.tobytes())
    return state.hexdigest()


def _architecture(backbone):
    """Return the configuration without what changes from run to run.

    Operations that the user does not name are numbered within the process,
    so their names are replaced by their place in the model.
    """
    try:
        config = backbone.get_config()
    except NotImplementedError as error:
        raise ValueError(
            f"The backbone {backbone.name!r} cannot be recognized in the "
            "cache, for it has no configuration: make it a functional model "
            "or give it get_config()."
        ) from error
    places = {}

    def collect(layer):
        places.setdefault(layer.name, f"layer {len(places)}")
        # Operations are layers and the plain `keras.ops` between them.
        inner = getattr(layer, "operations", None)
        for operation in inner or getattr(layer, "layers", ()):
            collect(operation)

    def walk(value, is_reference=False):
        if isinstance(value, dict):
            return {
                str(key): item
                if key == "dtype"
                else walk(
                    item,
                    key
                    in (
                        "name",
                        "keras_history",
                        "input_layers",
                        "output_layers",
                    ),
                )
                for key, item in value.items()
                if key not in ("trainable", "shared_object_id", "build_config")
            }
        if isinstance(value, (list, tuple)):
            return [walk(item, is_reference) for item in value]
        if is_reference and isinstance(value, str):
            return places.get(value, value)
        return value

    collect(backbone)
    return walk({"class": type(backbone).__name__, "config": config})


@contextlib.contextmanager
def _explained(directory):
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"The feature cache cannot be written in {directory}: "
            f"{error.strerror or error}. Make room there, or choose another "
            "folder by directory= or the environment variable "
            "KERAS_SALIENCY_CACHE",
        ) from error


@contextlib.contextmanager
def _lock(directory, key, verbose):
    def on_wait():
        if verbose:
            print("Waiting for another process that computes these features")

    with contextlib.ExitStack() as stack:
        with _explained(directory):
            directory.mkdir(parents=True, exist_ok=True)
            path = directory / f"{key}.lock"
            stack.enter_context(locks.hold(path, on_wait))
        yield
