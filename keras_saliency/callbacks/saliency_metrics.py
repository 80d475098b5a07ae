"""The benchmark's metrics on validation data, after each epoch."""

import inspect
import math
import warnings

import keras
import numpy as np

from keras_saliency import evaluation, images, inference

# Above this, ground-truth maps are made anew each epoch instead of kept.
_KEPT_BYTES = 2**30

_RECORDERS = (
    keras.callbacks.CSVLogger,
    keras.callbacks.History,
    keras.callbacks.TensorBoard,
)


class SaliencyMetrics(keras.callbacks.Callback):
    """Puts `val_cc`, `val_sim`, `val_auc_judd`, ... into the logs.

    After each epoch the model predicts the validation data, and the means of
    the benchmark's metrics over its images (`keras_saliency.evaluation`) go
    into the epoch's logs, where `EarlyStopping`, `ModelCheckpoint`,
    `CSVLogger`, `TensorBoard` and the history find them.

    **It must stand before those in the list of callbacks**, since Keras calls
    them in order; at the start of training, one that monitors a key of this
    callback and stands before it is an error. Always give them `mode="max"`
    (`"min"` for `val_emd` and `val_kl`): Keras knows no direction for keys of
    a callback.

    Args:
        validation_data: One of

            - A `SaliencySequence` or `CachedFeatures`, with `flip=False`.
              Predictions are resized bilinearly to `size` and compared with
              the data set's own maps of that size. These are made once and
              kept (about half a megabyte per image of 300x400), unless all
              of them take more than 1 GiB.
            - Another `keras.utils.PyDataset`, or a pair of arrays `(x, y)`,
              with targets `(batch, height, width, 2)` of density and
              fixations, or `(batch, height, width, 1)` of density alone. The
              size of the targets is the size of the evaluation.
        metrics: Names of `keras_saliency.evaluation.METRICS`, or a dictionary
            of names and options, `{"emd": {"downsize": 8}}`. Defaults to the
            seven of the paper; without fixations to those that need none,
            with a warning.
        size: Height and width of the evaluation. Defaults to the image size
            of the sequence. The metrics depend on it, the EMD at 1/32 above
            all: at a network's output of 37x50 it would compare 2x2 bins.
        every: Evaluate after each n-th epoch, counted from the first, and
            after the last. In between the keys are NaN, since `CSVLogger`
            fixes its columns in the first epoch. `EarlyStopping` counts such
            an epoch as one without improvement.
        batch_size: Batch size for `(x, y)` arrays.
        verbose: 1 shows a progress bar, 0 nothing, `"auto"` does as `fit`.
        prefix: What the keys begin with.

    Attributes:
        keys: Names of the logs written, such as `"val_cc"`.
        per_image: The latest values, a dictionary of name and array with one
            value per image in the order of prediction. NaN where an image has
            no ground truth for the metric; such images are left out of the
            means.

    Raises:
        ValueError: When the callback is made, on data or metrics that do not
            fit; at the start of `fit`, on a callback that stands too early;
            after an epoch, on a prediction that holds NaN, unless training
            is being stopped already.

    Examples:
    >>> import numpy as np
    >>> x = np.random.default_rng(0).random((4, 32, 48, 3))
    >>> y = np.zeros((4, 32, 48, 2), "float32")
    >>> y[:, 10:20, 10:20, 0] = 1
    >>> y[:, 15, 15, 1] = 3
    >>> SaliencyMetrics((x, y), metrics=["cc", "nss"]).keys
    ['val_cc', 'val_nss']
    """

    def __init__(
        self,
        validation_data,
        metrics=None,
        size=None,
        every=1,
        batch_size=32,
        verbose="auto",
        prefix="val_",
    ):
        super().__init__()
        if int(every) != every or every < 1:
            raise ValueError(f"every must be 1, 2, ...; received {every!r}")
        if verbose not in ("auto", 0, 1):
            raise ValueError(
                f'verbose must be "auto", 0 or 1; received {verbose!r}'
            )
        self.every = int(every)
        self.verbose = verbose
        self._source = _source(validation_data, size, batch_size)
        given = self._source.given
        self._chosen = evaluation.choose(metrics, given)
        if metrics is None and len(self._chosen) < len(evaluation.SEVEN):
            left_out = [n for n in evaluation.SEVEN if n not in self._chosen]
            warnings.warn(
                "the validation data has no fixations, so SaliencyMetrics "
                f"leaves out {', '.join(left_out)}",
                stacklevel=2,
            )
        self._source.wanted = {
            need
            for name in self._chosen
            for need in evaluation.METRICS[name].needs
        }
        self._prefix = prefix
        self.keys = [prefix + name for name in self._chosen]
        self.per_image = {}
        self._first_epoch = None

    def on_train_begin(self, logs=None):
        """Checks the order of the callbacks."""
        self._first_epoch = None
        for callback in _callbacks_before(self):
            monitored = getattr(callback, "monitor", None)
            kind = type(callback).__name__
            if monitored in self.keys:
                raise ValueError(
                    f"{kind} monitors {monitored!r} but stands before "
                    "SaliencyMetrics in the list of callbacks, so it would "
                    "never see it. Put SaliencyMetrics first: "
                    f"callbacks=[SaliencyMetrics(...), {kind}(...)]"
                )
            if isinstance(callback, _RECORDERS):
                warnings.warn(
                    f"{kind} stands before SaliencyMetrics in the list of "
                    "callbacks, so it will not record "
                    f"{', '.join(self.keys)}; put SaliencyMetrics first",
                    stacklevel=2,
                )

    def on_epoch_end(self, epoch, logs=None):
        """Evaluates the model and adds the means to the logs."""
        means = dict.fromkeys(self.keys, math.nan)
        if self._is_due(epoch):
            means = self._evaluate(epoch)
        if logs is not None:
            logs.update(means)

    def _is_due(self, epoch):
        if self._first_epoch is None:
            self._first_epoch = epoch
        is_last = epoch + 1 == (self.params or {}).get("epochs")
        return is_last or (epoch - self._first_epoch) % self.every == 0

    def _evaluate(self, epoch):
        bar = self._progress_bar(epoch)
        rows = []
        for batch in range(len(self._source)):
            inputs, truths = self._source.batch(batch)
            predictions = inference.predict(self.model, inputs)
            if not np.isfinite(predictions).all():
                return self._diverged(epoch)
            for prediction, maps in zip(predictions, truths, strict=True):
                size = next(iter(maps.values())).shape
                prediction = images.resize(prediction, size)
                rows.append(evaluation.score(prediction, maps, self._chosen))
            if bar is not None:
                bar.update(batch + 1)
        self.per_image = {
            name: np.array([row[name] for row in rows]) for name in self._chosen
        }
        return {
            key: _mean(values)
            for key, values in zip(
                self.keys, self.per_image.values(), strict=True
            )
        }

    def _progress_bar(self, epoch):
        verbose = self.verbose
        if verbose == "auto":
            verbose = (self.params or {}).get("verbose", 0)
        if verbose != 1:
            return None
        # The training bar's line is still open.
        print(f"\nSaliency metrics on validation data, epoch {epoch + 1}")
        return keras.utils.Progbar(len(self._source), unit_name="batch")

    def _diverged(self, epoch):
        message = (
            f"the model predicts NaN or infinity after epoch {epoch + 1}: "
            "training has diverged. Lower the learning rate, or clip the "
            "gradients (clipnorm=1.0)"
        )
        if not self.model.stop_training:
            raise ValueError(message)
        warnings.warn(message, stacklevel=2)
        return dict.fromkeys(self.keys, math.nan)


