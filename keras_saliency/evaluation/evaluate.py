"""A table of metrics for a model, or for its maps, on a data set."""

import hashlib
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from keras_saliency import images
from keras_saliency.evaluation import scores
from keras_saliency.evaluation.journal import Journal
from keras_saliency.evaluation.results import Evaluation
from keras_saliency.evaluation.sources import naming, source_of
from keras_saliency.images import as_size


def evaluate(
    predictions,
    dataset,
    metrics=None,
    size=None,
    *,
    image_size=None,
    baseline=None,
    others=10,
    sigma=None,
    batch_size=8,
    workers=1,
    resume=None,
    seed=0,
    verbose=1,
):
    """Scores predictions of a data set's images, one row per image.

    Args:
        predictions: One of

            - A Keras model that takes pictures `(batch, height, width, 3)`,
              RGB in 0..255, and returns maps `(batch, height, width, 1)`.
            - A folder with one picture (8 or 16 bit) or `.npy` file per
              image, named as the images of the data set, as any other
              program writes them.
            - Maps: an array `(N, height, width)` in the order of the data
              set, with or without a trailing channel, or a dictionary of
              names and maps, of any size each.
            - A function that takes a picture, uint8 `(height, width, 3)`, and
              returns its map.
        dataset: A `SaliencyDataset`.
        metrics: Names of `METRICS`, or a dictionary of names and options.
            Defaults to the seven of the paper that the data set allows.
        size: Height and width at which maps are compared. Predictions are
            resized to it, linearly to enlarge (MIT's code: bicubic). Defaults
            to each image's original size, as in the benchmark.
        image_size: Height and width of the pictures that a model or a
            function gets. Defaults to the model's input size, or to each
            picture's own, which a model then gets one at a time.
        baseline: Map for the information gain, such as
            `train.mean_density((300, 400))`; resized as a prediction is.
            Defaults to the uniform distribution.
        others: From how many other images, drawn at random for each image,
            the shuffled AUC takes its other fixations, scaled to the image.
            Defaults to 10, as in the benchmark; `None` takes all.
        sigma: Sigma of the density maps in original pixels. Defaults to the
            data set's own.
        batch_size: Pictures per call of the model.
        workers: Number of processes that score; the result does not depend on
            it. With more than one, a script needs the usual
            `if __name__ == "__main__":`. A model or a function runs in the
            calling process.
        resume: File that each image's values are added to once they are
            known. If the run is broken off, or images are added, another run
            with the same file scores what is missing. A row counts only for
            the same prediction (the same weights of a model, apart from the
            code of its layers), ground truth and options; a function's
            predictions are made again to know.
        seed: Seed of the draw of other images.
        verbose: 1 shows a progress bar, 0 nothing.

    Returns:
        An `Evaluation`.

    Raises:
        ValueError: On a missing or unreadable map, a map with NaN, or one that
            a metric refuses; the message names the image.
        FileNotFoundError: If the folder does not exist.

    Examples:
    >>> from keras_saliency.datasets import generate
    >>> dataset = generate(count=4, size=(48, 64))
    >>> maps = [dataset.true_density(i) for i in range(4)]
    >>> result = evaluate(maps, dataset, ["cc", "nss"], verbose=0)
    >>> result.scores["cc"].shape
    (4,)
    """
    source = source_of(predictions, dataset, image_size, batch_size)
    given = ["density", "baseline"]
    if dataset.has_fixations:
        given += ["fixations", "other_fixations"]
    scorer = _Scorer(
        dataset,
        scores.choose(metrics, given),
        None if size is None else as_size(size),
        baseline,
        others,
        sigma,
        seed,
    )
    journal = Journal(resume)
    keys, rows = {}, {}
    bar = _progress_bar(len(dataset), verbose)

    def done(i, row):
        rows[i] = row
        if bar is not None:
            bar.update(len(rows))

    def missing():
        for i in range(len(dataset)):
            if resume is not None:
                keys[i] = _named(scorer.key, dataset, i, source.digest(i))
                if keys[i] in journal.rows:
                    done(i, journal.rows[keys[i]])
                    continue
            yield i

    with journal:
        for i, row in _score_all(
            source, scorer, missing(), min(workers, len(dataset))
        ):
            journal.add(keys.get(i), dataset.names[i], row)
            done(i, row)
    columns = {
        name: np.array([rows[i][name] for i in range(len(dataset))])
        for name in scorer.chosen
    }
    return Evaluation(dataset.names, columns)


