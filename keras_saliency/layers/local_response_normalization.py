"""Normalization across neighboring channels, as in AlexNet and Caffe."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_saliency.layers")
class LocalResponseNormalization(keras.layers.Layer):
    """Each value over a power of its neighbors' energy across channels.

        y_c = x_c / (k + alpha / size * sum over the window of x_j^2)^beta

    with a window of `size` channels around c; channels beyond the first and
    the last count as zero. As in Caffe, `alpha` is divided by `size`: in the
    formula of the paper by Krizhevsky et al. it is not.

    Args:
        size: Channels in the window, odd.
        alpha: Weight of the window's mean square, not negative.
        beta: Exponent.
        k: Constant that is added, above 0.
        **kwargs: See `keras.layers.Layer`.

    Input and output: `(batch, height, width, channels)`. Computed in float32
    in any precision.

    Raises:
        ValueError: If an argument is none of the above.

    References:
        Krizhevsky et al., NIPS 2012, section 3.3; Caffe's LRN layer with
        ACROSS_CHANNELS.
    """

    def __init__(self, size=5, alpha=1e-4, beta=0.75, k=1.0, **kwargs):
        super().__init__(**kwargs)
        if size != int(size) or size < 1 or size % 2 == 0:
            raise ValueError(
                "LocalResponseNormalization: size must be odd, at least 1, "
                f"received {size}."
            )
        if not (alpha >= 0 and k > 0):
            raise ValueError(
                "LocalResponseNormalization: alpha must be at least 0 and k "
                f"above 0, received alpha={alpha} and k={k}."
            )
        self.size = int(size)
        self.alpha = float(alpha)
        self.beta = float(beta)
        self.k = float(k)

    def call(self, inputs):
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

    def compute_output_shape(self, input_shape):
        """Same as the input's."""
        return input_shape

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "size": self.size,
            "alpha": self.alpha,
            "beta": self.beta,
            "k": self.k,
        }
