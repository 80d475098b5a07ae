"""Fixed Gaussian smoothing."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("keras_saliency.layers")
class GaussianSmoothing(keras.layers.Layer):
    """Convolution of each channel with a fixed Gaussian: no weights.

    At the border the part of the kernel that falls outside is left out and
    the rest is renormalized, so a constant map stays constant.

    Args:
        size: Side of the square kernel in pixels, odd.
        sigma: Standard deviation in pixels.
        **kwargs: See `keras.layers.Layer`.

    Input and output: `(batch, height, width, channels)`.

    References:
        The paper's section 3.1: 5x5 with sigma 1.
    """

    def __init__(self, size=5, sigma=1.0, **kwargs):
        super().__init__(**kwargs)
        if size != int(size) or size < 1 or size % 2 == 0:
            raise ValueError(
                "GaussianSmoothing: size must be odd, at least 1, "
                f"received {size}."
            )
        if not (np.isfinite(sigma) and sigma > 0):
            raise ValueError(
                f"GaussianSmoothing: sigma must be above 0, received {sigma}."
            )
        self.size = int(size)
        self.sigma = float(sigma)
        x = np.arange(self.size) - self.size // 2
        profile = np.exp(-(x**2) / (2 * self.sigma**2))
        kernel = np.outer(profile, profile)
        self._kernel = (kernel / kernel.sum())[:, :, None, None]

    def call(self, inputs):
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

    def compute_output_shape(self, input_shape):
        """Same as the input's."""
        return input_shape

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "size": self.size, "sigma": self.sigma}
