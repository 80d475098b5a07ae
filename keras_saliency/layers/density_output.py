"""An output that is a density: learned blur, learned center bias, softmax."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Shape, Tensor

# Sigmas in pixels: a smaller one is none, a larger one the kernel cuts off.
_SIGMAS = (0.3, 3.0)
# Of the center bias with weight 1, as shares of height and width: those of
# the fixations on MIT1003's training part.
_CENTER = (0.183, 0.184)


@keras.saving.register_keras_serializable("keras_saliency.layers")
class DensityOutput(SignatureConfig, keras.layers.Layer):
    """Density of fixations of a map of logarithms.

        log p = blur * x + weight log b - log sum

    The blur is a Gaussian of learned sigma, b an elliptic Gaussian about the
    center, whose logarithm has a learned weight for the height and one for the
    width; both start at 1, so that a map of zeros is the center bias. Three
    numbers train. To be trained with `losses.NegativeLogLikelihood`.

    Args:
        size: Side of the blur's square kernel in pixels, odd.
        initial_sigma: Sigma before training in pixels of the map, in
            [0.3, 3].
        **kwargs: See `keras.layers.Layer`.

    Input: `(batch, height, width, 1)`, any numbers.
    Output: The density divided by its peak, `(batch, height, width, 1)` in
    [0, 1]: as all maps of the package, it has no unit.

    Raises:
        ValueError: If `size` is not odd, `initial_sigma` out of its range, or
            the input has more than one channel.

    References:
        Kuemmerer et al., DeepGaze II, 2016: readout, blur, center bias,
        softmax; there the center bias is a data set's own, weight 1.
    """

    def __init__(
        self, *, size: int = 11, initial_sigma: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size = whole_number("DensityOutput", "size", size, odd=True)
        if not _SIGMAS[0] <= initial_sigma <= _SIGMAS[1]:
            raise ValueError(
                f"DensityOutput: initial_sigma must be in {list(_SIGMAS)}, "
                f"received {initial_sigma}."
            )
        self.initial_sigma = float(initial_sigma)

    def build(self, input_shape: Shape) -> None:
        """Make the three weights, whatever the size of the input."""
        if input_shape[-1] != 1:
            raise ValueError(
                "DensityOutput takes one map per image, `(batch, height, "
                f"width, 1)`; received the shape {tuple(input_shape)}."
            )
        self.log_sigma = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(np.log(self.initial_sigma)),
            name="log_sigma",
        )
        self.center_weight = self.add_weight(
            shape=(2,), initializer="ones", name="center_weight"
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Return the density of `(batch, height, width, 1)`."""
        x = ops.cast(inputs, "float32")
        kernel = self._kernel()
        x = _convolve(x, kernel) / _convolve(ops.ones_like(x[:1]), kernel)
        x = x + self._center(*ops.shape(x)[1:3])
        return ops.exp(x - _peak(x))

    def _kernel(self):
        low, high = np.log(_SIGMAS)
        log_sigma = ops.convert_to_tensor(self.log_sigma, dtype="float32")
        sigma = ops.exp(ops.clip(log_sigma, low, high))
        steps = ops.cast(ops.arange(0, self.size) - self.size // 2, "float32")
        profile = ops.exp(-ops.square(steps) / (2 * ops.square(sigma)))
        profile = profile / ops.sum(profile)
        return profile[:, None] * profile[None, :]

    def _center(self, height, width):
        """Return the weighted logarithm of b, `(1, height, width, 1)`."""
        weight = ops.convert_to_tensor(self.center_weight, dtype="float32")
        rows, columns = (
            # With one argument the converter of JAX to ONNX fails.
            (ops.cast(ops.arange(0, n), "float32") + 0.5)
            / ops.cast(n, "float32")
            - 0.5
            for n in (height, width)
        )
        rows = weight[0] * ops.square(rows / _CENTER[0])
        columns = weight[1] * ops.square(columns / _CENTER[1])
        return -0.5 * (rows[:, None] + columns[None, :])[None, :, :, None]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape

    def compute_output_spec(self, inputs: Tensor) -> keras.KerasTensor:
        """Return a float32 tensor, whatever the precision of the layers."""
        return keras.KerasTensor(inputs.shape, dtype="float32")


def _peak(maps):
    """Return the largest value of each map, `(batch, 1, 1, 1)`.

    The gradient of `ops.max` divides by the number of places that have the
    largest value. XLA may compute the map again for that, with other
    rounding, and finds none. (`ops.argmax` becomes operations on TensorFlow
    that neither ONNX nor LiteRT has.)
    """
    height, width = ops.shape(maps)[1:3]
    values, _ = ops.top_k(ops.reshape(maps, (-1, height * width)), 1)
    return ops.reshape(values, (-1, 1, 1, 1))


def _convolve(maps, kernel):
    return ops.conv(
        maps,
        kernel[:, :, None, None],
        padding="same",
        data_format="channels_last",
    )
