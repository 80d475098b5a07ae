"""What every streaming metric shares."""

from typing import Any

import keras
from keras import ops

from keras_saliency import targets
from keras_saliency._utils.config import SignatureConfig
from keras_saliency._utils.types import Tensor
from keras_saliency.functional.maps import as_float32, pixel_sum

PACKAGE = "keras_saliency.metrics"


class SaliencyMetric(SignatureConfig, keras.metrics.Mean):
    """Base class: the mean over images of a measure of one image.

    `y_true` is a packed target, as for the losses; an image for which the
    measure is not defined, such as one without fixations, does not count, and
    where none counts the result is NaN. The mean is over images, exact for any
    batch sizes, on the size of the network's output: it follows training.
    Numbers to report come from `keras_saliency.evaluation`, whose defaults are
    what is computed here.

    A subclass sets the attributes and defines `compute`.

    Args:
        name: Name in the logs; by default the class's `default_name`.
        **kwargs: `dtype` of `keras.metrics.Metric`.

    Attributes:
        default_name: The name of a metric that is given none.
        target: `"density"` or `"fixations"`, what it compares with.
    """

    default_name: str | None = None
    target: targets.Channel = "density"
    # Keras reads it for callbacks with mode="auto".
    _direction = "up"

    def __init__(self, *, name: str | None = None, **kwargs: Any):
        kwargs["dtype"] = kwargs.get("dtype") or "float32"
        super().__init__(name=name or self.default_name, **kwargs)

    def update_state(
        self,
        y_true: Tensor,
        y_pred: Tensor,
        sample_weight: Tensor | None = None,
    ) -> None:
        """Add a batch.

        Args:
            y_true: Target `(batch, height, width, 2)`, or `(..., 1)` with the
                density alone where no fixations are needed.
            y_pred: Prediction `(batch, height, width, 1)`.
            sample_weight: Weights of the images, `(batch,)` or `(batch, 1)`,
                or one number for all.

        Raises:
            ValueError: If shapes do not fit or the fixations are missing.
        """
        y_true, y_pred = as_float32(y_true), as_float32(y_pred)
        targets.check(y_true, y_pred, self.name)
        truth = targets.select(y_true, self.target, self.name)
        weight = ops.cast(self.defined(truth), "float32")
        given = targets.image_weights(sample_weight, y_pred, self.name)
        if given is not None:
            weight = weight * given
        super().update_state(self.compute(truth, y_pred), sample_weight=weight)

    def result(self) -> Tensor:
        """Return the mean; NaN where no image counts."""
        return ops.where(self.count > 0, super().result(), float("nan"))

    def defined(self, truth: Tensor) -> Tensor:
        """Return whether the measure is defined for an image, `(batch,)`."""
        return pixel_sum(ops.abs(truth)) > 0

    def compute(self, truth: Tensor, y_pred: Tensor) -> Tensor:
        """Return the measure of each image.

        Args:
            truth: Density or fixation maps `(batch, height, width, 1)`.
            y_pred: Predicted maps, same shape.

        Returns:
            Tensor `(batch,)`.
        """
        raise NotImplementedError
