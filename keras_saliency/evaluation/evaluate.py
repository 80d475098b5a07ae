"""A table of metrics for a model, or for its maps, on a data set."""

import contextlib
import csv
import hashlib
import itertools
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from keras_saliency import images
from keras_saliency.evaluation import _bootstrap, scores
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
    source = _source(predictions, dataset, image_size, batch_size)
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
    journal = _Journal(resume)
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


class Evaluation:
    """Values of metrics, one per image, with their means and intervals.

    Args:
        names: Names of the images.
        scores: Dictionary of metric and values, shape `(N,)`. NaN where an
            image has no ground truth for a metric; such values are left out
            of the means.

    Attributes:
        names: As given.
        scores: As given, float64 arrays.
    """

    def __init__(self, names, scores):
        self.names = tuple(names)
        self.scores = {
            name: np.asarray(values, np.float64)
            for name, values in scores.items()
        }
        for name, values in self.scores.items():
            if values.shape != (len(self.names),):
                raise ValueError(
                    f"{name} must have one value for each of the "
                    f"{len(self.names)} images; received {values.shape}"
                )

    def __len__(self):
        return len(self.names)

    def __repr__(self):
        return f"Evaluation({len(self)} images: {', '.join(self.scores)})"

    def __str__(self):
        return self.table()

    def means(self):
        """The mean of each metric over the images, a dictionary."""
        means = {}
        for name, values in self.scores.items():
            known = values[~np.isnan(values)]
            means[name] = float(known.mean()) if known.size else np.nan
        return means

    def intervals(self, confidence=0.95, resamples=10_000, seed=0):
        """Bootstrap intervals of the means over images.

        Args:
            confidence: Probability between the two ends.
            resamples: Number of draws of the images with replacement.
            seed: Seed of the draws, which are the same for each metric.

        Returns:
            Dictionary of metric and `(low, high)`.
        """
        return {
            name: _bootstrap.interval(
                values[~np.isnan(values)],
                confidence=confidence,
                resamples=resamples,
                seed=seed,
            )
            for name, values in self.scores.items()
        }

    def table(self, confidence=0.95):
        """The means with their intervals as text, one line per metric."""
        intervals, means = self.intervals(confidence), self.means()
        rows = [["metric", "mean", f"{confidence:.0%} interval", "images"]]
        for name, values in self.scores.items():
            low, high = intervals[name]
            metric = scores.METRICS.get(name)
            rows.append(
                [
                    name if metric is None else metric.title,
                    f"{means[name]:.4f}",
                    f"{low:.4f} .. {high:.4f}",
                    str(np.count_nonzero(~np.isnan(values))),
                ]
            )
        return _bootstrap.layout(rows)

    def to_csv(self, path):
        """Writes one line per image, every digit of the values."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["name", *self.scores])
            for name, *values in zip(
                self.names, *self.scores.values(), strict=True
            ):
                writer.writerow([name, *map(repr, map(float, values))])

    def to_json(self, path):
        """Writes means, intervals and the values of each image.

        NaN is written as null and infinity as "inf": JSON knows neither.
        """
        content = {
            "means": self.means(),
            "intervals": self.intervals(),
            "names": self.names,
            "scores": {n: v.tolist() for n, v in self.scores.items()},
        }
        Path(path).write_text(
            json.dumps(_as_json(content), indent=1, allow_nan=False) + "\n",
            encoding="utf-8",
        )

    @classmethod
    def load(cls, path):
        """Reads what `to_csv` (if it ends so) or `to_json` wrote."""
        path = Path(path)
        if path.suffix.lower() == ".csv":
            with open(path, newline="", encoding="utf-8") as file:
                header, *rows = csv.reader(file)
            names, *columns = zip(*rows, strict=True)
            columns = [np.array(column, float) for column in columns]
            return cls(names, dict(zip(header[1:], columns, strict=True)))
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            content["names"],
            {
                name: np.array(values, np.float64)
                for name, values in content["scores"].items()
            },
        )


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


@contextlib.contextmanager
def _naming(dataset, i):
    """Adds an image's name to a ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"image {dataset.names[i]!r}: {error}") from error


def _named(function, dataset, i, *arguments):
    with _naming(dataset, i):
        return function(i, *arguments)


_shared = {}


def _share(scorer, source):
    _shared["scorer"], _shared["source"] = scorer, source


def _score_one(i, prediction=None):
    scorer, source = _shared["scorer"], _shared["source"]
    with _naming(scorer._dataset, i):
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


def _source(predictions, dataset, image_size, batch_size):
    if isinstance(predictions, (str, os.PathLike)):
        return _Folder(predictions, dataset)
    if hasattr(predictions, "predict_on_batch"):
        return _Model(predictions, dataset, image_size, batch_size)
    if callable(predictions):
        return _Function(predictions, dataset, image_size)
    return _Arrays(predictions, dataset)


class _Folder:
    """Maps in files named as the images."""

    in_this_process = False

    def __init__(self, folder, dataset):
        folder = Path(folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"there is no folder {folder}")
        found = {}
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in (*images.EXTENSIONS, ".npy"):
                name = path.relative_to(folder).as_posix()
                found.setdefault(images.stem(name), []).append(path)
        self._paths, missing = [], []
        for name in dataset.names:
            paths = found.get(images.stem(name), [])
            if len(paths) > 1:
                raise ValueError(
                    f"the image {name!r} has several maps in {folder}: "
                    + ", ".join(path.name for path in paths)
                )
            if paths:
                self._paths.append(paths[0])
            else:
                missing.append(name)
        if missing:
            raise ValueError(
                f"{len(missing)} of the {len(dataset)} images have no map in "
                f"{folder}, such as {missing[0]!r}; a map is a picture or a "
                ".npy file with the image's name"
            )

    def read(self, i):
        return images.read_map(self._paths[i])

    def digest(self, i):
        return images.digest(self._paths[i])


class _Arrays:
    """Maps in memory."""

    in_this_process = False

    def __init__(self, maps, dataset):
        if isinstance(maps, dict):
            maps = {images.stem(name): map_ for name, map_ in maps.items()}
            missing = [n for n in dataset.names if images.stem(n) not in maps]
            if missing:
                raise ValueError(
                    f"there are no predictions for {len(missing)} of the "
                    f"{len(dataset)} images, such as {missing[0]!r}"
                )
            maps = [maps[images.stem(name)] for name in dataset.names]
        if len(maps) != len(dataset):
            raise ValueError(
                f"there are {len(maps)} predictions for {len(dataset)} images"
            )
        self._maps = [np.asarray(map_) for map_ in maps]

    def read(self, i):
        return self._maps[i]

    def digest(self, i):
        return images.digest(self._maps[i])


class _Function:
    """Maps from a function of one picture."""

    in_this_process = True

    def __init__(self, function, dataset, image_size):
        self._function, self._dataset = function, dataset
        self._image_size = image_size
        # The number and map that were asked for last: by `digest`, and then
        # by `predict` if it is not known.
        self._last = None, None

    def _map(self, i):
        if self._last[0] != i:
            with _naming(self._dataset, i):
                image = self._dataset.image(i, self._image_size)
                self._last = i, np.asarray(self._function(image))
        return self._last[1]

    def predict(self, numbers):
        for i in numbers:
            yield i, self._map(i)

    def digest(self, i):
        return images.digest(self._map(i))


class _Model:
    """Maps from a Keras model, batch by batch."""

    in_this_process = True

    def __init__(self, model, dataset, image_size, batch_size):
        self._model, self._dataset = model, dataset
        if image_size is None:
            shape = getattr(model, "input_shape", None)
            if not isinstance(shape, tuple) or len(shape) != 4:
                raise ValueError(
                    "the model must take pictures (batch, height, width, 3); "
                    f"its input shape is {shape}"
                )
            if None not in shape[1:3]:
                image_size = shape[1:3]
        self._image_size = image_size
        self._batch_size = 1 if image_size is None else batch_size
        self._weights = None

    def predict(self, numbers):
        # Late, for scores alone to need no backend.
        from keras_saliency import inference

        numbers = iter(numbers)
        while part := list(itertools.islice(numbers, self._batch_size)):
            pictures = np.stack(
                [self._dataset.image(i, self._image_size) for i in part]
            )
            yield from zip(
                part, inference.predict(self._model, pictures), strict=True
            )

    def digest(self, i):
        if self._weights is None:
            state = hashlib.blake2b(digest_size=16)
            state.update(self._model.to_json().encode())
            for weight in self._model.get_weights():
                state.update(np.ascontiguousarray(weight))
            self._weights = state.hexdigest()
        size = None if self._image_size is None else list(self._image_size)
        return f"{self._weights} {self._dataset.digest(i)} {size}"


class _Journal:
    """Lines of JSON, one per scored image."""

    def __init__(self, path):
        self._path = None if path is None else Path(path)
        self._file = None
        self.rows = {}
        if self._path is None or not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines():
            # The last line may be cut off where a run was killed.
            with contextlib.suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                self.rows[row["key"]] = {
                    name: float("nan") if value is None else float(value)
                    for name, value in row["scores"].items()
                }

    def __enter__(self):
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._path, "a+", encoding="utf-8")
            # A line that was cut off must not swallow the next one.
            self._file.seek(0)
            if self._file.read()[-1:] not in ("", "\n"):
                self._file.write("\n")
        return self

    def __exit__(self, *error):
        if self._file is not None:
            self._file.close()

    def add(self, key, name, row):
        if self._file is None:
            return
        line = _as_json({"key": key, "name": name, "scores": row})
        self._file.write(json.dumps(line, allow_nan=False) + "\n")
        self._file.flush()


def _as_json(value):
    """The value with numbers that JSON does not know replaced."""
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else repr(float(value))
    return value


def _progress_bar(count, verbose):
    if verbose not in (0, 1):
        raise ValueError(f"verbose must be 0 or 1; received {verbose!r}")
    if not verbose:
        return None
    import keras

    return keras.utils.Progbar(count, unit_name="image")
