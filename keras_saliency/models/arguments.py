"""The arguments of networks: checked, kept as attributes, stored in files."""

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

    The mixin stands before `SaliencyModel` or `keras.Model`. Constructors of
    subclasses are wrapped: `_utils.config.plainly`.

    Args:
        *tensors: Inputs and outputs of the network; see `keras.Model`.
        name: Name of the model.
        trainable: `False` freezes all weights.
    """

    name: str
    input_shape: Shape

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = plainly(cls.__init__)  # type: ignore[method-assign]

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
        return {name: self._stored(name) for name in names}

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
        with keras.saving.CustomObjectScope(custom_objects or {}):
            return cls(
                **{
                    name: keras.saving.deserialize_keras_object(value)
                    if isinstance(value, dict) and "class_name" in value
                    else value
                    for name, value in config.items()
                }
            )


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
