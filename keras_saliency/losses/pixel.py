"""Pixel-based losses (paper, section 3.2.1), for maps in [0, 1]."""

import keras

from keras_saliency import functional
from keras_saliency.losses.base import PACKAGE, SaliencyLoss, checked


class _PixelLoss(SaliencyLoss):
    family = "Pixel-based"


@keras.saving.register_keras_serializable(PACKAGE)
class MeanSquaredError(_PixelLoss):
    """MSE (eq. 1): mean over pixels of the squared error.

    See `SaliencyLoss` for targets and shapes, `keras.losses.Loss` for
    `reduction`, `name` and `dtype`.
    """

    def __init__(self, reduction="sum_over_batch_size", name="mse", dtype=None):
        super().__init__(reduction=reduction, name=name, dtype=dtype)

    def compute(self, y_true, y_pred):
        """See `functional.mean_squared_error`."""
        return functional.mean_squared_error(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class ExponentialAbsoluteDifference(_PixelLoss):
    """EAD (eq. 2): mean over pixels of exp(|error|) - 1.

    See `SaliencyLoss` for targets and shapes, `keras.losses.Loss` for
    `reduction`, `name` and `dtype`.
    """

    def __init__(self, reduction="sum_over_batch_size", name="ead", dtype=None):
        super().__init__(reduction=reduction, name=name, dtype=dtype)

    def compute(self, y_true, y_pred):
        """See `functional.exponential_absolute_difference`."""
        return functional.exponential_absolute_difference(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class AbsoluteError(_PixelLoss):
    """AE (eq. 3): mean over pixels of the absolute error.

    See `SaliencyLoss` for targets and shapes, `keras.losses.Loss` for
    `reduction`, `name` and `dtype`.
    """

    def __init__(self, reduction="sum_over_batch_size", name="ae", dtype=None):
        super().__init__(reduction=reduction, name=name, dtype=dtype)

    def compute(self, y_true, y_pred):
        """See `functional.absolute_error`."""
        return functional.absolute_error(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class MLNetMeanSquaredError(_PixelLoss):
    """MLNET-MSE, also W-MSE (eq. 4): squared error over (alpha - S).

    Args:
        alpha: Larger than 1, the largest density.
        reduction: See `keras.losses.Loss`.
        name: See `keras.losses.Loss`.
        dtype: See `keras.losses.Loss`.
    """

    def __init__(
        self,
        alpha=1.1,
        reduction="sum_over_batch_size",
        name="mlnet_mse",
        dtype=None,
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.alpha = checked(self, "alpha", alpha, 1.0, inclusive=False)

    def compute(self, y_true, y_pred):
        """See `functional.mlnet_mean_squared_error`."""
        return functional.mlnet_mean_squared_error(
            y_true, y_pred, alpha=self.alpha
        )

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "alpha": self.alpha}


@keras.saving.register_keras_serializable(PACKAGE)
class SigmoidMeanSquaredError(_PixelLoss):
    """SIG-MSE (eq. 4): squared error weighted by a sigmoid of the density.

    Args:
        threshold: The paper's lambda, in [0, 1].
        slope: The paper's k.
        reduction: See `keras.losses.Loss`.
        name: See `keras.losses.Loss`.
        dtype: See `keras.losses.Loss`.
    """

    def __init__(
        self,
        threshold=0.55,
        slope=10.0,
        reduction="sum_over_batch_size",
        name="sig_mse",
        dtype=None,
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.threshold = checked(self, "threshold", threshold, 0.0, maximum=1.0)
        self.slope = checked(self, "slope", slope, 0.0, inclusive=False)

    def compute(self, y_true, y_pred):
        """See `functional.sigmoid_mean_squared_error`."""
        return functional.sigmoid_mean_squared_error(
            y_true, y_pred, threshold=self.threshold, slope=self.slope
        )

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "threshold": self.threshold,
            "slope": self.slope,
        }
