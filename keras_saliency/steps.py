"""What is done to an image before a network, and to its output after.

A network takes images of its input's size and returns maps of its own. The
steps around it have names and numbers, so that a file of any format can hold
them beside the network (`MapSteps`), and are done the same whatever runs the
network (`Mapper`). Nothing here needs Keras.
"""

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Self

import cv2
import numpy as np

from keras_saliency._utils.types import Array, ArrayLike, Size
from keras_saliency.images import check_image, divide_by_peak, resize

# The key under which a file holds the steps beside the network, and the file
# that holds them in those that hold files.
KEY = "keras_saliency"
FILE = "keras_saliency.json"

# By how much the map of a padded image may be larger than what is cut out.
_MOST_BEYOND = 4

# From inputs `(batch, height, width, 3)` to maps `(batch, height, width)`.
Network = Callable[[Array], Array]
# A name of `PREPARING` or `FINISHING`, and its numbers.
Step = tuple[Any, ...]


class Mapper(NamedTuple):
    """How the map of an image is made: prepare, ask the network, finish.

    Attributes:
        prepare: Function from an image, an array `(height, width, 3)` in
            0..255, to the network's input.
        network: Function from inputs `(batch, height, width, 3)` to maps
            `(batch, height, width)`, float32.
        finish: Function from such a map and the image's `(height, width)` to
            the finished map, of any size.
        solo: The same network on one core, for several threads at once, if
            it is small enough for that to be faster.
    """

    prepare: Callable[[Array], Array]
    network: Network
    finish: Callable[[Array, Size], Array]
    solo: Network | None = None

    def finished_maps(self, images: Iterable[ArrayLike]) -> list[Array]:
        """Return the finished map of each image, not resized to its size."""
        checked = [check_image(image) for image in images]
        maps = self.outputs([self.prepare(image) for image in checked])
        return [
            self.finish(map_, image.shape[:2])
            for map_, image in zip(maps, checked, strict=True)
        ]

    def outputs(self, inputs: Sequence[Array]) -> list[Array]:
        """Return the network's map of each input; equal sizes go together."""
        maps: dict[int, Array] = {}
        for members in of_one_size(inputs):
            batch = np.stack([inputs[i] for i in members])
            maps.update(zip(members, self.network(batch), strict=True))
        return [maps[i] for i in range(len(inputs))]


def of_one_size(arrays: Sequence[Array]) -> list[list[int]]:
    """Return the numbers of the arrays of each shape."""
    groups: dict[Any, list[int]] = {}
    for i, each in enumerate(arrays):
        groups.setdefault(each.shape, []).append(i)
    return list(groups.values())


@dataclasses.dataclass(frozen=True)
class MapSteps:
    """The steps around a network, by name.

    Args:
        prepare: A step of `PREPARING`: its name, and numbers if it has any.
        finish: Steps of `FINISHING`, one after the other.

    Raises:
        ValueError: If there is no such step.
    """

    prepare: Step = ("stretch",)
    finish: Sequence[Step] = ()

    def __post_init__(self) -> None:
        for step, known in (
            (self.prepare, PREPARING),
            *((step, FINISHING) for step in self.finish),
        ):
            if not step or step[0] not in known:
                raise ValueError(
                    f"There is no step {step!r}; known are {', '.join(known)}."
                )

    def prepared(self, image: Array, size: Size | None) -> Array:
        """Return an image as the network's input.

        Args:
            image: Array `(height, width, 3)` in 0..255.
            size: `(height, width)` of the input, `None` if it takes any.
        """
        name, *numbers = self.prepare
        return PREPARING[name](image, size, *numbers)

    def finished(self, map_: Array, size: Size) -> Array:
        """Return the network's map, finished.

        Args:
            map_: float32 array `(height, width)`.
            size: `(height, width)` of the image.

        Returns:
            float32 array `(height, width)` of any size.
        """
        for name, *numbers in self.finish:
            map_ = FINISHING[name](map_, size, *numbers)
        return map_

    def mapper(self, network: Network, size: Size | None) -> Mapper:
        """Return the steps with the network in their middle.

        Args:
            network: See `Mapper`.
            size: `(height, width)` of its input, `None` if it takes any.
        """
        return Mapper(
            lambda image: self.prepared(image, size), network, self.finished
        )

    def to_json(self) -> str:
        """Return the steps as a text."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the steps that a text holds.

        Raises:
            ValueError: If it holds none.
        """
        try:
            content = json.loads(text)
            return cls(
                tuple(content["prepare"]), tuple(map(tuple, content["finish"]))
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"The steps of a map cannot be read from {text[:200]!r}: "
                f"{error}"
            ) from error


