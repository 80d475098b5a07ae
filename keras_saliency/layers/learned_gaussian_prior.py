"""Learned center bias: Gaussians whose places and widths train."""

from typing import Any, Literal

import keras
from keras import ops

from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Shape, Tensor

INITIALIZATIONS = ("inside", "original")
_EPSILON = 1e-7
# Intervals of mu_x, mu_y, sigma_x and sigma_y: those that their values are
# clipped to, and those that the original draws them from.
_BOUNDS = ((0.25, 0.75), (0.35, 0.65), (0.1, 0.9), (0.2, 0.8))
_DRAWN = ((0.3, 0.7), (0.3, 0.7), (0.05, 0.3), (0.05, 0.3))


@keras.saving.register_keras_serializable("keras_saliency.layers")
class LearnedGaussianPrior(SignatureConfig, keras.layers.Layer):
    """Maps of two-dimensional Gaussians, the same for every image.

        exp(-(x - mu_x)^2 / (2 sigma_x^2) - (y - mu_y)^2 / (2 sigma_y^2))

    Each map is divided by its peak. x runs from 0 to 1 over the width; y has
    the same unit and is 0.5 in the middle, too, so on a map of 30x40 y runs
    from 0.125 to 0.875. Before use mu_x is clipped to [0.25, 0.75], mu_y to
    [0.35, 0.65], sigma_x to [0.1, 0.9] and sigma_y to [0.2, 0.8].

    A clipped value has no gradient. The original draws the means from [0.3,
    0.7] and the sigmas from [0.05, 0.3], so that a quarter of mu_y, a fifth of
    sigma_x and three fifths of sigma_y never train.

    Args:
        gaussians: Number of maps.
        initialization: `"inside"` draws values from the part of the same
            intervals where they are not clipped, and clips them after each
            training step, so that all of them train. `"original"` does what
            the authors' code does.
        **kwargs: See `keras.layers.Layer`.

    Input: `(batch, height, width, channels)`; only its size matters.
    Output: `(batch, height, width, gaussians)` in [0, 1], the peak of each
    map 1.

    Attributes:
        parameters: The weights, `(4, gaussians)`: mu_x, mu_y, sigma_x,
            sigma_y.

    Raises:
        ValueError: If `gaussians` is not a whole number, at least 1, or the
            initialization unknown.

    References:
        Cornia et al., Predicting human eye fixations via an LSTM-based
        saliency attentive model, TIP 2018, section III-B; bounds and
        initialization are those of the authors' code.
    """

    def __init__(
        self,
        *,
        gaussians: int = 16,
        initialization: Literal["inside", "original"] = "inside",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.gaussians = whole_number(
            "LearnedGaussianPrior", "gaussians", gaussians
        )
        if initialization not in INITIALIZATIONS:
            raise ValueError(
                "LearnedGaussianPrior: initialization must be one of "
                f"{INITIALIZATIONS}, received {initialization!r}."
            )
        self.initialization = initialization

    def build(self, input_shape: Shape) -> None:
        """Make the weights, whatever the shape of the input."""
        inside = self.initialization == "inside"
        self.parameters = self.add_weight(
            shape=(4, self.gaussians),
            initializer=self._draw,
            constraint=_project if inside else None,
            name="parameters",
        )

    def _draw(self, shape, dtype=None):
        rows = []
        for (low, high), bounds in zip(_DRAWN, _BOUNDS, strict=True):
            if self.initialization == "inside":
                low, high = max(low, bounds[0]), min(high, bounds[1])
            draw = keras.initializers.RandomUniform(low, high)
            rows.append(draw((shape[-1],), dtype=dtype))
        return ops.stack(rows)

    def call(self, inputs: Tensor) -> Tensor:
        """Return maps of the size of `(batch, height, width, channels)`."""
        batch, height, width = ops.shape(inputs)[:3]
        values = _project(ops.cast(self.parameters, "float32"))
        mean_x, mean_y, sigma_x, sigma_y = ops.unstack(values, 4)
        # `linspace` takes no sizes that are known only at run time.
        rows = ops.cast(ops.arange(0, height), "float32")[:, None]
        columns = ops.cast(ops.arange(0, width), "float32")[:, None]
        last_row = ops.cast(ops.maximum(height - 1, 1), "float32")
        last_column = ops.cast(ops.maximum(width - 1, 1), "float32")
        ratio = ops.cast(height, "float32") / ops.cast(width, "float32")
        x = columns / last_column
        y = (1.0 - ratio) / 2.0 + ratio * rows / last_row
        # A Gaussian is the product of a function of y and one of x.
        maps = _profile(y, mean_y, sigma_y)[:, None]
        maps = maps * _profile(x, mean_x, sigma_x)[None]
        maps = ops.cast(maps, self.compute_dtype)
        return ops.broadcast_to(
            maps[None], (batch, height, width, self.gaussians)
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return `(batch, height, width, gaussians)`."""
        return (*input_shape[:-1], self.gaussians)


def _project(values):
    """Clip each row to its bounds."""
    low, high = (
        ops.convert_to_tensor([[b[k]] for b in _BOUNDS], dtype="float32")
        for k in (0, 1)
    )
    low, high = ops.cast(low, values.dtype), ops.cast(high, values.dtype)
    return ops.clip(values, low, high)


def _profile(x, mean, sigma):
    """Return Gaussians over `x` with peak 1, `(points, gaussians)`."""
    exponent = -ops.square(x - mean) / (2.0 * ops.square(sigma) + _EPSILON)
    profile = ops.exp(exponent)
    return profile / ops.max(profile, axis=0)
