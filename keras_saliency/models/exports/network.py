"""What is exported of a model: a network, its input, the steps around it."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras

from keras_saliency import inference
from keras_saliency._utils import optional
from keras_saliency.models.base import SaliencyModel
from keras_saliency.steps import MapSteps

INPUT, OUTPUT = "images", "saliency"


class Network(NamedTuple):
    """A network to export.

    Attributes:
        model: From images `(batch, height, width, 3)`, float32 in 0..255, to
            maps `(batch, height, width, 1)`.
        shape: `(height, width, 3)`, where `None` stands for any.
        steps: What is done before and after.
    """

    model: keras.Model
    shape: tuple[int | None, ...]
    steps: MapSteps

    @property
    def variables(self) -> list[keras.Variable]:
        """All weights, the trainable ones first."""
        model = self.model
        return [*model.trainable_variables, *model.non_trainable_variables]

    def call(self, images: Any, weights: Sequence[Any] | None = None) -> Any:
        """Return the maps of a tensor of the backend.

        Args:
            images: Tensor `(batch, height, width, 3)`.
            weights: Tensors in place of the `variables`.
        """
        if weights is None:
            return self.model(images, training=False)
        count = len(self.model.trainable_variables)
        maps, _ = self.model.stateless_call(
            list(weights[:count]), list(weights[count:]), images, training=False
        )
        return maps


def network_of(model: Any) -> Network:
    """Return what is to be exported of a Keras model.

    Raises:
        ValueError: If it takes no images, its steps cannot be written, or it
            computes in another precision than float32.
    """
    model = inference.bare(model)
    if not isinstance(model, keras.Model):
        raise ValueError(
            "Only Keras models can be exported; received "
            f"{type(model).__name__}."
        )
    inference.input_size(model)
    network = model.map_network() if hasattr(model, "map_network") else model
    for name in ("prepare_image", "finish_map", "saliency_map"):
        ours = getattr(SaliencyModel, name)
        if getattr(type(model), name, ours) is not ours:
            raise ValueError(
                f"{type(model).__name__} has a {name} of its own, which a file "
                "of another format cannot hold. Name the steps by map_steps(), "
                "or export the network alone: keras.Model(model.inputs, "
                "model.outputs)."
            )
    for layer in _layers(network):
        if layer.compute_dtype != "float32":
            raise ValueError(
                f"The layer {layer.name} computes in {layer.compute_dtype}, "
                "and exported files in float32. Make the model anew in "
                "float32, and give it the weights: new.set_weights("
                "model.get_weights())."
            )
    steps = model.map_steps() if hasattr(model, "map_steps") else MapSteps()
    return Network(network, tuple(network.input_shape[1:]), steps)


def _layers(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    yield layer
    for part in getattr(layer, "layers", ()):
        yield from _layers(part)


def needed(name: str, package: str) -> Any:
    """Return a module, or raise an error that says what to install.

    Raises:
        NotInstalledError: If it is not installed.
    """
    return optional.load_module(
        name, f"This format needs {package} here: pip install {package}"
    )


def first_line(error: BaseException) -> str:
    """Return the beginning of what a converter or a runtime says at length."""
    return str(error).strip().partition("\n")[0][:300]
