"""Models from published files."""

import keras

from keras_saliency.models import Baseline
from keras_saliency.weights import files


def load(
    name,
    directory=None,
    base_url=None,
    backbone_weights="imagenet",
    *,
    download=True,
    progress=True,
):
    """A published model, ready to predict and to train further.

    Args:
        name: A name of `weights.list()`.
        directory: A folder with the files; `weights.find` says where else
            they are looked for.
        base_url: Address of a folder with the files.
        backbone_weights: Of the frozen backbone, for models that have one:
            `"imagenet"`, which Keras downloads the first time, or the path of
            a weights file of the network without its top.
        download: Whether the file may be downloaded.
        progress: Whether to show the progress of a download.

    Returns:
        A `keras.Model`, not compiled: `models.Baseline`, or what the file
        holds.

    Raises:
        WeightsError: If there is no such name or no such file, or if it is
            not the one published.
        ValueError: If the backbone's weights cannot be had.
    """
    path = files.find(
        name, directory, base_url, download=download, progress=progress
    )
    options = files.entry(name).baseline
    if options is None:
        return keras.models.load_model(path, compile=False)
    model = Baseline(**options, backbone_weights=backbone_weights)
    model.head.load_weights(path)
    return model
