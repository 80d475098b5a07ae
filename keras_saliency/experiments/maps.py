"""Maps of a data set's images, computed once and kept."""

from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency._utils.atomic import replacing
from keras_saliency._utils.types import Array
from keras_saliency.datasets import SaliencyDataset
from keras_saliency.models.sources import as_array, source_of


def kept_maps(
    model: Any, dataset: SaliencyDataset, path: Path
) -> dict[str, Array]:
    """Return a model's maps of a data set, from a file where they are.

    Args:
        model: A model, as `evaluation.evaluate` takes it, whose maps have one
            size.
        dataset: The images.
        path: The file, `.npz`. Of another model, other weights or other
            images it is made anew.

    Returns:
        Dictionary of the images' names and float32 maps `(height, width)`, as
        the network makes them, not resized.
    """
    source = source_of(model, dataset, None, 8, raw=False)
    digest = source.digest(0)
    if path.is_file():
        with np.load(path) as kept:
            if kept["digest"] == digest and (
                kept["names"].tolist() == list(dataset.names)
            ):
                return dict(zip(dataset.names, kept["maps"], strict=True))
    maps = [as_array(map_) for _, map_ in source.predict(range(len(dataset)))]
    with replacing(path) as new, open(new, "wb") as file:
        np.savez(file, digest=digest, names=dataset.names, maps=np.stack(maps))
    return dict(zip(dataset.names, maps, strict=True))
