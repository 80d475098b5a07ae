"""Training the baseline's head on cached features, and measuring it."""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_saliency import datasets, evaluation, losses, models
from keras_saliency._utils import checksums
from keras_saliency._utils.atomic import write_text
from keras_saliency._utils.types import Array, PathName
from keras_saliency.experiments import runs
from keras_saliency.experiments.announcing import Training
from keras_saliency.experiments.recipes import RECIPE, Recipe, StoppedSGD
from keras_saliency.features import CachedFeatures, cache_features


class Plan(NamedTuple):
    """What a call of `HeadTrainer.train` would do.

    Attributes:
        folder: The folder that the run is kept in.
        settings: What the run depends on.
        training: Its size, and whether it is done.
    """

    folder: Path
    settings: dict[str, Any]
    training: Training


@dataclasses.dataclass(frozen=True)
class HeadTrainer:
    """Trainer of baselines that share a backbone and a folder of results.

    Runs are kept in `results/runs/DATASET_LOSS_seedSEED`. That name does not
    tell recipes, images, backbones and input sizes apart: trainings that
    differ in these need two folders of results, and are refused in one.

    Args:
        results: Folder of results.
        backbone: Name of the backbone; see `models.Baseline`.
        backbone_weights: `"imagenet"`, or the path of a weights file of
            VGG-16. The perceptual losses use it too. The backbone `"tiny"`
            has fixed random weights of its own.
        input_shape: `(height, width, 3)` of the baseline's input.
        precision: Policy of training, such as `"mixed_bfloat16"`. Maps are
            predicted in float32 in any case.
    """

    results: PathName
    backbone: str = "vgg16"
    backbone_weights: PathName = "imagenet"
    input_shape: tuple[int, int, int] = (300, 400, 3)
    precision: str = "float32"

    def model(self, **options: Any) -> models.Baseline:
        """Return a new baseline; the options are those of its constructor."""
        tiny = self.backbone == "tiny"
        return models.Baseline(
            input_shape=self.input_shape,
            backbone=self.backbone,
            backbone_weights=None if tiny else self.backbone_weights,
            **options,
        )

    def _weights(self) -> Any:
        """Return what tells the backbone's weights from others."""
        if self.backbone == "tiny":
            return None
        return checksums.of_weights(self.backbone_weights)

    def loss(
        self,
        loss: str | losses.SaliencyLoss,
        train: datasets.SaliencyDataset,
        model: models.Baseline,
    ) -> losses.SaliencyLoss:
        """Return a loss by its name, with all it needs.

        Args:
            loss: A name for `losses.get`, or a loss, returned as it is.
            train: Data set whose mean density is the prior of the term R.
            model: The baseline that is trained.
        """
        return losses.get(
            loss,
            prior=train.mean_density(model.map_size),
            vgg_weights=self.backbone_weights,
        )

    def plan(
        self,
        loss: str | losses.SaliencyLoss,
        train: datasets.SaliencyDataset,
        recipe: Recipe = RECIPE,
        *,
        seed: int = 0,
        name: str | None = None,
        start: "runs.Run | Plan | None" = None,
        validation: datasets.SaliencyDataset | None = None,
        **options: Any,
    ) -> "Plan":
        """Return what `train` would do with the same arguments.

        Args:
            loss: As for `train`.
            train: As for `train`.
            recipe: As for `train`.
            seed: As for `train`.
            name: As for `train`.
            start: The run to start from, or its plan.
            validation: As for `train`.
            **options: As for `train`.

        Raises:
            SettingsError: If the folder holds a run with other settings.
            ValueError: If there is no such loss, or a loss has no name.
        """
        if name is None:
            if not isinstance(loss, str):
                raise ValueError("A loss that is not a string needs name=.")
            name = loss
        losses.get(loss)
        settings = {
            "loss": name,
            **_facts(train),
            "backbone": self.backbone,
            "backbone weights": self._weights(),
            "input": list(self.input_shape),
            "recipe": dataclasses.asdict(recipe),
            "precision": self.precision,
            "seed": seed,
            "start": start and start.settings,
            "model": options,
        }
        if validation is not None:
            settings["validation"] = _facts(validation)
        slug = f"{runs.slug(train.name)}_{runs.slug(name)}_seed{seed}"
        if start is not None:
            slug += f"_after_{runs.slug(start.settings['data'])}"
        folder = Path(self.results) / "runs" / slug
        is_done = runs.is_done(folder, settings, runs.HEAD)
        return Plan(
            folder, settings, Training(len(train), recipe.epochs, is_done)
        )

    def check(
        self,
        names: Iterable[str | losses.SaliencyLoss],
        train: datasets.SaliencyDataset,
        **options: Any,
    ) -> None:
        """Raise what trainings would raise, before the first of them starts.

        The network is built with its weights, and each loss is computed once
        for a target such as the data set has.

        Args:
            names: Names for `losses.get`, or losses.
            train: The data set to train on.
            **options: Further arguments of `models.Baseline`.

        Raises:
            ValueError: If weights, losses and data do not fit.
        """
        model = self.model(**options)
        shape = (1, *model.map_size, 1)
        target = np.ones(shape, "float32")
        if train.has_fixations:
            target = np.concatenate([target, target], axis=-1)
        for name in dict.fromkeys(names):
            self.loss(name, train, model).call(
                target, np.ones(shape, "float32")
            )

    def train(
        self,
        loss: str | losses.SaliencyLoss,
        train: datasets.SaliencyDataset,
        recipe: Recipe = RECIPE,
        *,
        seed: int = 0,
        name: str | None = None,
        start: runs.Run | None = None,
        validation: datasets.SaliencyDataset | None = None,
        **options: Any,
    ) -> runs.Run:
        """Train a baseline's head, or read the training from its folder.

        Args:
            loss: A name for `losses.get`, or a loss.
            train: The data set to train on.
            recipe: How it is trained.
            seed: Seed of initial weights, dropout and the order of images.
            name: Name of the loss in the run's settings and in the name of
                its folder. Defaults to `loss`; a loss that is given as an
                object needs one.
            start: A run of the same kind whose weights the head starts from.
            validation: The images by which a recipe `StoppedSGD` ends.
            **options: Further arguments of `models.Baseline`. Its activation
                is by default the one that suits the loss.

        Returns:
            A `Run`, whose model is the whole baseline.

        Raises:
            SettingsError: If the folder holds a run with other settings.
            ValueError: If there is no such loss, a loss has no name, or a
                recipe ends by validation images and there are none.
        """
        if isinstance(recipe, StoppedSGD) != (validation is not None):
            raise ValueError(
                "The recipe StoppedSGD needs validation=, and no other does."
            )
        plan = self.plan(
            loss,
            train,
            recipe,
            seed=seed,
            name=name,
            start=start,
            validation=validation,
            **options,
        )
        arguments = {"activation": losses.get(loss).activation, **options}

        stopping = None
        if isinstance(recipe, StoppedSGD) and validation is not None:
            watched = validation
            stopping = runs.Stopping(
                lambda model: feature_batches(model, watched, shuffle=False),
                recipe.patience,
            )

        def build(trains: bool) -> models.Baseline:
            head = {"head": {"dtype": self.precision}} if trains else {}
            model = self.model(**head, **arguments)
            if trains and start is not None:
                model.head.set_weights(start.model.head.get_weights())
            return model

        def prepare(model: models.Baseline) -> CachedFeatures:
            own = self.loss(loss, train, model)
            batches = feature_batches(
                model, train, recipe.batch_size, seed=seed, flip=recipe.flip
            )
            steps = recipe.epochs * len(batches)
            model.head.compile(recipe.optimizer(steps), own)
            return batches

        return runs.fit(
            plan.folder,
            plan.settings,
            build,
            prepare,
            kind=runs.HEAD,
            epochs=recipe.epochs,
            seed=seed,
            stopping=stopping,
            start=start,
        )


