"""Which models have names, and the model that a name stands for."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras

from keras_saliency import weights
from keras_saliency._utils.errors import ModelNotFoundError
from keras_saliency._utils.types import PathName
from keras_saliency.models.baseline import Baseline
from keras_saliency.models.classic import CLASSIC
from keras_saliency.models.deep_conv_net import DeepConvNet
from keras_saliency.models.deep_gaze import DeepGazeI, DeepGazeII
from keras_saliency.models.density_net import DensityNet
from keras_saliency.models.dsclrcn import DSCLRCN
from keras_saliency.models.eml_net import EMLNet
from keras_saliency.models.fast_net import FastNet
from keras_saliency.models.files import read_model
from keras_saliency.models.icf import ICF
from keras_saliency.models.ml_net import MLNet
from keras_saliency.models.pdp import PDP
from keras_saliency.models.salgan import SalGAN
from keras_saliency.models.salicon_net import SALICONNet
from keras_saliency.models.sam import SAMVGG, SAMResNet
from keras_saliency.models.shallow_net import ShallowNet

# Classes of networks, to be trained.
MODELS = {
    "baseline": Baseline,
    "deep_conv_net": DeepConvNet,
    "deepgaze1": DeepGazeI,
    "deepgaze2": DeepGazeII,
    "density_net": DensityNet,
    "dsclrcn": DSCLRCN,
    "eml_net": EMLNet,
    "fast_net": FastNet,
    "icf": ICF,
    "ml_net": MLNet,
    "pdp": PDP,
    "salgan": SalGAN,
    "salicon_net": SALICONNet,
    "sam_resnet": SAMResNet,
    "sam_vgg": SAMVGG,
    "shallow_net": ShallowNet,
}


def get(
    identifier: Any,
    *,
    backbone_weights: PathName = "imagenet",
    directory: PathName | None = None,
    base_url: str | None = None,
    download: bool = True,
    progress: bool = True,
) -> Any:
    """Return a model that makes saliency maps, by its name or file.

    Args:
        identifier: One of

            - The name of a published model, an entry of `weights.entries()`
              such as `"best"`. Its file is found and verified as
              `weights.find` says.
            - The name of a classic model, a key of `models.classic.CLASSIC`
              such as `"gbvs"`.
            - The path of a `.keras` file.
            - A Keras model, or an object with a method
              `saliency_map(image)`: it is returned as it is.
        backbone_weights: Weights of a published model's frozen backbone:
            `"imagenet"`, which Keras downloads the first time, or the path of
            a weights file of the network without its top. Those that are
            published whole, such as `"best"`, have no use for it.
        directory: A folder with the published files.
        base_url: Address of a folder with the published files.
        download: Whether a published file may be downloaded.
        progress: Whether to show the progress of a download.

    Returns:
        A new model, ready to predict and to train further: of a published
        name the `models.Baseline` or what else the file holds, not compiled;
        or `identifier` itself.

    Raises:
        WeightsError: If the published file is not there or damaged.
        ValueError: If there is no such model (also a `FileNotFoundError`), or
            if the backbone's weights cannot be had.

    Example:
    >>> get("spectral_residual", download=False)
    SpectralResidual(longest=64, average=3, sigma=2.5)
    """
    if hasattr(identifier, "saliency_map") or isinstance(
        identifier, keras.Model
    ):
        return identifier
    if not isinstance(identifier, (str, os.PathLike)):
        raise ValueError(
            "A model must be a name, the path of a .keras file, a Keras model, "
            "or have a method saliency_map(image); received "
            f"{type(identifier).__name__}."
        )
    name = os.fspath(identifier)
    if name.lower().endswith(".keras"):
        if not Path(name).is_file():
            raise ModelNotFoundError(f"There is no model {name}.")
        return read_model(name)
    if name in CLASSIC:
        return CLASSIC[name]()
    entries = {entry.name: entry for entry in weights.entries()}
    if name not in entries:
        raise ModelNotFoundError(_unknown(name, entries))
    path = weights.find(
        name,
        directory=directory,
        base_url=base_url,
        download=download,
        progress=progress,
    )
    head_of = entries[name].baseline
    if head_of is None:
        return read_model(path, trusted=True)
    model = Baseline(**head_of, backbone_weights=backbone_weights)
    model.head.load_weights(path)
    return model


def _unknown(name: str, published: Iterable[str]) -> str:
    if name in MODELS:
        return (
            f"{name!r} is a network without training, which makes no saliency "
            f"map: make one by models.{MODELS[name].__name__}(), train it or "
            "load its weights, and pass the model or its .keras file."
        )
    return (
        f"There is no model {name!r}. Published are "
        f"{', '.join(published) or 'none'}; classic models are "
        f"{', '.join(CLASSIC)}; a file must end in .keras."
    )
