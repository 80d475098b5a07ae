"""What a network of `keras.applications` has its images brought to."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Tensor


@keras.saving.register_keras_serializable("keras_saliency.layers")
class ImageNetPreprocessing(SignatureConfig, keras.layers.Layer):
    """The `preprocess_input` of an architecture of `keras.applications`.

    The numbers are those of the function. As a layer they belong to the
    network wherever it goes: called on a symbolic tensor, the function leaves
    its constant outside of TensorFlow's graph, where exports do not find it.

    Args:
        architecture: Name of an architecture of `keras.applications`, in any
            case, such as `"vgg16"`: BGR minus the ImageNet mean.
        **kwargs: See `keras.layers.Layer`.

    Input: RGB images in 0..255, `(batch, height, width, 3)`. They keep their
    type in any precision.
    Output: the same shape and type.

    Raises:
        ValueError: If there is no such architecture.
    """

    def __init__(self, *, architecture: str, **kwargs: Any) -> None:
        super().__init__(**{"autocast": False, **kwargs})
        self.architecture = architecture
        self._preprocess = application(architecture)[1]

    def call(self, inputs: Tensor) -> Tensor:
        """Bring `(batch, height, width, 3)` to the network's range."""
        return self._preprocess(inputs, data_format="channels_last")


def application(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return an architecture of `keras.applications`, and its preprocessing.

    Args:
        name: Name of the architecture, in any case.

    Raises:
        ValueError: If there is none of that name.
    """
    known = _applications()
    try:
        return known[name.lower()][1:]
    except KeyError:
        names = ", ".join(sorted(shown for shown, *_ in known.values()))
        raise ValueError(
            f"There is no backbone {name!r}. Known are tiny and those of "
            f"keras.applications: {names}."
        ) from None


@functools.cache
def _applications():
    return {name.lower(): (name, *rest) for name, *rest in _found()}


def _found() -> Iterator[tuple[str, Callable[..., Any], Callable[..., Any]]]:
    for name, value in vars(keras.applications).items():
        # The module that an architecture is from has its preprocessing. (That
        # of MobileNetV3 has the preprocessing alone.)
        home = getattr(value, "__module__", "").rpartition(".")[2]
        module = getattr(keras.applications, home, None)
        preprocess = getattr(module, "preprocess_input", None)
        if name[0].isupper() and preprocess is not None:
            yield name, value, preprocess
