"""The benchmark's metrics on validation data, after each epoch."""

import inspect
import math
import warnings
from collections.abc import Collection
from typing import Any, Literal

import keras
import numpy as np

from keras_saliency import evaluation, images, inference
from keras_saliency._utils.errors import DivergedError
from keras_saliency._utils.pool import progress_bar
from keras_saliency._utils.types import Array, ArrayLike, Size
from keras_saliency.callbacks.base import PeriodicCallback
from keras_saliency.callbacks.validation_batches import batches_of

_RECORDERS = (
    keras.callbacks.CSVLogger,
    keras.callbacks.History,
    keras.callbacks.TensorBoard,
)


class SaliencyMetrics(PeriodicCallback):
    """The benchmark's metrics as `val_cc`, `val_sim`, ... in the logs.

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
            - Another `keras.utils.PyDataset`, a `tf.data.Dataset`, a torch
              `DataLoader`, a generator of batches (read once and kept, up to
              1 GiB) or a function that returns one, or a pair of arrays
              `(x, y)`, with targets `(batch, height, width, 2)` of density
              and fixations, or `(batch, height, width, 1)` of density alone.
              The size of the targets is the size of the evaluation. A pair
              of lists may hold images of different sizes, for a model that
              takes these.
        metrics: Names of `keras_saliency.evaluation.METRICS`, or a dictionary
            of names and options, `{"emd": {"downsize": 8}}`. Defaults to the
            seven of the paper; without fixations to those that need none,
            with a warning.
        baseline: Map of the information gain over a center bias, such as
            `train.mean_density((60, 80))`; resized as predictions are.
            Defaults to the uniform distribution.
        size: Height and width of the evaluation. Defaults to the image size
            of the sequence. The metrics depend on it, the EMD at 1/32 above
            all: at a network's output of 37x50 it would compare 2x2 bins.
        every: Evaluate after each n-th epoch, counted from epoch 0 (also where
            a training goes on), and after the last. In between the keys are
            NaN, since `CSVLogger` fixes its columns in the first epoch.
            `EarlyStopping` counts such an epoch as one without improvement.
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
            fit; at the start of `fit`, on a callback that stands too early,
            and on predictions of the first batch that a metric does not take
            (EMD and KL take none below zero).
        DivergedError: After an epoch, on a prediction that holds NaN, unless
            training is being stopped already. It is a `ValueError`.

    Notes:
        Where a model predicts negative values only later, EMD and KL are NaN
        for that epoch, with a warning; training goes on.

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
        validation_data: Any,
        *,
        metrics: evaluation.scores.Metrics | None = None,
        baseline: ArrayLike | None = None,
        size: Size | None = None,
        every: int = 1,
        batch_size: int = 32,
        verbose: Literal["auto", 0, 1] = "auto",
        prefix: str = "val_",
    ) -> None:
        super().__init__(every)
        if verbose not in ("auto", 0, 1):
            raise ValueError(
                f'verbose must be "auto", 0 or 1; received {verbose!r}'
            )
        self.verbose = verbose
        self._batches = batches_of(validation_data, size, batch_size)
        self._chosen = evaluation.choose(metrics, self._batches.given)
        self._wanted = evaluation.scores.wanted(self._chosen)
        self._batches.check(self._wanted)
        self._baseline = None
        if baseline is not None:
            self._baseline = images.check_map(baseline, "baseline")
        if metrics is None and len(self._chosen) < len(evaluation.SEVEN):
            left_out = [n for n in evaluation.SEVEN if n not in self._chosen]
            warnings.warn(
                "the validation data has no fixations, so SaliencyMetrics "
                f"leaves out {', '.join(left_out)}",
                stacklevel=2,
            )
        self.keys = [prefix + name for name in self._chosen]
        self.per_image: dict[str, Array] = {}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Check the order of the callbacks, and the model's first maps."""
        super().on_train_begin(logs)
        self._check_order()
        if self.model is not None:
            self._rehearse()

    def _check_order(self) -> None:
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

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Evaluate the model and add the means to the logs."""
        means = dict.fromkeys(self.keys, math.nan)
        if self.is_due(epoch):
            means = self._evaluate(epoch)
        if logs is not None:
            logs.update(means)

    def is_due(self, epoch: int) -> bool:
        """Return whether the model is evaluated: also after the last epoch."""
        is_last = epoch + 1 == (self.params or {}).get("epochs")
        return super().is_due(epoch) or is_last

    def _evaluate(self, epoch: int) -> dict[str, float]:
        bar = self._progress_bar(epoch)
        rows: list[dict[str, float]] = []
        refused: list[str] = []
        for number, (inputs, truths) in enumerate(
            self._batches.read(self._wanted), 1
        ):
            predictions = inference.raw_maps(self.model, inputs)
            if not np.isfinite(predictions).all():
                return self._diverged(epoch)
            if predictions.min() < 0:
                refused = evaluation.scores.masses(self._chosen)
            chosen = {
                name: options
                for name, options in self._chosen.items()
                if name not in refused
            }
            for prediction, maps in zip(predictions, truths, strict=True):
                rows.append(_score(prediction, maps, chosen, self._baseline))
            if bar is not None:
                bar.update(number)
        if bar is not None and self._batches.count is None:
            bar.update(number, finalize=True)
        if refused:
            warnings.warn(
                f"after epoch {epoch + 1}, {_below_zero(refused)}. They are "
                "NaN for this epoch",
                stacklevel=2,
            )
            rows = [{**row, **dict.fromkeys(refused, math.nan)} for row in rows]
        self.per_image = {
            name: np.array([row[name] for row in rows]) for name in self._chosen
        }
        result = evaluation.Evaluation(
            map(str, range(len(rows))), self.per_image
        )
        return dict(zip(self.keys, result.means().values(), strict=True))

    def _rehearse(self) -> None:
        """Score one image, so that what is wrong shows before training."""
        inputs, truths = next(self._batches.read(self._wanted))
        predictions = inference.raw_maps(self.model, inputs)
        if not np.isfinite(predictions).all():
            # Whoever starts with NaN is told after the first epoch.
            return
        refused = evaluation.scores.masses(self._chosen)
        if refused and predictions.min() < 0:
            raise ValueError(
                _below_zero(refused, predictions.min())
                + f", or leave out {' and '.join(refused)} "
                "(metrics=[...]). CC, SIM, NSS and the AUCs take any values"
            )
        _score(predictions[0], truths[0], self._chosen, self._baseline)

    def _progress_bar(self, epoch: int) -> Any:
        verbose = self.verbose
        if verbose == "auto":
            verbose = (self.params or {}).get("verbose", 0)
        if verbose != 1:
            return None
        # The training bar's line is still open.
        print(f"\nSaliency metrics on validation data, epoch {epoch + 1}")
        return progress_bar(self._batches.count, verbose, "batch")

    def _diverged(self, epoch: int) -> dict[str, float]:
        message = (
            f"the model predicts NaN or infinity after epoch {epoch + 1}: "
            "training has diverged. Lower the learning rate, or clip the "
            "gradients (clipnorm=1.0)"
        )
        if not getattr(self.model, "stop_training", False):
            raise DivergedError(message)
        warnings.warn(message, stacklevel=2)
        return dict.fromkeys(self.keys, math.nan)


def _score(
    prediction: Array,
    maps: dict[str, Array],
    chosen: dict[str, dict[str, Any]],
    baseline: Array | None,
) -> dict[str, float]:
    size = next(iter(maps.values())).shape
    if baseline is not None:
        maps = {**maps, "baseline": images.resize(baseline, size)}
    return evaluation.score(images.resize(prediction, size), maps, chosen)


def _below_zero(names: Collection[str], lowest: float | None = None) -> str:
    """Return what is wrong with negative predictions, and the ways out."""
    some = "" if lowest is None else f", {lowest:.3g} at the least"
    return (
        f"the model predicts negative values{some}, for which "
        f"{' and '.join(names)} are not defined: end the model with an "
        'activation that has none ("relu", "softplus", "sigmoid")'
        + (', or ask for {"kl": {"minmax": True}}' * ("kl" in names))
    )


def _callbacks_before(
    callback: keras.callbacks.Callback,
) -> list[keras.callbacks.Callback]:
    """Return the callbacks in front of one in the list that is calling it.

    Keras tells a callback nothing about that list: it is found as the object
    whose method is calling. A callback may also be called by another one,
    which then stands in the list in its place, or by nothing of the kind.
    """
    before: list[keras.callbacks.Callback] = []
    callers: list[Any] = [callback]
    frame = inspect.currentframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, keras.callbacks.CallbackList):
            for place, listed in enumerate(owner.callbacks):
                if any(listed is caller for caller in callers):
                    before = [*owner.callbacks[:place], *before]
                    break
        if isinstance(owner, keras.callbacks.Callback):
            callers.append(owner)
        frame = frame.f_back
    return before
