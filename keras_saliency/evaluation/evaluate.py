"""A table of metrics for a model, or for its maps, on a data set."""

import functools
import hashlib
import json
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_saliency import images
from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.memory import keep_freed
from keras_saliency._utils.pool import map_in_order, progress_bar
from keras_saliency._utils.types import (
    Array,
    ArrayLike,
    PathName,
    Size,
    Verbose,
)
from keras_saliency.datasets import SaliencyDataset
from keras_saliency.densities import Fitted, metric_map
from keras_saliency.evaluation import scores
from keras_saliency.evaluation._statistics import draw_others, name_keys
from keras_saliency.evaluation.journal import Journal
from keras_saliency.evaluation.results import Evaluation
from keras_saliency.models import FixationDensity
from keras_saliency.models.sources import as_array, naming, source_of


def evaluate(
    predictions: Any,
    dataset: SaliencyDataset,
    metrics: scores.Metrics | None = None,
    size: Size | None = None,
    *,
    image_size: Size | None = None,
    raw: bool = False,
    maps: Literal["one", "per_metric"] = "one",
    baseline: ArrayLike | None = None,
    others: int | None = 10,
    sigma: float | None = None,
    batch_size: int = 8,
    workers: int = 1,
    resume: PathName | None = None,
    shard: tuple[int, int] | None = None,
    seed: int = 0,
    verbose: Verbose = 1,
) -> Evaluation:
    """Score predictions of a data set's images, one row per image.

    Args:
        predictions: One of

            - A model as `models.get` takes it: a Keras model from images
              `(batch, height, width, 3)`, RGB in 0..255, to maps
              `(batch, height, width, 1)`, the name of a published or classic
              model, or the path of a `.keras` file.
            - A folder with one image file (8 or 16 bit) or `.npy` file per
              image, named as the images of the data set, as any other
              program writes them. A path is a folder if it exists, else a
              model.
            - Maps: an array `(N, height, width)` in the order of the data
              set, with or without a trailing channel, or a dictionary of
              names and maps, of any size each.
            - A function that takes an image, uint8 `(height, width, 3)`, and
              returns its map.
            - A model of pysaliency: a `SaliencyMapModel`, or a `Model`, whose
              density is scored.
            - A `models.FixationDensity` that is fitted.
        dataset: The images and their ground truth.
        metrics: Names of `METRICS`, or a dictionary of names and options.
            Defaults to the seven of the paper that the data set allows.
        size: Height and width at which maps are compared. Predictions are
            resized to it, linearly to enlarge (MIT's code: bicubic). Defaults
            to each image's original size, as in the benchmark.
        image_size: Height and width of the images that a model or a function
            gets. Defaults to each image's own, as the data set stores it.
        raw: Whether a Keras model is asked for its output alone, as in
            training: images are stretched to its input, and what its authors
            do beside (padding, blur) is left out. By default the map is that
            of `model.saliency_map(image, size)`, made in batches. Both are
            the same for models that only resize, but for JPEGs of twice the
            input's size or more, which `raw` decodes at a smaller size.
        maps: `"one"` scores one map of each image by all metrics.
            `"per_metric"` scores the map that each metric wants, which a
            `models.FixationDensity` makes of its density; the table says so.
            Numbers of the two are not to be compared.
        baseline: Map for the information gain, such as
            `train.mean_density((300, 400))`; resized as a prediction is.
            Defaults to the uniform distribution.
        others: Number of other images, drawn at random for each image, whose
            fixations are the negatives of the shuffled AUC, scaled to the
            image. Defaults to 10, as in the benchmark; `None` takes all. The
            draw depends on the images' names and `seed`, not on their order.
        sigma: Sigma of the density maps in original pixels. Defaults to the
            data set's own.
        batch_size: Images per call of the model.
        workers: Number of processes that score; the result does not depend on
            it. With more than one, a script needs the usual
            `if __name__ == "__main__":`. A model or a function runs in the
            calling process.
        resume: File that each image's values are added to once they are
            known. If the run is broken off, or images are added, another run
            with the same file scores what is missing. A row counts only for
            the same prediction (the same weights of a model, apart from the
            code of its layers), ground truth and options. A function is
            called again to find that out. Damaged lines are left out with a
            warning, and their images scored anew.
        shard: `(i, n)`, i from 1 to n, scores the i-th of n parts of the
            images alone, as one of n processes or machines does. The parts
            follow each other and are whole batches, so that a model sees the
            batches that it sees in one process; with few images a part may
            be empty. `Evaluation.join` puts the results together: they are
            those of one process.
        seed: Seed of the draw of other images.
        verbose: 1 shows a progress bar, 0 nothing.

    Returns:
        The values of each metric, one per image.

    Raises:
        ValueError: On a missing or unreadable map, a map with NaN, or one that
            a metric refuses; the message names the image.
        FileNotFoundError: If there is neither a folder nor a model of a name.

    Examples:
    >>> from keras_saliency.datasets import generate
    >>> dataset = generate(count=4, size=(48, 64))
    >>> maps = [dataset.true_density(i) for i in range(4)]
    >>> result = evaluate(maps, dataset, metrics=["cc", "nss"], verbose=0)
    >>> result.scores["cc"].shape
    (4,)
    """
    if maps not in ("one", "per_metric"):
        raise ValueError(
            f'maps must be "one" or "per_metric"; received {maps!r}'
        )
    batch_size = whole_number("evaluate", "batch_size", batch_size)
    fitted = None
    if maps == "per_metric":
        fitted = _fitted(predictions, raw)
        predictions = predictions.model
    source = source_of(predictions, dataset, image_size, batch_size, raw)
    given = ["density", "baseline"]
    if dataset.has_fixations:
        given += ["fixations", "other_fixations"]
    scorer = _Scorer(
        dataset,
        scores.choose(metrics, given),
        None if size is None else images.as_size(size),
        baseline,
        others,
        sigma,
        seed,
        fitted,
    )
    journal = Journal(resume)
    keys: dict[int, str] = {}
    rows: dict[int, dict[str, float]] = {}
    numbers = _numbers(len(dataset), batch_size, shard)
    bar = progress_bar(len(numbers), verbose)

    def done(i: int, row: dict[str, float]) -> None:
        rows[i] = row
        if bar is not None:
            bar.update(len(rows))

    def missing() -> Iterator[int]:
        for i in numbers:
            if resume is not None:
                digest = source.digest(i)
                with naming(dataset, i):
                    keys[i] = scorer.key(i, digest)
                row = journal.get(keys[i], scorer.chosen)
                if row is not None:
                    done(i, row)
                    continue
            yield i

    with journal:
        for i, row in map_in_order(
            functools.partial(_score_one, scorer),
            source.predict(missing()),
            min(workers, max(1, len(numbers))),
        ):
            journal.add(keys.get(i), dataset.names[i], row)
            done(i, row)
    columns = {
        name: np.array([rows[i][name] for i in numbers])
        for name in scorer.chosen
    }
    names = [dataset.names[i] for i in numbers]
    return Evaluation(names, columns, maps=maps)