def stretch(image: Array, size: Size | None) -> Array:
    """Return an image resized to a size, or as it is for `None`."""
    return image if size is None else resize(image, size)


def pad(image: Array, size: Size) -> Array:
    """Return an image as large as it fits into a size, zeros around it.

    Args:
        image: Array `(height, width, 3)`.
        size: `(height, width)` wanted.

    Returns:
        Array `(*size, 3)` of the same type, the image in its middle.
    """
    fitted = _covered(size, image.shape[:2], min)
    padded = np.zeros((*size, 3), image.dtype)
    padded[_middle(size, fitted)] = resize(image, fitted)
    return padded


def shrink(image: Array, size: Size | None, longest: int, least: int) -> Array:
    """Return an image whose longer side is at most `longest`.

    Args:
        image: Array `(height, width, 3)`.
        size: `(height, width)` of the input; unless it is `None`, the image
            is stretched to it.
        longest: Limit of the longer side.
        least: Smallest length of a side.
    """
    if size is not None:
        return resize(image, size)
    scale = min(1.0, longest / max(image.shape[:2]))
    return resize(
        image, [max(least, round(scale * side)) for side in image.shape[:2]]
    )


def unpad(map_: Array, size: Size) -> Array:
    """Return the map of an image, cut out of that of the padded image.

    Args:
        map_: Array `(height, width)`.
        size: `(height, width)` of the image.

    Returns:
        Array of that size.
    """
    whole = _covered(size, map_.shape, max)
    rows, columns = _middle(whole, size)
    if np.prod(whole) > _MOST_BEYOND * np.prod(size):
        # Of a strip the whole would be far larger than what is cut out.
        if whole[1] > size[1]:
            cut = resize(map_, (map_.shape[0], whole[1]))[:, columns]
            cut = np.ascontiguousarray(cut)
            return resize(cut, (whole[0], size[1]))[rows]
        cut = resize(map_, (whole[0], map_.shape[1]))[rows]
        cut = np.ascontiguousarray(cut)
        return resize(cut, (size[0], whole[1]))[:, columns]
    return resize(map_, whole)[rows, columns]


def enlarge_and_blur(map_: Array, size: Size) -> Array:
    """Resize a map by cubic interpolation and blur it.

    The blur is OpenCV's 5x5 Gaussian, of sigma 1.1.

    Args:
        map_: float32 array `(height, width)` in [0, 1].
        size: `(height, width)` wanted.

    Returns:
        float32 array of that size in [0, 1]; values that the interpolation
        brings beyond are clipped.
    """
    map_ = cv2.resize(
        map_, (size[1], size[0]), interpolation=cv2.INTER_CUBIC
    ).reshape(size)
    return np.clip(cv2.GaussianBlur(map_, (5, 5), 0), 0.0, 1.0)


def blur(map_: Array, size: Size, sigma: float) -> Array:
    """Return a map blurred by a Gaussian of `sigma` of its own pixels."""
    from scipy import ndimage  # not needed for most networks

    return ndimage.gaussian_filter(map_, sigma)


PREPARING: dict[str, Callable[..., Array]] = {
    "stretch": stretch,
    "pad": pad,
    "shrink": shrink,
}
FINISHING: dict[str, Callable[..., Array]] = {
    "resize": resize,
    "resize_linearly": lambda map_, size: cv2.resize(
        map_, (size[1], size[0])
    ).reshape(size),
    "unpad": unpad,
    "enlarge_and_blur": enlarge_and_blur,
    "blur": blur,
    "subtract_least": lambda map_, size: map_ - map_.min(),
    "divide_by_peak": lambda map_, size: divide_by_peak(map_),
}


def _covered(size, shape, choose):
    """Return the size in the proportions of `shape` that fits into `size`.

    With `choose=max` it covers `size`.
    """
    factor = choose(a / b for a, b in zip(size, shape, strict=True))
    # What exceeds a whole number by rounding alone is not one more.
    sides = [
        min(a, int(factor * b + 1e-6))
        if choose is min
        else max(a, int(factor * b + 1e-6))
        for a, b in zip(size, shape, strict=True)
    ]
    return tuple(max(1, side) for side in sides)


def _middle(size, inner):
    """Return slices of `inner` rows and columns in the middle of `size`."""
    return tuple(
        slice((a - b) // 2, (a - b) // 2 + b)
        for a, b in zip(size, inner, strict=True)
    )
