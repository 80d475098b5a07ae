"""The terms of a combined loss in the logs."""

from typing import Any

import keras
from keras import ops

from keras_saliency import targets
from keras_saliency._utils.config import SignatureConfig, deserialized
from keras_saliency._utils.types import Tensor
from keras_saliency._utils.variables import outlives_the_call
from keras_saliency.losses import CombinedLoss
from keras_saliency.metrics.base import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class LossTerms(SignatureConfig, keras.metrics.Metric):
    """Unweighted mean of each term of a `CombinedLoss`, logged by its name.

    `model.compile(loss=loss, metrics=[LossTerms(loss)])` shows `kld`,
    `val_kld` and so on per epoch. The models of this package do that by
    themselves. The mean is over images, exact for any batch sizes.

    Each step computes the terms once: the loss hands them over, with the
    `sample_weight` that it was given, and `update_state` adds them where it is
    called with the very target of that call of the loss. Otherwise it computes
    the terms itself.

    Args:
        loss: A `keras_saliency.losses.CombinedLoss`.
        **kwargs: `name` and `dtype` of `keras.metrics.Metric`.

    Raises:
        TypeError: If the loss is not a `CombinedLoss`.
    """

    def __init__(
        self, loss: CombinedLoss, *, name: str = "loss_terms", **kwargs: Any
    ):
        kwargs["dtype"] = kwargs.get("dtype") or "float32"
        super().__init__(name=name, **kwargs)
        if not isinstance(loss, CombinedLoss):
            raise TypeError(
                f"LossTerms needs a CombinedLoss, received {loss!r}. Of one "
                "loss make CombinedLoss([loss])."
            )
        self.loss = loss
        # Sums over the images: of each term, and at the end of the weights.
        shape = (len(loss.losses) + 1,)
        dtype = self.dtype
        self._totals = self.add_variable(shape, "zeros", dtype, name="totals")
        # The last batch of the loss. A variable, since on JAX nothing else
        # leaves the function whose gradient is taken.
        self._batch = self.add_variable(shape, "zeros", dtype, name="batch")
        self._batch_target: Tensor | None = None
        loss.report_to(self)

    def receive(
        self,
        y_true: Tensor,
        values: list[Tensor],
        sample_weight: Tensor | None,
    ) -> None:
        """Keep the terms of a batch until `update_state`; the loss calls it.

        Args:
            y_true: The target that the loss was called with.
            values: Values of the images, `(batch,)`, of each term.
            sample_weight: Weights of the images, `(batch,)`.
        """
        if outlives_the_call(self._batch):
            self._batch.assign(_sums(values, sample_weight))
            self._batch_target = y_true

    def update_state(
        self,
        y_true: Tensor,
        y_pred: Tensor,
        sample_weight: Tensor | None = None,
    ) -> None:
        """Add a batch.

        Args:
            y_true: Target `(batch, height, width, 2)` or `(..., 1)`.
            y_pred: Prediction `(batch, height, width, 1)`.
            sample_weight: Weights of the images, `(batch,)` or `(batch, 1)`,
                or one number for all.
        """
        if y_true is self._batch_target:
            sums = ops.convert_to_tensor(self._batch)
        else:
            sums = _sums(
                self.loss.per_term(y_true, y_pred),
                targets.image_weights(sample_weight, y_pred, self.name),
            )
        self._batch_target = None
        self._totals.assign_add(sums)

    def reset_state(self) -> None:
        """Forget all batches, also one that the loss has handed over."""
        self._batch_target = None
        super().reset_state()

    def result(self) -> dict[str, Tensor]:
        """Return a dictionary from the term's name to its mean."""
        *terms, count = ops.unstack(ops.convert_to_tensor(self._totals))
        count = ops.where(count > 0, count, 1.0)
        return {
            name: term / count
            for name, term in zip(self.loss.term_names, terms, strict=True)
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LossTerms":
        """Inverse of `get_config`."""
        return cls(**deserialized(config, "loss"))


def _sums(values: list[Tensor], sample_weight: Tensor | None) -> Tensor:
    terms = ops.stack([*values, ops.ones_like(values[0])])
    if sample_weight is not None:
        terms = terms * ops.cast(sample_weight, terms.dtype)
    return ops.stop_gradient(ops.sum(terms, axis=1))
