"""Where a position that an eye tracker recorded lies on the image."""

from collections.abc import Callable, Collection

import numpy as np

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import Array, Size
from keras_saliency.images import as_size

_UNITS = ("pixels", "normalized")
_ORIGINS = ("top left", "bottom left", "center")


class Frame:
    """What recorded positions are positions in; see `load_csv`.

    Args:
        units: "pixels" or "normalized".
        origin: "top left", "bottom left" or "center".
        screen: Height and width of the screen in pixels, or None where
            positions are on the image.
        fit: Whether images were scaled to the screen.

    Raises:
        ValueError: On another value.
    """

    def __init__(
        self, units: str, origin: str, *, screen: Size | None, fit: bool
    ) -> None:
        self.units = one_of("units", units, _UNITS)
        self.origin = one_of("origin", origin, _ORIGINS)
        self.screen = None if screen is None else as_size(screen, "screen")
        self.fit = fit
        if fit and screen is None:
            raise ValueError("fit=True needs screen=(height, width).")

    def on_images(
        self, x: Array, y: Array, sizes: Array
    ) -> tuple[Array, Array]:
        """Return positions in pixels of their images, from the top left.

        Args:
            x: Recorded columns, shape `(N,)`.
            y: Recorded rows, shape `(N,)`.
            sizes: `(height, width)` of the image of each, shape `(N, 2)`.
        """
        height, width = sizes.T.astype("float64")
        frame_height, frame_width = height, width
        if self.screen is not None:
            frame_height = np.full_like(height, self.screen[0])
            frame_width = np.full_like(width, self.screen[1])
        if self.units == "normalized":
            # From the center they run to 1 on either side.
            part = 0.5 if self.origin == "center" else 1.0
            x, y = x * part * frame_width, y * part * frame_height
        if self.origin == "bottom left":
            y = frame_height - y
        elif self.origin == "center":
            x, y = frame_width / 2 + x, frame_height / 2 - y
        if self.screen is None:
            return x, y
        scale = np.ones_like(width)
        if self.fit:
            scale = np.minimum(frame_height / height, frame_width / width)
        x = (x - (frame_width - scale * width) / 2) / scale
        y = (y - (frame_height - scale * height) / 2) / scale
        return x, y

    def check(
        self, x: Array, y: Array, sizes: Array, place: Callable[[int], str]
    ) -> None:
        """Raise if most positions lie outside of their images.

        Who looks at an image looks at it, so the positions are then of another
        kind than was said.

        Args:
            x: Columns in pixels of the images, shape `(N,)`.
            y: Rows in pixels of the images, shape `(N,)`.
            sizes: As for `on_images`.
            place: File and line of the one of a number, for the error.

        Raises:
            DatasetError: If they do.
        """
        height, width = sizes.T
        outside = (x < 0) | (x >= width) | (y < 0) | (y >= height)
        if outside.mean() > 0.5:
            k = int(np.argmax(outside))
            raise DatasetError(
                f"{outside.sum()} of {len(x)} fixations lie outside of their "
                f"images, the first in {place(k)}: x {x[k]:.6g}, y "
                f"{y[k]:.6g} in an image {width[k]} wide and {height[k]} high. "
                "Are units=, origin= or screen= other?"
            )
        if self.units == "pixels" and len(x) > 1 and max(x.max(), y.max()) <= 1:
            raise DatasetError(
                f"All fixations, the first in {place(0)}, lie in the first "
                'pixel of their images; give units="normalized".'
            )


def one_of(name: str, value: str, known: Collection[str]) -> str:
    """Return an argument's value, or raise if it is none of those known."""
    if value not in known:
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, known))}; received "
            f"{value!r}."
        )
    return value