def _numbers(
    count: int, batch_size: int, shard: tuple[int, int] | None
) -> range:
    """Return the numbers of a part's images, whole batches of them."""
    if shard is None:
        return range(count)
    try:
        part, parts = map(operator.index, shard)
    except (TypeError, ValueError):
        part, parts = 0, 0
    if not 1 <= part <= parts:
        raise ValueError(
            "shard must be (i, n), whole numbers with i from 1 to n; received "
            f"{shard!r}."
        )
    batches = -(-count // batch_size)
    start, stop = (
        batch_size * (batches * k // parts) for k in (part - 1, part)
    )
    return range(min(start, count), min(stop, count))


def _fitted(predictions: Any, raw: bool) -> Fitted:
    """Return what makes the map of each metric."""
    if raw or not isinstance(predictions, FixationDensity):
        raise ValueError(
            'maps="per_metric" needs a density: '
            "models.FixationDensity(model).fit(dataset), and no raw=True; "
            f"received {type(predictions).__name__}"
        )
    if predictions.fitted is None:
        raise ValueError("the density is not fitted: call fit(dataset)")
    return predictions.fitted


def _score_one(
    scorer: "_Scorer", i: int, prediction: Array | Path
) -> tuple[int, dict[str, float]]:
    keep_freed()
    with naming(scorer.dataset, i):
        return i, scorer.score(i, as_array(prediction))


class _Scorer:
    """The ground truth and options that score a prediction, pickled once."""

    def __init__(
        self,
        dataset: SaliencyDataset,
        chosen: dict[str, dict[str, Any]],
        size: Size | None,
        baseline: ArrayLike | None,
        others: int | None,
        sigma: float | None,
        seed: int,
        fitted: Fitted | None,
    ) -> None:
        self.dataset = dataset
        self._fitted = fitted
        self.chosen = chosen
        self._size = size
        self._baseline = None
        if baseline is not None:
            self._baseline = images.check_map(baseline, "baseline")
        if others is not None and others < 1:
            raise ValueError(f"others must be at least 1; received {others}")
        self._others = others
        self._options = {} if sigma is None else {"sigma": sigma}
        self._seed = seed
        self._name_keys = name_keys(map(images.stem, dataset.names), seed)
        self._wanted = scores.wanted(chosen)
        if "other_fixations" in self._wanted and len(dataset) < 2:
            raise ValueError(
                "auc_shuffled needs fixations on other images, and the data "
                "set has one image"
            )

    def score(self, i: int, prediction: Array) -> dict[str, float]:
        size = self._size_of(i)
        prediction, truth = _finite_map(prediction), self._maps(i, size)
        if self._fitted is None:
            prediction = images.resize(prediction, size)
            return scores.score(prediction, truth, self.chosen)
        logs = self._fitted.log_density(prediction, size)
        row: dict[str, float] = {}
        for name, options in self.chosen.items():
            own = metric_map(logs, name, self._fitted.truth)
            row |= scores.score(own, truth, {name: options})
        return row

    def key(self, i: int, prediction_digest: str) -> str:
        """Return a hash of all that an image's values depend on."""
        size = self._size_of(i)
        state = hashlib.blake2b(digest_size=16)
        settings: list[Any] = [
            prediction_digest,
            self.chosen,
            size,
            self._others,
            self._seed,
            self.dataset.names[i],
        ]
        if self._fitted is not None:
            settings += [self._fitted.transform.to_dict(), self._fitted.truth]
        state.update(json.dumps(settings, default=repr).encode())
        for name, map_ in sorted(self._maps(i, size).items()):
            state.update(name.encode())
            state.update(np.ascontiguousarray(map_).data)
        return state.hexdigest()

    def _size_of(self, i: int) -> Size:
        return self._size or tuple(self.dataset.sizes[i].tolist())

    def _maps(self, i: int, size: Size) -> dict[str, Array]:
        maps, dataset = {}, self.dataset
        if "density" in self._wanted:
            maps["density"] = dataset.density(i, size, **self._options)
        if "fixations" in self._wanted:
            maps["fixations"] = dataset.fixation_map(i, size)
        if "other_fixations" in self._wanted:
            maps["other_fixations"] = self._other_fixations(i, size)
        if "baseline" in self._wanted and self._baseline is not None:
            maps["baseline"] = images.resize(self._baseline, size)
        return maps

    def _other_fixations(self, i: int, size: Size) -> Array:
        count = self._others or len(self.dataset)
        numbers = draw_others(self._name_keys, i, count)
        maps = (self.dataset.fixation_map(int(n), size) for n in numbers)
        return functools.reduce(np.add, maps)


def _finite_map(prediction: ArrayLike) -> Array:
    prediction = np.asarray(prediction)
    if prediction.ndim == 3 and prediction.shape[-1] == 1:
        prediction = prediction[..., 0]
    if prediction.ndim != 2 or 0 in prediction.shape:
        raise ValueError(
            "a prediction must be a map (height, width) or (height, width, "
            f"1); received {prediction.shape}"
        )
    if prediction.dtype.kind not in "buif":
        raise ValueError(f"a prediction cannot be of type {prediction.dtype}")
    if not np.isfinite(prediction).all():
        raise ValueError("the prediction holds NaN or infinity")
    if prediction.dtype == np.float64:
        return prediction
    return prediction.astype(np.float32, copy=False)