class _Scorer:
    """Scores one prediction of a data set; goes to the worker processes."""

    def __init__(self, dataset, chosen, size, baseline, others, sigma, seed):
        self.chosen = chosen
        self._dataset = dataset
        self._size = size
        self._baseline = None
        if baseline is not None:
            self._baseline = images.check_map(baseline, "baseline")
        if others is not None and others < 1:
            raise ValueError(f"others must be at least 1; received {others}")
        self._others = others
        self._options = {} if sigma is None else {"sigma": sigma}
        self._seed = seed
        self._wanted = {
            need
            for name in chosen
            for need in (
                *scores.METRICS[name].needs,
                *scores.METRICS[name].may_use,
            )
        }
        if "other_fixations" in self._wanted and len(dataset) < 2:
            raise ValueError(
                "auc_shuffled needs fixations on other images, and the data "
                "set has one image"
            )

    def score(self, i, prediction):
        size = self._size or tuple(self._dataset.sizes[i].tolist())
        prediction = images.resize(_finite_map(prediction), size)
        return scores.score(prediction, self._maps(i, size), self.chosen)

    def key(self, i, prediction_digest):
        """A hash of all that an image's values depend on."""
        dataset = self._dataset
        size = self._size or tuple(dataset.sizes[i].tolist())
        state = hashlib.blake2b(digest_size=16)
        settings = [
            prediction_digest,
            self.chosen,
            size,
            self._others,
            self._seed,
            dataset.names[i],
        ]
        state.update(json.dumps(settings, default=repr).encode())
        for name, map_ in sorted(self._maps(i, size).items()):
            state.update(name.encode())
            state.update(np.ascontiguousarray(map_))
        return state.hexdigest()

    def _maps(self, i, size):
        maps, dataset = {}, self._dataset
        if "density" in self._wanted:
            maps["density"] = dataset.density(i, size, **self._options)
        if "fixations" in self._wanted:
            maps["fixations"] = dataset.fixation_map(i, size)
        if "other_fixations" in self._wanted:
            maps["other_fixations"] = self._other_fixations(i, size)
        if "baseline" in self._wanted and self._baseline is not None:
            maps["baseline"] = images.resize(self._baseline, size)
        return maps

    def _other_fixations(self, i, size):
        numbers = np.delete(np.arange(len(self._dataset)), i)
        if self._others is not None and self._others < numbers.size:
            rng = np.random.default_rng([self._seed, i])
            numbers = rng.choice(numbers, self._others, replace=False)
        return sum(self._dataset.fixation_map(n, size) for n in numbers)


def _finite_map(prediction):
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
    return prediction.astype(np.float32)


def _named(function, dataset, i, *arguments):
    with naming(dataset, i):
        return function(i, *arguments)


_shared = {}


def _share(scorer, source):
    _shared["scorer"], _shared["source"] = scorer, source


def _score_one(i, prediction=None):
    scorer, source = _shared["scorer"], _shared["source"]
    with naming(scorer._dataset, i):
        if prediction is None:
            prediction = source.read(i)
        return i, scorer.score(i, prediction)


def _score_all(source, scorer, numbers, workers):
    """Yields `(i, values)` for these images, as they are ready."""
    if workers < 1:
        raise ValueError(f"workers must be at least 1; received {workers}")
    if source.in_this_process:
        jobs = source.predict(numbers)
    else:
        jobs = ((i, None) for i in numbers)
    if workers == 1:
        _share(scorer, source)
        try:
            for i, prediction in jobs:
                yield _score_one(i, prediction)
        finally:
            _shared.clear()
        return
    # New processes, not forks: a backend's threads do not survive a fork.
    with ProcessPoolExecutor(
        workers,
        multiprocessing.get_context("spawn"),
        _share,
        (scorer, None if source.in_this_process else source),
    ) as pool:
        try:
            waiting = []
            for job in jobs:
                waiting.append(pool.submit(_score_one, *job))
                # A bounded queue: predictions are large.
                if len(waiting) > 4 * workers:
                    yield waiting.pop(0).result()
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _progress_bar(count, verbose):
    if verbose not in (0, 1):
        raise ValueError(f"verbose must be 0 or 1; received {verbose!r}")
    if not verbose:
        return None
    import keras

    return keras.utils.Progbar(count, unit_name="image")
