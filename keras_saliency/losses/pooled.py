"""A loss on maps of a lower resolution."""

import keras
from keras import ops

from keras_saliency import targets
from keras_saliency.losses.base import PACKAGE, SaliencyLoss, checked


@keras.saving.register_keras_serializable(PACKAGE)
class PooledLoss(SaliencyLoss):
    """Another loss, of target and prediction averaged over blocks of pixels.

    What is left at the right and bottom of a size that the blocks do not
    divide is left out. Fixations are counted in each block, not averaged.

    Args:
        loss: A loss of this package.
        pool_size: Side of the blocks in pixels.
        reduction: See `keras.losses.Loss`.
        name: See `keras.losses.Loss`; by default `pooled_` and the name of
            the loss.
        dtype: See `keras.losses.Loss`.

    Raises:
        TypeError: If the loss is not one of this package.
        ValueError: If `pool_size` is no whole number above 0.

    References:
        Pan et al., SalGAN, 2017, section 3.2.1: the cross-entropy of maps
        reduced four times.
    """

    def __init__(
        self,
        loss,
        pool_size=4,
        reduction="sum_over_batch_size",
        name=None,
        dtype=None,
    ):
        if not isinstance(loss, SaliencyLoss):
            raise TypeError(
                "PooledLoss takes a loss of keras_saliency.losses, received "
                f"{loss!r}."
            )
        name = name or f"pooled_{loss.name}"
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.loss = loss
        self.pool_size = int(checked(self, "pool_size", pool_size, 1))
        if self.pool_size != pool_size:
            raise ValueError(
                f"PooledLoss: pool_size must be a whole number, received "
                f"{pool_size}."
            )

    @property
    def probabilities(self):
        """As the loss's own."""
        return self.loss.probabilities

    @property
    def target(self):
        """As the loss's own."""
        return self.loss.target

    @property
    def family(self):
        """As the loss's own."""
        return self.loss.family

    def _per_image(self, y_true, y_pred, shared):
        channels = [self._pool(targets.density(y_true))]
        if y_true.shape[-1] == 2:
            counts = self._pool(targets.fixations(y_true, self.name))
            channels.append(self.pool_size**2 * counts)
        # Not `shared`: it holds what belongs to the maps at full size.
        return self.loss._per_image(
            ops.concatenate(channels, axis=-1), self._pool(y_pred), shared={}
        )

    def _pool(self, maps):
        return ops.average_pool(
            maps,
            self.pool_size,
            strides=self.pool_size,
            padding="valid",
            data_format="channels_last",
        )

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "loss": keras.saving.serialize_keras_object(self.loss),
            "pool_size": self.pool_size,
        }

    @classmethod
    def from_config(cls, config):
        """Inverse of `get_config`."""
        loss = config["loss"]
        if isinstance(loss, dict):
            loss = keras.saving.deserialize_keras_object(loss)
        return cls(**{**config, "loss": loss})
