"""Convolutional LSTM that attends to places of one image."""

from typing import Any

import keras
from keras import ops

from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.initializers import fresh
from keras_saliency._utils.types import Shape, Tensor

_GATES = 4


@keras.saving.register_keras_serializable("keras_saliency.layers")
class AttentiveConvLSTM(SignatureConfig, keras.layers.Layer):
    """Refinement of the features of one image in several recurrent steps.

    The steps see the same features X, weighted by an attention map that
    depends on the hidden state:

        E = V_a * tanh(W_a * H + U_a * X)       one map
        A = softmax of E over all positions
        X' = A X
        I, F, O = sigmoid(W * X' + U * H)       one kernel each
        G = tanh(W * X' + U * H)
        C = F C + I G
        H = O tanh(C)

    All products with kernels are convolutions with padding "same"; H and C
    are 0 at first; the output is the last H. W_a, U_a, W and U have a bias
    each, V_a has none.

    Three things that the formula has in each step are computed once, with the
    same result up to rounding: U_a * X; the convolutions of the first H, which
    is 0; and the products of W. A has one value per place, so W * (A X) is the
    sum, over the places k of the kernel, of A moved by k times W_k X moved by
    k, and the W_k X are the same in all steps. They take `4 size^2` times the
    memory of the output. Kernels that see the same input lie side by side.

    Args:
        filters: Channels of H, C, the gates, and inside the attention.
        steps: Number of recurrent steps.
        kernel_size: Side of all kernels, odd.
        kernel_initializer: Initializer of W_a, U_a and the four W; normal
            with standard deviation 0.05 by default.
        recurrent_initializer: Initializer of the four U; orthogonal with gain
            1.1 by default.
        attention_initializer: Initializer of V_a. With zeros, as in the
            original, attention is the same everywhere before training.
        **kwargs: See `keras.layers.Layer`.

    Input: `(batch, height, width, channels)`.
    Output: `(batch, height, width, filters)`.

    Attributes:
        attention_input_kernel: U_a, `(size, size, channels, filters)`.
        attention_kernel: V_a, `(size, size, filters, 1)`.
        kernel: W of I, F, G, O in this order, `(size, size, channels,
            4 filters)`.
        recurrent_kernel: W_a and U of I, F, G, O, `(size, size, filters,
            5 filters)`.

    Raises:
        ValueError: If `filters` or `steps` is not a whole number, at least 1,
            or `kernel_size` not an odd one.

    References:
        Cornia et al., Predicting human eye fixations via an LSTM-based
        saliency attentive model, TIP 2018, section III-A. The initializers
        are those of the authors' code.
    """

    def __init__(
        self,
        *,
        filters: int = 512,
        steps: int = 4,
        kernel_size: int = 3,
        kernel_initializer: Any = None,
        recurrent_initializer: Any = None,
        attention_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        owner = "AttentiveConvLSTM"
        self.filters = whole_number(owner, "filters", filters)
        self.steps = whole_number(owner, "steps", steps)
        self.kernel_size = whole_number(
            owner, "kernel_size", kernel_size, odd=True
        )
        self.kernel_initializer = keras.initializers.get(
            kernel_initializer or keras.initializers.RandomNormal(stddev=0.05)
        )
        self.recurrent_initializer = keras.initializers.get(
            recurrent_initializer or keras.initializers.Orthogonal(gain=1.1)
        )
        self.attention_initializer = keras.initializers.get(
            attention_initializer
        )

    def build(self, input_shape: Shape) -> None:
        """Make the kernels for the channels of the input."""
        channels, filters = input_shape[-1], self.filters
        inputs, states = self.kernel_initializer, self.recurrent_initializer
        self.attention_input_kernel = self._kernel(
            "attention_input_kernel", channels, [inputs]
        )
        self.attention_input_bias = self._bias("attention_input_bias", 1)
        self.kernel = self._kernel("kernel", channels, [inputs] * _GATES)
        self.bias = self._bias("bias", _GATES)
        self.recurrent_kernel = self._kernel(
            "recurrent_kernel", filters, [inputs, *[states] * _GATES]
        )
        self.recurrent_bias = self._bias("recurrent_bias", 1 + _GATES)
        self.attention_kernel = self.add_weight(
            shape=(self.kernel_size, self.kernel_size, filters, 1),
            initializer=fresh(self.attention_initializer),
            name="attention_kernel",
        )

    def _kernel(self, name, channels, initializers):
        """Make kernels side by side, each drawn by itself."""
        part = (self.kernel_size, self.kernel_size, channels, self.filters)

        def draw(shape, dtype=None):
            return ops.concatenate(
                [fresh(i)(part, dtype=dtype) for i in initializers], axis=-1
            )

        shape = (*part[:3], len(initializers) * self.filters)
        return self.add_weight(shape=shape, initializer=draw, name=name)

    def _bias(self, name, count):
        return self.add_weight(
            shape=(count * self.filters,), initializer="zeros", name=name
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Refine `(batch, height, width, channels)`."""
        seen = (
            self._convolve(inputs, self.attention_input_kernel)
            + self.attention_input_bias
        )
        parts = self._parts(inputs)
        hidden = memory = None
        for _ in range(self.steps):
            if hidden is None:
                recurrent = ops.reshape(self.recurrent_bias, (1, 1, 1, -1))
            else:
                recurrent = (
                    self._convolve(hidden, self.recurrent_kernel)
                    + self.recurrent_bias
                )
            attention = self._attention(
                ops.tanh(recurrent[..., : self.filters] + seen)
            )
            gates = (
                self._attended(attention, parts)
                + self.bias
                + recurrent[..., self.filters :]
            )
            new, keep, update, show = ops.split(gates, _GATES, axis=-1)
            update = ops.sigmoid(new) * ops.tanh(update)
            if memory is not None:
                update = update + ops.sigmoid(keep) * memory
            memory = update
            hidden = ops.sigmoid(show) * ops.tanh(memory)
        return hidden

    def _parts(self, inputs):
        """Return W_k X of each place k of the kernel, moved by k.

        Shape `(batch, height, width, size^2, 4 filters)`.
        """
        size = self.kernel_size
        kernels = ops.reshape(
            ops.convert_to_tensor(self.kernel),
            (size * size, inputs.shape[-1], _GATES * self.filters),
        )
        return ops.stack(
            [
                ops.matmul(moved, kernels[k])
                for k, moved in enumerate(self._moved(inputs))
            ],
            axis=3,
        )

    def _attended(self, attention, parts):
        """Return W * (A X) of attention A and what `_parts` returned."""
        moved = ops.concatenate(self._moved(attention), axis=-1)
        return ops.squeeze(ops.matmul(moved[:, :, :, None], parts), axis=3)

    def _moved(self, x):
        """Return `x`, padded with zeros, moved by each place of the kernel."""
        size, margin = self.kernel_size, self.kernel_size // 2
        height, width = ops.shape(x)[1:3]
        x = ops.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
        return [
            x[:, i : i + height, j : j + width]
            for i in range(size)
            for j in range(size)
        ]

    def _attention(self, energy):
        """Return the attention map `(batch, height, width, 1)`, sum 1."""
        energy = self._convolve(energy, self.attention_kernel)
        # In half precision most values of the map would round to the same.
        exact = ops.cast(energy, "float32")
        peak = ops.max(exact, axis=(1, 2), keepdims=True)
        share = ops.exp(exact - ops.stop_gradient(peak))
        share = share / ops.sum(share, axis=(1, 2), keepdims=True)
        return ops.cast(share, energy.dtype)

    def _convolve(self, x, kernel):
        return ops.conv(x, kernel, padding="same", data_format="channels_last")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return `(batch, height, width, filters)`."""
        return (*input_shape[:-1], self.filters)
