"""Every public signature says what it takes and returns."""

import importlib
import inspect
import pkgutil

import pytest

import keras_saliency


def public_modules():
    yield keras_saliency
    for info in pkgutil.walk_packages(
        keras_saliency.__path__, "keras_saliency."
    ):
        if not any(part.startswith("_") for part in info.name.split(".")):
            yield importlib.import_module(info.name)


def own(module, thing):
    return getattr(thing, "__module__", None) == module.__name__


def functions_of(cls):
    """Name -> function of the methods that a class itself defines."""
    for name, member in vars(cls).items():
        # A protocol's constructor is made by `typing`.
        private = name.startswith("_") and name != "__init__"
        if private or getattr(member, "__module__", None) == "typing":
            continue
        if isinstance(member, (classmethod, staticmethod)):
            member = member.__func__
        if isinstance(member, property):
            for accessor in (member.fget, member.fset):
                if accessor is not None:
                    yield name, accessor
        elif inspect.isfunction(member):
            yield name, member


def signatures():
    for module in public_modules():
        for name, thing in vars(module).items():
            if name.startswith("_") or not own(module, thing):
                continue
            where = f"{module.__name__}.{name}"
            if inspect.isfunction(thing):
                yield where, thing
            elif inspect.isclass(thing):
                for method, function in functions_of(thing):
                    yield f"{where}.{method}", function


def bare(where, function):
    """What a signature leaves out."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # written in C, or made by dataclasses
        return []
    missing = [
        parameter.name
        for position, parameter in enumerate(signature.parameters.values())
        if parameter.annotation is parameter.empty
        and not (position == 0 and parameter.name in ("self", "cls"))
    ]
    is_constructor = where.endswith(".__init__")
    if signature.return_annotation is signature.empty and not is_constructor:
        missing.append("return")
    return missing


@pytest.mark.parametrize(
    "room",
    sorted(
        {
            module.__name__.split(".")[1]
            for module in public_modules()
            if "." in module.__name__
        }
    ),
)
def test_public_signatures_are_annotated(room):
    missing = {
        where: names
        for where, function in signatures()
        if where.split(".")[1] == room and (names := bare(where, function))
    }
    assert not missing


def test_there_are_signatures():
    assert sum(1 for _ in signatures()) > 200
