"""Training whole networks of `models.MODELS`."""

import contextlib
import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_saliency import datasets, losses, models
from keras_saliency._utils import checksums
from keras_saliency._utils.types import PathName
from keras_saliency.experiments import runs
from keras_saliency.experiments.recipes import Recipe
from keras_saliency.models import importers

# Of one backbone, or of each of several.
Weights = PathName | Sequence[PathName | None] | None

# Readers of files that the authors released. A `.keras` file is read for any
# network.
IMPORTERS = {
    "deep_conv_net": importers.load_deep_conv_net_weights,
    "ml_net": importers.load_ml_net_weights,
    "salgan": importers.load_salgan_weights,
    "sam_resnet": importers.load_sam_weights,
    "sam_vgg": importers.load_sam_weights,
    "shallow_net": importers.load_shallow_net_weights,
}
# The learning rate that stands for a network's own optimizer.
AUTHORS = "authors"


def make(
    name: str, backbone_weights: Weights = None, **options: Any
) -> models.SaliencyModel:
    """Return a new network of `models.MODELS`.

    Args:
        name: Name in `models.MODELS`.
        backbone_weights: Weights of the backbone, for networks that have one:
            `"imagenet"`, the path of a file, or `None` for random ones; for
            those that have several, also one for each.
        **options: Further arguments of the network.
    """
    if _takes(name, "backbone_weights"):
        options["backbone_weights"] = backbone_weights
    return models.MODELS[name](**options)


def released(name: str, path: PathName, **options: Any) -> Any:
    """Return a network with weights that someone has released.

    Args:
        name: Name in `models.MODELS`.
        path: A `.keras` file of any model of this package, or what the
            network's importer in `IMPORTERS` takes.
        **options: Arguments of the network, for an importer.

    Raises:
        ValueError: If the file is of another kind.
    """
    if str(path).endswith(".keras"):
        return models.get(path)
    if name not in IMPORTERS:
        raise ValueError(
            f"{path}: for {name} a .keras file is needed; files of other "
            f"kinds are read for {', '.join(sorted(IMPORTERS))}."
        )
    return IMPORTERS[name](make(name, **options), path)


def is_trained(folder: PathName, settings: Mapping[str, Any]) -> bool:
    """Return whether `train_network` would read a run from its folder.

    Raises:
        SettingsError: If the folder holds a run with other settings.
    """
    return runs.is_done(Path(folder), settings, runs.NETWORK)


def train_network(
    name: str,
    folder: PathName,
    settings: Mapping[str, Any],
    train: datasets.SaliencyDataset,
    *,
    backbone_weights: Weights = None,
    loss: Callable[[models.SaliencyModel], losses.SaliencyLoss] | None = None,
    start: runs.Run | None = None,
    **options: Any,
) -> runs.Run:
    """Train a whole network, or read the training from its folder.

    Images are stretched to the network's input, in training and in its
    `saliency_map`, also where its authors lay them among zeros.

    Args:
        name: Name in `models.MODELS`.
        folder: The folder that the run is kept in.
        settings: What the run depends on. Used here are "epochs",
            "batch_size", "learning_rate" (of Adam, which falls to zero along
            a half cosine, or `AUTHORS` for the network's own optimizer),
            "precision" (of the training; the network that is returned has
            float32) and "seed".
        train: The data set to train on.
        backbone_weights: As for `make`, to start from.
        loss: Function from the network to its loss. Defaults to the loss that
            its authors trained it with.
        start: A run of the same network, whose weights it starts from in
            place of the backbone's.
        **options: Further arguments of the network.

    Returns:
        A `Run`.

    Raises:
        SettingsError: If the folder holds a run with other settings, or of
            other images.
        ValueError: If there is no such network, settings lack what is used,
            or `start` is a run of another network.
    """
    _check(name, settings, "learning_rate")
    if _takes(name, "keep_proportions"):
        options["keep_proportions"] = False

    def build(trains: bool) -> models.SaliencyModel:
        if not trains:
            return make(name, **options)
        with precision(settings["precision"]):
            if start is None:
                return make(name, backbone_weights, **options)
            model = make(name, **options)
        if type(model) is not type(start.model):
            raise ValueError(
                f"A {name} cannot start from a run of a "
                f"{type(start.model).__name__}."
            )
        model.set_weights(start.model.get_weights())
        return model

    def prepare(model: models.SaliencyModel) -> datasets.SaliencySequence:
        batches = _batches(model, train, settings)
        own = model.recommended_loss() if loss is None else loss(model)
        if settings["learning_rate"] == AUTHORS:
            optimizer = model.recommended_optimizer()
        else:
            recipe = Recipe(learning_rate=settings["learning_rate"])
            optimizer = recipe.optimizer(settings["epochs"] * len(batches))
        model.compile(optimizer, own)
        return batches

    return _fit(folder, settings, train, build, prepare, start)


