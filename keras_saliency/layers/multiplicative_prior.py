"""Learned center bias: a coarse map that multiplies a saliency map."""

from typing import Any

import keras
from keras import ops

from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_saliency.layers")
class MultiplicativePrior(SignatureConfig, keras.layers.Layer):
    """Product of maps and 1 + W, with W a coarse map enlarged to their size.

    W is learned and starts at 0, so that at first the prior changes nothing.
    It is enlarged bilinearly. `regularization` times the mean square of W is
    added to the loss that the model trains with: the authors' term
    lambda ||1 - U||^2 with U = 1 + W.

    Args:
        factor: Height and width of the map over those of W. Where it does not
            divide a side, the side of W is rounded down.
        regularization: Weight of the mean square of W in the loss. 1 is the
            authors' lambda, one over the number of values.
        **kwargs: See `keras.layers.Layer`.

    Input and output: `(batch, height, width, channels)`. Height and width
    must be known.

    Attributes:
        prior: W, `(height // factor, width // factor)`, each at least 1.

    Raises:
        ValueError: If `factor` is not a whole number, at least 1,
            `regularization` negative, or the input's height or width unknown.

    References:
        Cornia et al., A deep multi-level network for saliency prediction,
        ICPR 2016, section III-C: W of 6x8 for maps of 60x80.
    """

    def __init__(
        self, *, factor: int = 10, regularization: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.factor = whole_number("MultiplicativePrior", "factor", factor)
        if not regularization >= 0:
            raise ValueError(
                "MultiplicativePrior: regularization must not be negative, "
                f"received {regularization}."
            )
        self.regularization = float(regularization)

    def build(self, input_shape: Shape) -> None:
        """Make W for maps of this size."""
        if None in input_shape[1:3]:
            raise ValueError(
                "MultiplicativePrior is learned for maps of one size; the "
                "input's height and width must be known, received "
                f"{input_shape}. Give the model an input_shape."
            )
        height, width = (max(n // self.factor, 1) for n in input_shape[1:3])
        self.prior = self.add_weight(
            shape=(height, width),
            initializer="zeros",
            regularizer=keras.regularizers.L2(
                self.regularization / (height * width)
            ),
            name="prior",
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Multiply `(batch, height, width, channels)`."""
        prior = ops.image.resize(
            ops.convert_to_tensor(self.prior)[None, :, :, None],
            inputs.shape[1:3],
            interpolation="bilinear",
            data_format="channels_last",
        )
        return inputs * (1.0 + ops.cast(prior, inputs.dtype))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input's shape."""
        return input_shape
