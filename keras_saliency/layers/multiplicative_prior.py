"""Learned center bias: a coarse map that a saliency map is multiplied by."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_saliency.layers")
class MultiplicativePrior(keras.layers.Layer):
    """Multiplies maps by 1 + W, W a coarse map enlarged to their size.

    W is learned and starts at 0, where the prior changes nothing. It is
    enlarged bilinearly. Its squares, `regularization` times their mean, are
    added to the loss that the model trains with: the authors' term
    lambda ||1 - U||^2 with U = 1 + W.

    Args:
        factor: How many pixels of the map a value of W stands for, each way.
            What remains of a size that it does not divide is spread over all.
        regularization: Weight of the mean square of W in the loss. 1 is the
            authors' lambda, one over the number of values.
        **kwargs: See `keras.layers.Layer`.

    Input and output: `(batch, height, width, channels)`. Height and width
    must be known.

    Attributes:
        prior: W, `(height // factor, width // factor)`, each at least 1.

    Raises:
        ValueError: If `factor` is below 1, `regularization` below 0, or the
            input's height or width unknown.

    References:
        Cornia et al., A deep multi-level network for saliency prediction,
        ICPR 2016, section III-C: W of 6x8 for maps of 60x80.
    """

    def __init__(self, factor=10, regularization=1.0, **kwargs):
        super().__init__(**kwargs)
        if factor != int(factor) or factor < 1:
            raise ValueError(
                "MultiplicativePrior: factor must be a whole number, at least "
                f"1, received {factor}."
            )
        if not regularization >= 0:
            raise ValueError(
                "MultiplicativePrior: regularization must not be negative, "
                f"received {regularization}."
            )
        self.factor = int(factor)
        self.regularization = float(regularization)

    def build(self, input_shape):
        """Make W for maps of this size."""
        if None in input_shape[1:3]:
            raise ValueError(
                "MultiplicativePrior is learned for maps of one size; the "
                "input's height and width must be known, "
                f"received {input_shape}. "
                "Give the model an input_shape."
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

    def call(self, inputs):
        """Multiply `(batch, height, width, channels)`."""
        prior = ops.image.resize(
            ops.convert_to_tensor(self.prior)[None, :, :, None],
            inputs.shape[1:3],
            interpolation="bilinear",
            data_format="channels_last",
        )
        return inputs * (1.0 + ops.cast(prior, inputs.dtype))

    def compute_output_shape(self, input_shape):
        """Same as the input's."""
        return input_shape

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "factor": self.factor,
            "regularization": self.regularization,
        }
