"""One `get_config`, and one way in, for classes with keyword arguments."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np


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

    The constructors of subclasses are wrapped, see `plainly`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = plainly(cls.__init__)  # type: ignore[method-assign]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, in a form that JSON knows."""
        return {
            **super().get_config(),  # type: ignore[misc]
            **{
                name: serialized(getattr(self, name))
                for name in argument_names(type(self))
            },
        }


def plainly(function: Callable) -> Callable:
    """Return a function that takes NumPy's numbers as Python's.

    Keras and JSON know `8`, not `numpy.int64(8)`. While it runs Keras' layers
    are made for channels last, whatever `keras.config.image_data_format()`
    says: the package's maps and images have no other form.
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with _channels_last():
            return function(*plain(args), **plain(kwargs))

    # Keras reads the names of arguments without following wrappers.
    signature = inspect.signature(function)
    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    return wrapped


def plain(value: Any) -> Any:
    """Return NumPy's numbers and lists of numbers as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.ndim < 2:
        return value.tolist()
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    if type(value) is dict:
        return {key: plain(item) for key, item in value.items()}
    return value


@contextmanager
def _channels_last() -> Iterator[None]:
    before = keras.config.image_data_format()
    if before == "channels_last":
        yield
        return
    keras.config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        keras.config.set_image_data_format(before)


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
    value = plain(value)
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
