"""The arguments of networks: checked, kept as attributes, stored in files."""

import functools
import warnings
from collections.abc import Callable
from typing import Any, Self

import keras

from keras_saliency._utils.checks import is_count
from keras_saliency._utils.config import argument_names, plainly, serialized
from keras_saliency._utils.types import Shape


class ConfiguredModel:
    """Mixin of networks that files hold as their constructor's arguments.

    Every argument is an attribute of the same name. Two differ in the
    configuration: `input_shape` is without the batch, as the constructor takes
    it, and `backbone_weights` is `None`: a saved model brings all its weights
    along, and none are loaded from elsewhere when it is read back.

    Layers whose `trainable` was set after the model was made keep it: the
    configuration then has an entry `layers_trainable`, for all layers and
    those within them.

    The mixin stands before `SaliencyModel` or `keras.Model`. Constructors of
    subclasses are wrapped: `_utils.config.plainly`.

    Args:
        *tensors: Inputs and outputs of the network; see `keras.Model`.
        name: Name of the model.
        trainable: `False` freezes all weights.
    """

    name: str
    input_shape: Shape
    # Whether each layer trains in the model as it is made.
    _made_trainable: tuple[bool, ...]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = _remembering(  # type: ignore[method-assign]
                plainly(cls.__init__)
            )

    def __init__(
        self, *tensors: keras.KerasTensor, name: str, trainable: bool = True
    ) -> None:
        super().__init__(*tensors, name=name)  # type: ignore[call-arg]
        # True would thaw what is frozen already.
        if not trainable:
            self.trainable = False

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, in a form that JSON knows."""
        names = argument_names(type(self))
        config = {name: self._stored(name) for name in names}
        flags = [layer.trainable for layer in _layers(self)]
        if flags != list(self._made_trainable):
            config["layers_trainable"] = flags
        return config

    def _stored(self, name: str) -> Any:
        """Return an argument as the configuration has it."""
        if name == "input_shape":
            return list(self.input_shape[1:])
        if name == "backbone_weights":
            return None
        return serialized(getattr(self, name))

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> Self:
        """Return the network of a configuration."""
        config = dict(config)
        flags = config.pop("layers_trainable", None)
        with keras.saving.CustomObjectScope(custom_objects or {}):
            model = cls(
                **{
                    name: keras.saving.deserialize_keras_object(value)
                    if isinstance(value, dict) and "class_name" in value
                    else value
                    for name, value in config.items()
                }
            )
        if flags is not None:
            _set_trainable(model, flags)
        return model


def _remembering(construct: Callable) -> Callable:
    """Return a constructor that notes which layers of the model train."""

    @functools.wraps(construct)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> None:
        construct(self, *args, **kwargs)
        if type(self).__init__ is wrapped:  # not a subclass's
            self._made_trainable = tuple(
                layer.trainable for layer in _layers(self)
            )

    return wrapped


def _layers(model: Any) -> list[keras.layers.Layer]:
    """Return a model's layers and those within them, each after its owner."""
    found: dict[int, keras.layers.Layer] = {}
    for layer in model.layers:
        for part in layer._flatten_layers():
            found.setdefault(id(part), part)
    return list(found.values())


def _set_trainable(model: Any, flags: list[bool]) -> None:
    layers = _layers(model)
    if len(layers) != len(flags):
        warnings.warn(
            f"The file of {model.name} says of {len(flags)} layers whether "
            f"they train, but there are {len(layers)}: set it anew.",
            stacklevel=2,
        )
        return
    for layer, flag in zip(layers, flags, strict=True):
        # Those within come later, and get their own.
        layer.trainable = flag


def check_input_shape(
    shape: Shape,
    *,
    least: int = 1,
    multiple: int = 1,
    channels: int = 3,
    any_size: bool = False,
) -> None:
    """Refuse an `input_shape` that a network cannot take.

    Args:
        shape: The argument.
        least: Smallest height and width.
        multiple: Number that must divide height and width.
        channels: Number of channels.
        any_size: Whether height and width may be `None`.

    Raises:
        ValueError: If it is not `(height, width, channels)` of such sides.
    """

    def fits(side):
        if side is None:
            return any_size
        return is_count(side) and side >= least and side % multiple == 0

    shape = tuple(shape) if hasattr(shape, "__iter__") else (shape,)
    if len(shape) != 3 or shape[2] != channels or not all(map(fits, shape[:2])):
        divisible = f", divisible by {multiple}" if multiple > 1 else ""
        raise ValueError(
            f"input_shape must be (height, width, {channels}) with sides of at "
            f"least {least}{divisible}, received {shape}."
        )
