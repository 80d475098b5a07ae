"""Maps of a data set's images, computed once and kept."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency._utils import checksums
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
    numbers = range(len(dataset))
    kept = _read(path)
    if kept is not None and kept["digest"] == (
        checksums.of_texts(map(source.digest, numbers))
    ):
        return dict(zip(dataset.names, kept["maps"], strict=True))
    maps, digests = [], []
    for i, map_ in source.predict(numbers):
        maps.append(as_array(map_))
        # A function gives it by the map that it has just made.
        digests.append(source.digest(i))
    digest = checksums.of_texts(digests)
    with replacing(path) as new, open(new, "wb") as file:
        np.savez(file, digest=digest, maps=np.stack(maps))
    return dict(zip(dataset.names, maps, strict=True))


def _read(path: Path) -> dict[str, Array] | None:
    """Return what a file holds; nothing of one that is damaged or another."""
    try:
        with open(path, "rb") as opened, np.load(opened) as file:
            return {"digest": file["digest"], "maps": file["maps"]}
    except FileNotFoundError:
        return None
    except Exception:  # a damaged file raises nearly anything
        warnings.warn(f"{path} is damaged, and made anew", stacklevel=3)
        return None
