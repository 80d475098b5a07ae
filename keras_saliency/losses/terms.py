"""What a `CombinedLoss` does with the values of its terms."""

from typing import Protocol

import keras

from keras_saliency._utils.types import Tensor


class Reduction(keras.losses.Loss):
    """Keras' reduction of values that are there already."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the values, given as the prediction."""
        return y_pred


class TermsReceiver(Protocol):
    """What `CombinedLoss.report_to` takes."""

    def receive(
        self,
        y_true: Tensor,
        values: list[Tensor],
        sample_weight: Tensor | None,
    ) -> None:
        """Take the unweighted values of the terms, `(batch,)` each.

        Args:
            y_true: The target as the loss was given it.
            values: One tensor per term.
            sample_weight: Weights of the images as the loss was given them.
        """
