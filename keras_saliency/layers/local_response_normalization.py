"""Normalization across neighboring channels, as in AlexNet and Caffe."""

from typing import Any

import keras
from keras import ops

from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_saliency.layers")
class LocalResponseNormalization(SignatureConfig, keras.layers.Layer):
    """Division of each value by the energy of its neighbors across channels.

        y_c = x_c / (k + alpha / size * sum over the window of x_j^2)^beta

    with a window of `size` channels around c; channels before the first and
    after the last count as zero. As in Caffe, `alpha` is divided by `size`; in
    the paper by Krizhevsky et al. it is not.

    Args:
        size: Number of channels in the window, odd.
        alpha: Weight of the mean square of the window, not negative.
        beta: Exponent of the denominator.
        k: Constant in the denominator, above 0.
        **kwargs: See `keras.layers.Layer`.

    Input and output: `(batch, height, width, channels)`. The computation is
    in float32 in any precision.

    Raises:
        ValueError: If `size` is not odd, `alpha` negative or `k` not above 0.

    References:
        Krizhevsky et al., NIPS 2012, section 3.3; Caffe's LRN layer with
        ACROSS_CHANNELS.
    """

    def __init__(
        self,
        *,
        size: int = 5,
        alpha: float = 1e-4,
        beta: float = 0.75,
        k: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size = whole_number(
            "LocalResponseNormalization", "size", size, odd=True
        )
        if not (alpha >= 0 and k > 0):
            raise ValueError(
                "LocalResponseNormalization: alpha must be at least 0 and k "
                f"above 0, received alpha={alpha} and k={k}."
            )
        self.alpha = float(alpha)
        self.beta = float(beta)
        self.k = float(k)

    def call(self, inputs: Tensor) -> Tensor:
        """Normalize `(batch, height, width, channels)`."""
        x = ops.cast(inputs, "float32")
        margin = self.size // 2
        squares = ops.pad(
            ops.square(x), [[0, 0]] * (len(x.shape) - 1) + [[margin, margin]]
        )
        channels = x.shape[-1]
        energy = sum(
            squares[..., shift : shift + channels] for shift in range(self.size)
        )
        scale = ops.power(self.k + self.alpha / self.size * energy, -self.beta)
        return ops.cast(x * scale, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape
