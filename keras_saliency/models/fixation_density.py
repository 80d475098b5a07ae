"""The maps of any model as densities of fixations."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from keras_saliency import densities, images, inference
from keras_saliency._utils.pool import progress_bar
from keras_saliency._utils.types import (
    Array,
    ArrayLike,
    PathName,
    Size,
    Verbose,
)
from keras_saliency.datasets import SaliencyDataset
from keras_saliency.densities import metric_maps
from keras_saliency.models import density_files
from keras_saliency.models.names import get
from keras_saliency.models.sources import (
    Densities,
    Source,
    as_array,
    naming,
    source_of,
)


class FixationDensity:
    """A model whose maps are densities of fixations, fitted to a data set.

    A saliency map has no scale. This adds what is missing: a blur, a monotone
    curve of the map's values, and a center bias, 17 numbers in all, of the
    largest likelihood of the fixations on some images. Then the map is a
    density, `log_density(image)`, and from it follows the map that is best
    for each metric, `saliency_map(image, metric="sim")`.

    Fitted to fifty images of another data set, it adapts the model to it.

    Args:
        model: One of

            - A Keras model from images to maps, or an object with a method
              `saliency_map(image)`, such as a classic model.
            - The name of a published or classic model, or the path of a
              `.keras` file, as `models.get` takes it.
            - A folder of maps in files named as the images, or a dictionary
              of names and maps. `log_density` and `saliency_map` then take
              the path of an image.
            - A function from an image, uint8 `(height, width, 3)`, to its
              map.

    Attributes:
        model: The model, the dictionary, or the path of the folder.
        fitted: The `densities.Fitted` that `fit` makes, or `None`.

    Raises:
        ValueError: If it is none of these.
        FileNotFoundError: If there is neither a folder nor a model of a name.

    Examples:
    >>> from keras_saliency.datasets import generate
    >>> dataset = generate(count=4, size=(48, 64))
    >>> density = FixationDensity("center_bias").fit(dataset, verbose=0)
    >>> density.log_density(dataset.image(0)).shape
    (48, 64)

    References:
    - Kuemmerer, Wallis and Bethge, Information-theoretic model comparison
      unifies saliency metrics, PNAS 2015.
    - Kuemmerer, Wallis and Bethge, Saliency benchmarking made easy:
      separating models, maps and metrics, ECCV 2018.
    """

    def __init__(self, model: Any) -> None:
        self.name: str | None = None
        if isinstance(model, (str, os.PathLike)):
            self.name = os.fspath(model)
            model = Path(model) if Path(model).is_dir() else get(model)
        model = inference.bare(model)
        if not (
            isinstance(model, (Path, dict))
            or callable(model)
            or hasattr(model, "saliency_map")
        ):
            raise ValueError(
                "a density is made of a model, its name, a folder or a "
                "dictionary of maps, or a function of an image; received "
                f"{type(model).__name__}"
            )
        self.model = model
        self.fitted: densities.Fitted | None = None

    def __repr__(self) -> str:
        name = self.name or type(self.model).__name__
        state = "not fitted"
        if self.fitted is not None:
            report = self.fitted.report
            state = (
                f"fitted to {report.get('images')} images of "
                f"{report.get('dataset')}"
            )
        return f"FixationDensity({name}, {state})"

    def fit(
        self,
        dataset: SaliencyDataset,
        *,
        folds: int | None = None,
        batch_size: int = 8,
        seed: int = 0,
        verbose: Verbose = 1,
    ) -> Self:
        """Fit the density to the fixations of a data set.

        What was fitted before is replaced. A hundred images take some seconds
        beside the model's own time; fifty are enough, and more than some
        hundred change little.

        Args:
            dataset: Images with fixations. Images without any are left out.
            folds: Number of parts for cross-validation: each is predicted by
                a density fitted to the others, and `fitted.report` has the
                mean as `cross_validated_bits`. Defaults to none.
            batch_size: Images per call of a Keras model.
            seed: Seed of the parts.
            verbose: 1 shows progress bars, 0 nothing.

        Returns:
            The density itself.

        Raises:
            ValueError: If no image has a fixation, a map has NaN or is
                missing, or there are fewer images than folds.
        """
        if not dataset.has_fixations:
            raise ValueError(
                f"A density is fitted to fixations, and {dataset.name} has "
                "density maps only."
            )
        usable = [i for i in range(len(dataset)) if dataset.count(i)]
        if not usable:
            raise ValueError(
                f"A density is fitted to fixations, and {dataset.name} has no "
                "fixation inside its images."
            )
        if folds is not None and not 2 <= folds <= len(usable):
            raise ValueError(
                f"folds must be 2 to {len(usable)}, the number of images with "
                f"fixations; received {folds}."
            )
        maps, samples = self._read(dataset, usable, batch_size, verbose)
        transform = _fit(samples, verbose)
        truth = densities.truth_of(dataset, usable, maps, transform)
        bits = densities.information(transform, samples)
        report = {
            "model": self.name,
            "sha256": density_files.checksum(self.name),
            "dataset": dataset.name,
            "images": len(usable),
            "fixations": int(sum(map(dataset.count, usable))),
            "bits": round(float(bits.mean()), 4),
        }
        if folds is not None:
            bar = progress_bar(folds, verbose, "fold")
            held = densities.cross_validated(
                samples,
                folds,
                seed=seed,
                callback=None if bar is None else bar.update,
            )
            report["cross_validated_bits"] = round(float(held.mean()), 4)
        self.fitted = densities.Fitted(transform, truth, report)
        return self

    def log_density(
        self, image: ArrayLike | PathName, size: Size | None = None
    ) -> Array:
        """Return the logarithm of the density of fixations in an image.

        Args:
            image: Array as `images.check_image` takes it, or the path of an
                image.
            size: `(height, width)` of the result. Defaults to the image's.

        Returns:
            float64 array `(height, width)`, natural logarithms; the sum of
            their exponentials is 1.

        Raises:
            ValueError: If the density is not fitted, the image cannot be
                used, or its map has NaN.
        """
        fitted, (map_, own) = self._checked(), self._map_of(image)
        return fitted.log_density(map_, own if size is None else size)

    def saliency_map(
        self,
        image: ArrayLike | PathName,
        size: Size | None = None,
        *,
        metric: str = "nss",
    ) -> Array:
        """Return the map of an image that has the best value in a metric.

        Args:
            image: As for `log_density`.
            size: `(height, width)` of the map. Defaults to the image's.
            metric: A name of `evaluation.METRICS`. Defaults to `"nss"`, whose
                map is the density itself.

        Returns:
            float64 array `(height, width)`, not negative.

        Raises:
            ValueError: As for `log_density`, and on an unknown metric.
        """
        metric_maps.check_metric(metric)
        fitted, (map_, own) = self._checked(), self._map_of(image)
        return fitted.metric_map(map_, own if size is None else size, metric)

    def save(self, path: PathName) -> None:
        """Write what was fitted as JSON; the model is not written.

        Raises:
            ValueError: If the density is not fitted.
        """
        self._checked().save(path)

    @classmethod
    def load(cls, path: PathName, model: Any = None) -> Self:
        """Return the density of a file of `save`.

        Args:
            path: The file.
            model: The model, as for the constructor. Defaults to that of the
                name the file holds.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is damaged, holds no name of a model, or was
                fitted to another file of that name.
        """
        fitted = densities.Fitted.load(path)
        if model is None:
            model = fitted.report.get("model")
            if model is None:
                raise ValueError(
                    f"{path} holds what was fitted, and no name of a model; "
                    "give the model too."
                )
            density_files.check(fitted, model, path)
        density = cls(model)
        density.fitted = fitted
        return density

    @classmethod
    def published(
        cls,
        model: PathName,
        *,
        path: PathName | None = None,
        backbone_weights: PathName = "imagenet",
    ) -> Self:
        """Return the density of a model that has one beside its file.

        Args:
            model: The name of a published model, or the path of a `.keras`
                file; with `path` also the name of a classic model.
            path: The file of `save`. Defaults to `NAME.density.json` beside
                `NAME.keras`.
            backbone_weights: As for `models.get`.

        Raises:
            ValueError: If there is no such file beside the model, or it was
                fitted to another file of that name.
        """
        if path is None:
            path = density_files.find(os.fspath(model))
        density = cls.load(path, get(model, backbone_weights=backbone_weights))
        density.name = os.fspath(model)
        density_files.check(density._checked(), density.name, path)
        return density

    def source(
        self,
        dataset: SaliencyDataset,
        image_size: Size | None = None,
        batch_size: int = 8,
    ) -> Source:
        """Return the densities of a data set's images, for `evaluate`."""
        return Densities(
            source_of(self.model, dataset, image_size, batch_size, raw=False),
            self._checked(),
            dataset,
        )

    def _checked(self) -> densities.Fitted:
        if self.fitted is None:
            raise ValueError(
                "The density is not fitted: call fit(dataset), or load what "
                "was fitted by FixationDensity.load(path)."
            )
        return self.fitted

    def _map_of(self, image: Any) -> tuple[Array, Size]:
        """Return the model's map of an image, and the image's size."""
        path = image if isinstance(image, (str, os.PathLike)) else None
        if path is not None:
            image = images.read_image(path)
        image = images.check_image(image)
        size = image.shape[:2]
        if isinstance(self.model, (Path, dict)):
            if path is None:
                raise ValueError(
                    "The maps are known by the names of their images: give "
                    "the path of the image."
                )
            name = images.stem(Path(path).name)
            one = SaliencyDataset(
                name, [image], names=[name], densities=[np.ones(size)]
            )
            source = source_of(self.model, one, None, 1, raw=False)
            ((_, map_),) = source.predict([0])
            return as_array(map_), size
        if hasattr(self.model, "predict_on_batch"):
            (map_,) = inference.finished_maps(self.model, [image])
            return map_, size
        make = getattr(self.model, "saliency_map", self.model)
        return np.asarray(make(image)), size

    def _read(
        self,
        dataset: SaliencyDataset,
        numbers: Sequence[int],
        batch_size: int,
        verbose: Verbose,
    ) -> tuple[list[Array], list[densities.Sample]]:
        """Return the maps of images on their grids, and their samples."""
        source = source_of(self.model, dataset, None, batch_size, raw=False)
        bar = progress_bar(len(numbers), verbose)
        maps, samples = [], []
        for i, map_ in source.predict(numbers):
            with naming(dataset, i):
                map_ = as_array(map_)
                size = tuple(dataset.sizes[i].tolist())
                grid = densities.transform.grid_of(size)
                maps.append(densities.transform.prepared(map_, grid))
                x, y = dataset.fixation_points(i)
                samples.append(densities.sample(maps[-1], x, y, size))
            if bar is not None:
                bar.update(len(maps))
        return maps, samples


def _fit(samples, verbose):
    bar = progress_bar(None, verbose, "step")
    if bar is None:
        return densities.fit(samples)
    steps = itertools.count(1)
    transform = densities.fit(samples, callback=lambda: bar.update(next(steps)))
    bar.update(next(steps), finalize=True)
    return transform
