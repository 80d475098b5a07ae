"""Pixel-based losses (paper, section 3.2.1), for maps in [0, 1]."""

from typing import Any

import keras

from keras_saliency import functional
from keras_saliency._utils.types import Tensor
from keras_saliency.losses.base import PACKAGE, SaliencyLoss
from keras_saliency.losses.checks import checked


class _PixelLoss(SaliencyLoss):
    family = "Pixel-based"


@keras.saving.register_keras_serializable(PACKAGE)
class MeanSquaredError(_PixelLoss):
    """MSE (eq. 1): mean over pixels of the squared error."""

    default_name = "mse"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.mean_squared_error`."""
        return functional.mean_squared_error(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class ExponentialAbsoluteDifference(_PixelLoss):
    """EAD (eq. 2): mean over pixels of exp(|error|) - 1."""

    default_name = "ead"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.exponential_absolute_difference`."""
        return functional.exponential_absolute_difference(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class AbsoluteError(_PixelLoss):
    """AE (eq. 3): mean over pixels of the absolute error."""

    default_name = "ae"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.absolute_error`."""
        return functional.absolute_error(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class MLNetMeanSquaredError(_PixelLoss):
    """MLNET-MSE, also W-MSE (eq. 4): squared error over (alpha - S).

    Args:
        alpha: A number larger than 1, the largest density.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "mlnet_mse"

    def __init__(self, *, alpha: float = 1.1, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = checked(self, "alpha", alpha, 1.0, inclusive=False)

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.mlnet_mean_squared_error`."""
        return functional.mlnet_mean_squared_error(
            y_true, y_pred, alpha=self.alpha
        )


@keras.saving.register_keras_serializable(PACKAGE)
class SigmoidMeanSquaredError(_PixelLoss):
    """SIG-MSE (eq. 4): squared error weighted by a sigmoid of the density.

    Args:
        threshold: The paper's lambda, in [0, 1].
        slope: The paper's k.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "sig_mse"

    def __init__(
        self, *, threshold: float = 0.55, slope: float = 10.0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.threshold = checked(self, "threshold", threshold, 0.0, maximum=1.0)
        self.slope = checked(self, "slope", slope, 0.0, inclusive=False)

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.sigmoid_mean_squared_error`."""
        return functional.sigmoid_mean_squared_error(
            y_true, y_pred, threshold=self.threshold, slope=self.slope
        )
