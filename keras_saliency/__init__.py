"""Train, compare and use models of where people look, in Keras 3.

What is named here is imported when it is first used: `import keras_saliency`
alone imports no Keras.
"""

import importlib
from typing import TYPE_CHECKING, Any

from keras_saliency._utils import startup
from keras_saliency._version import __version__

if TYPE_CHECKING:
    from keras_saliency import (
        callbacks,
        datasets,
        evaluation,
        experiments,
        functional,
        layers,
        losses,
        metrics,
        models,
        plot,
        targets,
        weights,
    )
    from keras_saliency.features import CachedFeatures, cache_features
    from keras_saliency.prediction import Predictor, predict

__all__ = [
    "CachedFeatures",
    "Predictor",
    "__version__",
    "cache_features",
    "callbacks",
    "datasets",
    "evaluation",
    "experiments",
    "functional",
    "layers",
    "losses",
    "metrics",
    "models",
    "plot",
    "predict",
    "targets",
    "weights",
]

# The module of each name that is none itself.
_HOMES = {
    "CachedFeatures": "features",
    "cache_features": "features",
    "Predictor": "prediction",
    "predict": "prediction",
}
# What has classes that Keras reads from files.
_REGISTERED = ("layers", "losses", "metrics", "models")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_HOMES.get(name, name)}")
    if name not in _HOMES:
        return module  # its import made it an attribute
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _register() -> None:
    for name in _REGISTERED:
        importlib.import_module(f"{__name__}.{name}")


startup.prepare(__name__, _register)