def train_adversarially(
    folder: PathName,
    settings: Mapping[str, Any],
    train: datasets.SaliencyDataset,
    *,
    start: runs.Run,
) -> runs.Run:
    """Train a SalGAN on against a discriminator, or read it from its folder.

    Optimizers, losses and turns are those of `models.AdversarialTraining`.

    Args:
        folder: The folder that the run is kept in.
        settings: As for `train_network`, without "learning_rate".
        train: The data set to train on.
        start: The run of `train_network` that it goes on from.

    Returns:
        A `Run`, whose model is the SalGAN.

    Raises:
        SettingsError: If the folder holds a run with other settings, or of
            other images.
        ValueError: If settings lack what is used, or the run is that of
            another network.
    """
    _check("salgan", settings)
    if not isinstance(start.model, models.SalGAN):
        raise ValueError(
            "Against a discriminator only a SalGAN is trained here; received "
            f"a run of a {type(start.model).__name__}."
        )
    size = start.model.input_shape[1:3]

    def build(trains: bool) -> models.AdversarialTraining:
        with precision(settings["precision"] if trains else "float32"):
            generator = make(
                "salgan", input_shape=(*size, 3), filters=start.model.filters
            )
            discriminator = models.SalGANDiscriminator((*size, 4))
        generator.set_weights(start.model.get_weights())
        return models.AdversarialTraining(generator, discriminator)

    def prepare(trainer: models.AdversarialTraining) -> Any:
        trainer.compile()
        return _batches(trainer.generator, train, settings)

    run = _fit(folder, settings, train, build, prepare, start)
    return dataclasses.replace(run, model=run.model.generator)


def _check(name: str, settings: Mapping[str, Any], *more: str) -> None:
    """Refuse an unknown network, and settings that lack what is used."""
    if name not in models.MODELS:
        raise ValueError(
            f"There is no network {name!r}; known are "
            f"{', '.join(sorted(models.MODELS))}."
        )
    wanted = ("epochs", "batch_size", "precision", "seed", *more)
    missing = [key for key in wanted if key not in settings]
    if missing:
        raise ValueError(f"settings lacks {', '.join(missing)}.")


def _fit(
    folder: PathName,
    settings: Mapping[str, Any],
    train: datasets.SaliencyDataset,
    build: Callable[[bool], Any],
    prepare: Callable[[Any], Any],
    start: runs.Run | None,
) -> runs.Run:
    return runs.fit(
        Path(folder),
        {**settings, **checksums.of_dataset(train)},
        build,
        prepare,
        kind=runs.NETWORK,
        epochs=settings["epochs"],
        seed=settings["seed"],
        start=start,
    )


def _batches(
    model: models.SaliencyModel,
    train: datasets.SaliencyDataset,
    settings: Mapping[str, Any],
) -> datasets.SaliencySequence:
    return datasets.SaliencySequence(
        train,
        batch_size=min(settings["batch_size"], len(train)),
        image_size=model.input_shape[1:3],
        map_size=model.map_size,
        seed=settings["seed"],
    )


def _takes(name: str, option: str) -> bool:
    return option in inspect.signature(models.MODELS[name]).parameters


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Make networks of another precision than the global one.

    Args:
        name: Name of a policy of Keras, such as `"mixed_bfloat16"`.
    """
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy(before)
