"""Packages that some functions need and the package as a whole does not."""

import importlib
from typing import Any

from keras_saliency._utils.errors import NotInstalledError


def load(package: str, needed_by: str) -> Any:
    """Return an optional package, which has an extra of its name.

    Args:
        package: Its name.
        needed_by: What needs it, for the error.

    Raises:
        NotInstalledError: If it is not installed.
    """
    return load_module(
        package,
        f'{needed_by} needs {package}: pip install "keras_saliency[{package}]"',
    )


def load_module(name: str, advice: str) -> Any:
    """Return a module of an optional package.

    Args:
        name: Its name.
        advice: What needs it and how to install it, for the error.

    Raises:
        NotInstalledError: If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotInstalledError(f"{advice} ({error})") from error