def _facts(dataset: datasets.SaliencyDataset) -> dict[str, Any]:
    """Return what tells a data set from others."""
    return {
        "data": dataset.name,
        "images": len(dataset),
        **checksums.of_dataset(dataset),
    }


def feature_batches(
    model: models.Baseline,
    dataset: datasets.SaliencyDataset,
    batch_size: int = RECIPE.batch_size,
    **options: Any,
) -> CachedFeatures:
    """Return batches of cached features, on which a head trains alone.

    Args:
        model: The baseline whose backbone gives the features.
        dataset: The images.
        batch_size: Images per batch; a smaller data set is one batch.
        **options: Further arguments of `datasets.SaliencySequence`.
    """
    return cache_features(
        model.backbone,
        datasets.SaliencySequence(
            dataset,
            batch_size=min(batch_size, len(dataset)),
            image_size=model.input_shape[1:3],
            map_size=model.map_size,
            **options,
        ),
    )


def predict(model: models.Baseline, dataset: datasets.SaliencyDataset) -> Array:
    """Return a baseline's maps of a data set, `(N, height, width, 1)`.

    They have the size of the model's output and are computed from cached
    features.
    """
    batches = feature_batches(model, dataset, shuffle=False)
    return model.head.predict(batches, verbose=0)


def score(
    run: runs.Run, dataset: datasets.SaliencyDataset, part: str
) -> evaluation.Evaluation:
    """Return the metrics of a trained baseline at the images' own sizes.

    The values of each image are kept in the run's folder, as
    `DATASET_PART.csv`, and read from there where they are. What they depend
    on stands in `DATASET_PART.json`.

    Args:
        run: A run of `HeadTrainer.train`.
        dataset: The data set.
        part: Name of the part of it, such as `"test"`.

    Raises:
        SettingsError: If what is kept was measured against other densities or
            fixations of these images.
    """
    path = run.folder / f"{runs.slug(dataset.name)}_{part}.csv"
    record = path.with_suffix(".json")
    facts = {**checksums.of_dataset(dataset), "weights": run.digest()}
    if path.exists():
        result = evaluation.Evaluation.load(path)
        if result.names == dataset.names:
            if record.exists():
                kept = runs.read_record(record, "facts")
                runs.check_settings(facts, kept["facts"], path)
            return result
    maps = predict(run.model, dataset)
    result = evaluation.evaluate(maps, dataset, verbose=0)
    record.unlink(missing_ok=True)
    result.to_csv(path)
    write_text(record, json.dumps({"facts": facts}, indent=1))
    return result
