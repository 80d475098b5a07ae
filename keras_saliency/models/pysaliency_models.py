"""Models of the library pysaliency, both ways."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_saliency import inference
from keras_saliency._utils import optional
from keras_saliency._utils.types import Array
from keras_saliency.models.names import get


def to_pysaliency(model: Any) -> Any:
    """Return a model as a `pysaliency.SaliencyMapModel`.

    Its maps are those of `model.saliency_map`, of the image's size; pysaliency
    keeps them in memory (`caching = False` ends that).

    Args:
        model: A model as `models.get` takes it: a name, the path of a
            `.keras` file, a Keras model, or an object with a method
            `saliency_map(image)`.

    Returns:
        A `pysaliency.SaliencyMapModel`.

    Raises:
        NotInstalledError: If pysaliency is not installed.
        ValueError: If there is no such model.
    """
    library = optional.load("pysaliency", "to_pysaliency")
    return _model_class(library, get(model))()


def _model_class(library: Any, model: Any) -> type:
    class Model(library.SaliencyMapModel):
        """Maps of one of our models."""

        def _saliency_map(self, stimulus: Array) -> Array:
            if hasattr(model, "saliency_map"):
                return np.asarray(model.saliency_map(stimulus))
            return inference.saliency_map(model, stimulus)

    return Model


def density_of(model: Any) -> Callable[[Array], Array]:
    """Return the function from an image to its density.

    Args:
        model: A `pysaliency.Model`, which gives the logarithm of a density.
    """

    def density(image: Array) -> Array:
        return np.exp(model.log_density(image))

    return density
