"""What all classic models share: one call, batches, several processes."""

import dataclasses

import cv2
import numpy as np

from keras_saliency import images
from keras_saliency._utils.pool import map_in_order, progress_bar


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassicModel:
    """A model without weights, from a picture to its saliency map.

    It is called as the deep models are: `saliency_map(image)` for a picture
    of any size, `predict(images)` for a batch. Its parameters are the
    constructor's arguments; they show in the `repr` and do not change.
    Models are compared by their parameters and can be pickled.

    A gray picture is one whose three channels are equal: color then adds
    nothing. A picture with a side below `smallest_side` is enlarged before
    anything else, up to 8 times with its proportions kept and beyond that by
    stretching the shorter side.

    A model implements `_map(image)`: from float32 `(height, width, 3)` in
    0..255 to a finite map `(height, width)` of any size.
    """

    # Shortest side in pixels at which the model's filters make sense.
    smallest_side = 1

    def saliency_map(self, image):
        """Map of one picture, at its size.

        Args:
            image: Array `(height, width, 3)`, RGB in 0..255, uint8 or float.

        Returns:
            float32 array `(height, width)`, finite and not negative. Its
            largest value is 1 unless the map is zero everywhere.

        Raises:
            ValueError: If it is no such picture.
        """
        image = check_picture(image)
        size = image.shape[:2]
        least = self.smallest_side
        factor = min(max(least / min(size), 1), 8)
        working = tuple(max(round(factor * side), least) for side in size)
        map_ = self._map(images.resize(image, working))
        map_ = images.resize(np.asarray(map_, np.float32), size)
        map_ = np.maximum(map_, 0)
        peak = map_.max()
        return map_ / peak if peak > 0 else map_

    def predict(self, images, workers=1, verbose=0):
        """Maps of several pictures.

        Args:
            images: One of

                - A batch `(N, height, width, 3)`.
                - One picture `(height, width, 3)`.
                - A list of pictures of any sizes, or a `SaliencyDataset`,
                  whose pictures are taken as they are stored.
            workers: Number of processes; the maps do not depend on it. With
                more than one, a script needs the usual
                `if __name__ == "__main__":`.
            verbose: 1 shows a progress bar, 0 nothing.

        Returns:
            float32: an array `(N, height, width, 1)` for a batch, a map
            `(height, width)` for one picture, else a list of maps
            `(height, width)`.

        Raises:
            ValueError: On a picture that is none, with its number.
        """
        if isinstance(images, np.ndarray) and images.ndim != 4:
            return self.saliency_map(images)
        maps = []
        bar = progress_bar(len(images), verbose)
        for map_ in self._maps(images, workers):
            maps.append(map_)
            if bar is not None:
                bar.update(len(maps))
        if not isinstance(images, np.ndarray):
            return maps
        if not maps:
            return np.zeros((0, *images.shape[1:3], 1), np.float32)
        return np.stack(maps)[..., np.newaxis]

    def _map(self, image):
        raise NotImplementedError

    def _maps(self, pictures, workers):
        """Yields the maps in order."""
        return map_in_order(
            _map_of,
            ((self, _picture(pictures, i), i) for i in range(len(pictures))),
            min(workers, max(len(pictures), 1)),
            cv2.setNumThreads,
            (1,),
        )


def check_picture(image):
    """Return a picture as float32 `(height, width, 3)`, or raise."""
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[-1] != 3 or not image.size:
        gray = image.ndim == 2 or image.shape[-1:] == (1,)
        raise ValueError(
            "A picture must be an array (height, width, 3), RGB in 0..255; "
            f"received the shape {image.shape}."
            + (" Repeat a gray one: np.stack([gray] * 3, -1)." * gray)
        )
    if image.dtype.kind not in "uif":
        raise ValueError(
            "A picture must hold numbers in 0..255; received the type "
            f"{image.dtype}."
        )
    image = image.astype(np.float32)
    low, high = image.min(), image.max()
    if not (low >= 0 and high <= 255):  # NaN fails as well
        raise ValueError(
            "A picture must hold finite values in 0..255; received "
            f"{low} to {high}. Undo a normalization, or clip it."
        )
    return image


def require(condition, name, value, expected):
    """Raise a ValueError that names an argument unless a condition holds."""
    if not condition:
        raise ValueError(f"{name} must be {expected}; received {value!r}.")


def _picture(pictures, i):
    if hasattr(pictures, "image"):
        return pictures.image(i)
    return pictures[i]


def _map_of(model, picture, i):
    try:
        return model.saliency_map(picture)
    except ValueError as error:
        raise ValueError(f"Picture number {i}: {error}") from error
