"""The floor: the same map for every image."""

import dataclasses
from typing import Any, Self

import numpy as np

from keras_saliency import images
from keras_saliency._utils.types import Array, Size
from keras_saliency.models.classic.base import ClassicModel, require


@dataclasses.dataclass(frozen=True, kw_only=True)
class CenterBias(ClassicModel):
    """One map for all images, whatever they show.

    A Gaussian about the center, or the mean density of a data set:
    `CenterBias.fit(train)`.

    Args:
        sigma: Standard deviations of the Gaussian along height and width,
            as shares of the two. Defaults to those of the fixations on the 500
            training images of MIT1003.
        density: Map `(height, width)` to use in place of the Gaussian,
            resized to each image; kept as rows of numbers.

    Raises:
        ValueError: If an argument is out of its range.
    """

    sigma: tuple[float, float] = (0.183, 0.184)
    density: tuple[tuple[float, ...], ...] | None = dataclasses.field(
        default=None, repr=False
    )

    def _check(self) -> None:
        require(
            len(self.sigma) == 2 and min(self.sigma) > 0,
            "sigma",
            self.sigma,
            "two positive numbers, of height and width",
        )
        if self.density is not None:
            density = images.check_map(self.density, "density")
            require(density.any(), "density", "a map of zeros", "positive")
            rows = tuple(map(tuple, density.tolist()))
            object.__setattr__(self, "density", rows)

    @classmethod
    def fit(cls, dataset: Any, size: Size = (64, 64)) -> Self:
        """Return the model of a data set's mean density.

        Args:
            dataset: A `SaliencyDataset`, the training part.
            size: `(height, width)` at which densities are averaged.

        Returns:
            A `CenterBias`.
        """
        return cls(density=dataset.mean_density(size))

    def _map(self, image: Array) -> Array:
        if self.density is None:
            return gaussian(image.shape[:2], self.sigma)
        return np.array(self.density, np.float32)


def gaussian(
    size: Size, sigma: tuple[float, float] = CenterBias.sigma
) -> Array:
    """Return a Gaussian about the center of a map, maximum at most 1.

    Args:
        size: `(height, width)`.
        sigma: Standard deviations as shares of height and width.

    Returns:
        float32 array `(height, width)`.
    """
    rows, columns = (
        np.exp(-(((np.arange(n) + 0.5) / n - 0.5) ** 2) / (2 * s**2))
        for n, s in zip(size, sigma, strict=True)
    )
    return np.outer(rows, columns).astype(np.float32)