def _mean(values):
    """Mean of the values that are defined; NaN if none is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else math.nan


def _callbacks_before(callback):
    """The callbacks in front of one in the list that is calling it.

    Keras tells a callback nothing about its list, whose method is however
    among the callers.
    """
    frame = inspect.currentframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, keras.callbacks.CallbackList):
            listed = list(owner.callbacks)
            return listed[: listed.index(callback)]
        frame = frame.f_back
    return []


def _source(data, size, batch_size):
    if hasattr(data, "dataset") and hasattr(data, "samples"):
        return _SequenceSource(data, size)
    if size is not None:
        raise ValueError(
            "size= is for a SaliencySequence or CachedFeatures; other data is "
            "evaluated at the size of its targets"
        )
    if isinstance(data, keras.utils.PyDataset):
        return _BatchSource(data)
    if isinstance(data, (tuple, list)) and len(data) in (2, 3):
        return _ArraySource(data[0], data[1], batch_size)
    raise ValueError(
        "validation_data must be a SaliencySequence, CachedFeatures, "
        "keras.utils.PyDataset or a pair of arrays (x, y); received "
        f"{type(data).__name__}"
    )


class _SequenceSource:
    """Batches of a sequence that knows its data set."""

    def __init__(self, sequence, size):
        # Cached features are batches of a sequence, which knows the rest.
        pictures = getattr(sequence, "sequence", sequence)
        if getattr(pictures, "flip", False):
            raise ValueError(_FLIPPED)
        self.sequence = sequence
        self.size = tuple(size or pictures.image_size)
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f"size must be (height, width); received {size}")
        has_fixations = sequence.dataset.has_fixations
        self.given = ("density", "fixations")[: 1 + bool(has_fixations)]
        self.wanted = set(self.given)
        # The blur of the targets is that of the evaluation.
        self._sigma = getattr(pictures, "sigma", None)
        needed = len(sequence.dataset) * 4 * math.prod(self.size)
        self._kept = {} if needed <= _KEPT_BYTES else None

    def __len__(self):
        return len(self.sequence)

    def batch(self, number):
        samples = self.sequence.samples(number)
        if any(flipped for _, flipped in samples):
            raise ValueError(_FLIPPED)
        truths = [self._truth(index) for index, _ in samples]
        return self.sequence[number][0], truths

    def _truth(self, index):
        truth = None if self._kept is None else self._kept.get(index)
        if truth is None:
            truth = self._make_truth(index)
            if self._kept is not None:
                self._kept[index] = truth
        maps = {}
        if "density" in truth:
            maps["density"] = truth["density"]
        if "fixated" in truth:
            maps["fixations"] = np.zeros(self.size, np.float32)
            maps["fixations"].ravel()[truth["fixated"]] = truth["counts"]
        return maps

    def _make_truth(self, index):
        dataset, truth = self.sequence.dataset, {}
        if "density" in self.wanted:
            options = {} if self._sigma is None else {"sigma": self._sigma}
            truth["density"] = dataset.density(index, size=self.size, **options)
        if "fixations" in self.wanted:
            counts = dataset.fixation_map(index, size=self.size).ravel()
            truth["fixated"] = np.flatnonzero(counts)
            truth["counts"] = counts[truth["fixated"]]
        return truth


_FLIPPED = (
    "validation data must not be mirrored: make its sequence with flip=False"
)


class _BatchSource:
    """Batches of any PyDataset with targets of two channels, or one."""

    def __init__(self, dataset):
        self._dataset = dataset
        self.given = _channels(self._read(0)[1])
        self.wanted = set(self.given)

    def __len__(self):
        count = self._dataset.num_batches
        if count is None:
            raise ValueError("validation data must have an end")
        return count

    def batch(self, number):
        inputs, targets = self._read(number)
        return inputs, _truths(targets, self.wanted)

    def _read(self, number):
        batch = self._dataset[number]
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise ValueError("validation data must give (inputs, targets)")
        return batch[0], batch[1]


class _ArraySource:
    """Batches cut from arrays."""

    def __init__(self, inputs, targets, batch_size):
        self._inputs, self._targets = inputs, targets
        self._batch_size = batch_size
        self.given = _channels(targets)
        self.wanted = set(self.given)
        if inference.count_of(inputs) != len(targets):
            raise ValueError(
                f"there are {inference.count_of(inputs)} inputs but "
                f"{len(targets)} targets"
            )

    def __len__(self):
        return math.ceil(len(self._targets) / self._batch_size)

    def batch(self, number):
        start = number * self._batch_size
        part = slice(start, start + self._batch_size)
        inputs = keras.tree.map_structure(lambda x: x[part], self._inputs)
        return inputs, _truths(self._targets[part], self.wanted)


def _channels(targets):
    """Names of the maps in targets (batch, height, width, 1 or 2)."""
    shape = np.shape(targets)
    if len(shape) != 4 or shape[-1] not in (1, 2) or 0 in shape:
        raise ValueError(
            "validation targets must have the shape (batch, height, width, 2), "
            "density and fixations, or (batch, height, width, 1), density "
            f"alone; received {shape}"
        )
    return ("density", "fixations")[: shape[-1]]


def _truths(targets, wanted):
    targets = keras.ops.convert_to_numpy(targets)
    return [
        {
            name: target[..., channel]
            for channel, name in enumerate(_channels(targets))
            if name in wanted
        }
        for target in targets
    ]
