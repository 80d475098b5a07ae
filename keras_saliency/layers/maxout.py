"""The largest of each group of features."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_saliency.layers")
class Maxout(keras.layers.Layer):
    """Largest of each `pool_size` consecutive features of the last axis.

    Args:
        pool_size: Features in a group, at least 1.
        **kwargs: See `keras.layers.Layer`.

    Input: `(..., features)`, features divisible by `pool_size`.
    Output: `(..., features // pool_size)`.

    Raises:
        ValueError: If `pool_size` is no whole number above 0, or the features
            do not divide into such groups.

    References:
        Goodfellow et al., Maxout networks, ICML 2013.
    """

    def __init__(self, pool_size=2, **kwargs):
        super().__init__(**kwargs)
        if pool_size != int(pool_size) or pool_size < 1:
            raise ValueError(
                f"Maxout: pool_size must be at least 1, received {pool_size}."
            )
        self.pool_size = int(pool_size)

    def build(self, input_shape):
        """Check that the features divide into groups."""
        if input_shape[-1] % self.pool_size:
            raise ValueError(
                f"Maxout: {input_shape[-1]} features do not divide into "
                f"groups of {self.pool_size}."
            )

    def call(self, inputs):
        """Take the largest of each group."""
        shape = ops.shape(inputs)
        groups = inputs.shape[-1] // self.pool_size
        return ops.max(
            ops.reshape(inputs, (*shape[:-1], groups, self.pool_size)), axis=-1
        )

    def compute_output_shape(self, input_shape):
        """`(..., features // pool_size)`."""
        return (*input_shape[:-1], input_shape[-1] // self.pool_size)

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "pool_size": self.pool_size}
