"""Linear interpolation of tensors, also to sizes that a graph makes."""

from typing import Any

from keras import ops

from keras_saliency._utils.types import Tensor


def resize_bilinear(maps: Tensor, size: tuple[Any, Any]) -> Tensor:
    """Resize maps by linear interpolation between the centers of pixels.

    `ops.image.resize` takes no size that is known only when a graph runs.

    Args:
        maps: Tensor `(batch, height, width, channels)`.
        size: Height and width wanted: numbers, or tensors in a graph.
    """
    known = [*maps.shape[1:3], *size]
    if all(isinstance(side, int) for side in known):
        return ops.image.resize(
            maps, size, interpolation="bilinear", data_format="channels_last"
        )
    down, across = (
        ops.cast(_interpolation(side, wanted), maps.dtype)
        for side, wanted in zip(ops.shape(maps)[1:3], size, strict=True)
    )
    return ops.einsum("ih,bhwc,jw->bijc", down, maps, across)


def _interpolation(side: Any, wanted: Any) -> Tensor:
    """Return the matrix that makes `wanted` numbers of `side` numbers."""
    scale = ops.cast(side, "float32") / ops.cast(wanted, "float32")
    places = (ops.cast(ops.arange(wanted), "float32") + 0.5) * scale - 0.5
    places = ops.clip(places, 0.0, ops.cast(side - 1, "float32"))
    distances = places[:, None] - ops.cast(ops.arange(side), "float32")
    return ops.maximum(1.0 - ops.abs(distances), 0.0)
