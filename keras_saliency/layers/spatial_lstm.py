"""LSTM over the rows and columns of feature maps, in four directions."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Shape, Tensor

# The authors draw all weights of the LSTMs from this interval, about 0.
_DRAWN = 0.2


@keras.saving.register_keras_serializable("keras_saliency.layers")
class SpatialLSTM(SignatureConfig, keras.layers.Layer):
    """Long-range context: each place sees its row, then its column.

    An LSTM goes along each row from the left and, with the same weights, from
    the right; the two outputs of a place are concatenated. Another goes along
    the columns of the result, from above and from below. So each place has
    seen the whole map. A vector that describes the whole image may be given
    too: it enters the gates at the first place of each row and column.

    Args:
        units: Units of both LSTMs.
        **kwargs: See `keras.layers.Layer`.

    Input: features `(batch, height, width, channels)`, or a list of features
    and context `(batch, numbers)`. Height and width must be known.
    Output: `(batch, height, width, 2 units)`, in (-1, 1).

    Attributes:
        rows: The `keras.layers.LSTM` of the rows, whose kernel has the
            context's numbers below those of the channels.
        columns: That of the columns.

    Raises:
        ValueError: If `units` is not a whole number, at least 1, or the
            input's height or width unknown.

    References:
        Liu and Han, A deep spatial contextual long-term recurrent
        convolutional network for saliency detection, TIP 2018
        (arXiv:1610.01708), and its network's description in Caffe.
    """

    def __init__(self, *, units: int = 128, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = whole_number("SpatialLSTM", "units", units)
        self.rows, self.columns = (
            keras.layers.LSTM(
                self.units,
                kernel_initializer=_uniform(),
                recurrent_initializer=_uniform(),
                return_sequences=True,
                dtype=self.dtype_policy,
                name=name,
            )
            for name in ("rows", "columns")
        )

    def build(self, input_shape: Any) -> None:
        """Build both LSTMs for the channels of the features."""
        shape, numbers = _shapes(input_shape)
        if None in shape[1:3]:
            raise ValueError(
                "SpatialLSTM goes over maps of one size; the input's height "
                f"and width must be known, received {shape}. Give the model "
                "an input_shape."
            )
        self.rows.build((None, shape[2], shape[3] + numbers))
        self.columns.build((None, shape[1], 2 * self.units + numbers))

    def call(self, inputs: Tensor | Sequence[Tensor]) -> Tensor:
        """Return the outputs of the LSTMs at each place."""
        context = None
        x = inputs
        if isinstance(inputs, (list, tuple)):
            x, context = inputs
        x = _along(self.rows, x, context)
        x = _along(self.columns, ops.transpose(x, (0, 2, 1, 3)), context)
        return ops.transpose(x, (0, 2, 1, 3))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return `(batch, height, width, 2 units)`."""
        return (*_shapes(input_shape)[0][:-1], 2 * self.units)


def _along(lstm, x, context):
    """Return what an LSTM says at each place of the rows, both ways."""
    height, width, channels = x.shape[1:]
    x = ops.reshape(x, (-1, width, channels))
    x = ops.concatenate([x, ops.flip(x, axis=1)], axis=0)
    if context is not None:
        start = ops.tile(context[:, None], (1, height, 1))
        start = ops.reshape(start, (-1, 1, context.shape[-1]))
        start = ops.concatenate([start, start], axis=0)
        start = ops.pad(start, ((0, 0), (0, width - 1), (0, 0)))
        x = ops.concatenate([x, ops.cast(start, x.dtype)], axis=-1)
    # Not split, which would fix the number of images in exported files.
    x = lstm(x)
    x = ops.reshape(x, (2, -1, width, x.shape[-1]))
    x = ops.concatenate([x[0], ops.flip(x[1], axis=1)], axis=-1)
    return ops.reshape(x, (-1, height, width, x.shape[-1]))


def _shapes(shape):
    """Return the shape of the features, and the context's length or 0."""
    if isinstance(shape[0], (list, tuple)):
        features, context = shape
        return tuple(features), context[-1]
    return tuple(shape), 0


def _uniform():
    return keras.initializers.RandomUniform(-_DRAWN, _DRAWN)
