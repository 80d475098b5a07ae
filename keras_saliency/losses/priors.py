"""A prior map of a loss: its form, and how a configuration holds it."""

import base64
from typing import Any

import numpy as np
from keras import ops

from keras_saliency._utils.types import Array, ArrayLike, Tensor


def as_map(prior: ArrayLike, owner: str) -> Array:
    """Return a prior as a float32 map `(height, width)`.

    Args:
        prior: The map.
        owner: Class of the loss, for errors.

    Raises:
        ValueError: If it has another shape, or is not finite.
    """
    prior = np.array(prior, dtype="float32")
    if prior.ndim != 2 or not np.isfinite(prior).all():
        raise ValueError(
            f"{owner}: the prior must be a finite map of shape (height, "
            f"width), received shape {prior.shape}."
        )
    return prior


def as_tensor(prior: Array, y_pred: Tensor, owner: str) -> Tensor:
    """Return a prior as a tensor `(1, height, width, 1)`.

    Args:
        prior: The map `(height, width)`.
        y_pred: Prediction `(batch, height, width, 1)`.
        owner: Class of the loss, for errors.

    Raises:
        ValueError: If the two differ in height or width.
    """
    size = tuple(y_pred.shape[1:3])
    if None not in size and size != prior.shape:
        raise ValueError(
            f"{owner}: the prior has size {prior.shape}, the maps that it is "
            f"compared with {size}. Make it at their size, that of the "
            "network's output (within a PooledLoss that of the pooled maps): "
            "dataset.mean_density(size)."
        )
    return ops.convert_to_tensor(prior[None, :, :, None])


def encoded(prior: Array | None) -> dict[str, Any] | None:
    """Return a prior as JSON knows it, its bytes as base64."""
    if prior is None:
        return None
    data = base64.b64encode(prior.astype("<f4").tobytes())
    return {"shape": list(prior.shape), "float32": data.decode("ascii")}


def decoded(prior: dict[str, Any]) -> Array:
    """Inverse of `encoded`."""
    data = base64.b64decode(prior["float32"])
    return np.frombuffer(data, dtype="<f4").reshape(prior["shape"]).copy()
