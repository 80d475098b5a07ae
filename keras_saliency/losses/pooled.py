"""A loss on maps of a lower resolution."""

from typing import Any

import keras

from keras_saliency import targets
from keras_saliency._utils.config import deserialized
from keras_saliency._utils.types import Tensor
from keras_saliency.losses.base import PACKAGE, SaliencyLoss
from keras_saliency.losses.checks import checked
from keras_saliency.losses.weighting import refuse_learned


@keras.saving.register_keras_serializable(PACKAGE)
class PooledLoss(SaliencyLoss):
    """Another loss, of target and prediction averaged over blocks of pixels.

    Pixels at the right and bottom that do not fill a block are dropped.
    Fixations are counted in each block, not averaged.

    Args:
        loss: A loss of this package.
        pool_size: Side of the blocks in pixels.
        **kwargs: See `SaliencyLoss`; the default name is `pooled_` and the
            name of the loss.

    Raises:
        TypeError: If the loss is not one of this package.
        ValueError: If `pool_size` is no whole number above 0.

    References:
        Pan et al., SalGAN, 2017, section 3.2.1: the cross-entropy of maps
        reduced four times.
    """

    def __init__(
        self, loss: SaliencyLoss, *, pool_size: int = 4, **kwargs: Any
    ):
        if not isinstance(loss, SaliencyLoss):
            raise TypeError(
                "PooledLoss takes a loss of keras_saliency.losses, received "
                f"{loss!r}."
            )
        refuse_learned(loss, "PooledLoss")
        self.default_name = f"pooled_{loss.name}"
        super().__init__(**kwargs)
        self.loss = loss
        self.pool_size = int(checked(self, "pool_size", pool_size, 1))
        if self.pool_size != pool_size:
            raise ValueError(
                "PooledLoss: pool_size must be a whole number, received "
                f"{pool_size}."
            )

    @property
    def probabilities(self) -> bool:  # type: ignore[override]
        """As the loss's own."""
        return self.loss.probabilities

    @property
    def target(self) -> targets.Channel:  # type: ignore[override]
        """As the loss's own."""
        return self.loss.target

    @property
    def lower_bound(self) -> float:  # type: ignore[override]
        """As the loss's own."""
        return self.loss.lower_bound

    @property
    def family(self) -> str | None:  # type: ignore[override]
        """As the loss's own."""
        return self.loss.family

    def _per_image(
        self, y_true: Tensor, y_pred: Tensor, shared: dict[Any, Any]
    ) -> Tensor:
        size = y_pred.shape[1:3]
        if any(side is not None and side < self.pool_size for side in size):
            raise ValueError(
                f"PooledLoss: blocks of pool_size={self.pool_size} do not fit "
                f"into maps of {size[0]}x{size[1]}; pool less or use larger "
                "maps."
            )
        # Not `shared`: it holds what belongs to the maps at full size.
        return self.loss._per_image(
            targets.average_pool(y_true, self.pool_size),
            targets.average_pool(y_pred, self.pool_size),
            shared={},
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "PooledLoss":
        """Inverse of `get_config`."""
        return cls(**deserialized(config, "loss"))
