"""One `get_config` for every class with keyword arguments."""

import inspect
from typing import Any

import keras


class SignatureConfig:
    """Mixin whose `get_config` is read off the constructor's signature.

    Every argument of `__init__` is an attribute of the same name. Arguments
    that the Keras base class takes (`name`, `dtype`, `reduction`, ...) reach
    it through `**kwargs`, and its own `get_config` returns them. The mixin
    stands before that base class:

        class ASPP(SignatureConfig, keras.layers.Layer):
            def __init__(self, *, depth=32, **kwargs):
                super().__init__(**kwargs)
                self.depth = depth
    """

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, in a form that JSON knows."""
        return {
            **super().get_config(),  # type: ignore[misc]
            **{
                name: serialized(getattr(self, name))
                for name in argument_names(type(self))
            },
        }


def argument_names(cls: type) -> list[str]:
    """Return the names of a constructor's own arguments, not `**kwargs`."""
    parameters = inspect.signature(cls).parameters.values()
    return [
        parameter.name
        for parameter in parameters
        if parameter.kind
        not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def serialized(value: Any) -> Any:
    """Return a value as JSON knows it: Keras objects as configurations."""
    if isinstance(value, (list, tuple)):
        return [serialized(item) for item in value]
    if isinstance(value, dict):
        return {key: serialized(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if inspect.isfunction(value):
        # An activation: its name alone, if Keras has it.
        return keras.activations.serialize(value)
    return keras.saving.serialize_keras_object(value)


def deserialized(config: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a configuration whose named entries are Keras objects again.

    Args:
        config: What `get_config` returned.
        *names: Entries that hold a serialized object, or a list of them.

    Returns:
        A copy of the configuration.
    """
    config = dict(config)
    for name in names:
        value = config[name]
        if isinstance(value, list):
            config[name] = [_deserialized(item) for item in value]
        else:
            config[name] = _deserialized(value)
    return config


def _deserialized(value: Any) -> Any:
    if isinstance(value, dict):
        return keras.saving.deserialize_keras_object(value)
    return value
