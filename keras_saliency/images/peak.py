"""Maps whose largest value is 1."""

from keras_saliency._utils.types import Array


def divide_by_peak(map_: Array) -> Array:
    """Return a map divided by its largest value.

    Args:
        map_: Array of any shape.

    Returns:
        Array of the same shape; `map_` itself if no value is positive.
    """
    peak = map_.max()
    return map_ / peak if peak > 0 else map_
