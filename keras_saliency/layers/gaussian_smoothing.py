"""Fixed Gaussian smoothing."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_saliency.layers")
class GaussianSmoothing(SignatureConfig, keras.layers.Layer):
    """Convolution of each channel with a fixed Gaussian, without weights.

    At the border only the part of the kernel that lies inside the map counts,
    divided by its sum, so a constant map stays constant.

    Args:
        size: Side of the square kernel in pixels, odd.
        sigma: Standard deviation in pixels, above 0.
        **kwargs: See `keras.layers.Layer`.

    Input and output: `(batch, height, width, channels)`.

    Raises:
        ValueError: If `size` is not odd or `sigma` not above 0.

    References:
        The paper's section 3.1: 5x5 with sigma 1.
    """

    def __init__(
        self, *, size: int = 5, sigma: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size = whole_number("GaussianSmoothing", "size", size, odd=True)
        if not (np.isfinite(sigma) and sigma > 0):
            raise ValueError(
                f"GaussianSmoothing: sigma must be above 0, received {sigma}."
            )
        self.sigma = float(sigma)
        x = np.arange(self.size) - self.size // 2
        profile = np.exp(-(x**2) / (2 * self.sigma**2))
        kernel = np.outer(profile, profile)
        self._kernel = (kernel / kernel.sum())[:, :, None, None]

    def call(self, inputs: Tensor) -> Tensor:
        """Smooth `(batch, height, width, channels)`."""
        return self._convolve(inputs) / self._convolve(
            ops.ones_like(inputs[:1])
        )

    def _convolve(self, maps):
        kernel = np.repeat(self._kernel, maps.shape[-1], axis=2)
        return ops.depthwise_conv(
            maps,
            ops.convert_to_tensor(kernel, dtype=maps.dtype),
            padding="same",
            data_format="channels_last",
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape
