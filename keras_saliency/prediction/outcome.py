"""What became of an image that was asked for its map."""

from typing import NamedTuple

from keras_saliency import images
from keras_saliency._utils.types import Array


class Outcome(NamedTuple):
    """What became of one image: its map, or why it has none.

    In a notebook it shows the map over the image.

    Attributes:
        image: The image, an array `(height, width, 3)`; `None` if it could
            not be read.
        map: Its map, float32 `(height, width)` in [0, 1], or `None`.
        error: The error, where there is no map.
    """

    image: Array | None
    map: Array | None
    error: Exception | None = None

    def _repr_png_(self) -> bytes | None:
        if self.image is None or self.map is None:
            return None
        import cv2

        from keras_saliency import plot

        laid = plot.overlay(images.check_pixels(self.image), self.map)
        return cv2.imencode(".png", laid[..., ::-1])[1].tobytes()

    def get(self) -> Array:
        """Return the map, or raise the error."""
        if self.error is not None:
            raise self.error
        assert self.map is not None
        return self.map
