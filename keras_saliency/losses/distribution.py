"""Distribution-based losses (paper, section 3.2.2).

The paper puts a sigmoid at the end of the network for all of them.
"""

from typing import Any

import keras

from keras_saliency import functional
from keras_saliency._utils.types import Tensor
from keras_saliency.functional.maps import EPSILON, NORMALIZATIONS
from keras_saliency.losses.base import PACKAGE, SaliencyLoss
from keras_saliency.losses.checks import checked

# Its square, which is a divisor of the gradient, is within float32.
SMALLEST_EPSILON = 1e-16


def checked_normalization(loss: SaliencyLoss, normalization: str) -> str:
    """Return `"sum"` or `"softmax"`.

    Raises:
        ValueError: If it is neither.
    """
    if normalization not in NORMALIZATIONS:
        raise ValueError(
            f'{type(loss).__name__}: normalization must be "sum" or "softmax", '
            f"received {normalization!r}."
        )
    return normalization


class _DistributionLoss(SaliencyLoss):
    family = "Distribution-based"
    probabilities = True


@keras.saving.register_keras_serializable(PACKAGE)
class KLDivergence(_DistributionLoss):
    """KLD (eq. 5): Kullback-Leibler divergence of the maps, in nats.

    The paper prints sum S^ log(S^ / S); the metric, and SAM, from which the
    paper takes the coefficients of its combinations, use sum S log(S / S^).
    The latter is the default.

    Args:
        direction: `"forward"`, sum S log(S / S^), or `"reverse"`, eq. 5.
        epsilon: Guard in the quotient and the logarithm, at least 1e-16.
        normalization: `"sum"`, or `"softmax"` of both maps, as SalFBNet and
            Jetley et al. have it; see `losses.distances`.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "kld"

    def __init__(
        self,
        *,
        direction: str = "forward",
        epsilon: float = EPSILON,
        normalization: str = "sum",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if direction not in ("forward", "reverse"):
            raise ValueError(
                'KLDivergence: direction must be "forward" or "reverse", '
                f"received {direction!r}."
            )
        self.direction = direction
        self.epsilon = checked(self, "epsilon", epsilon, SMALLEST_EPSILON)
        self.normalization = checked_normalization(self, normalization)

    @property
    def probabilities(self) -> bool:  # type: ignore[override]
        """Whether maps are divided by their sum: a softmax takes any."""
        return self.normalization == "sum"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.kl_divergence`."""
        return functional.kl_divergence(
            y_true,
            y_pred,
            direction=self.direction,
            epsilon=self.epsilon,
            normalization=self.normalization,
        )


@keras.saving.register_keras_serializable(PACKAGE)
class BhattacharyyaDistance(_DistributionLoss):
    """BHAT (eq. 6): -ln of the overlap of the normalized maps.

    The paper prints the overlap itself, which grows as maps agree.

    Args:
        epsilon: Guard in the logarithm, at least 1e-16.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "bhat"

    def __init__(self, *, epsilon: float = EPSILON, **kwargs: Any):
        super().__init__(**kwargs)
        self.epsilon = checked(self, "epsilon", epsilon, SMALLEST_EPSILON)

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.bhattacharyya_distance`."""
        return functional.bhattacharyya_distance(
            y_true, y_pred, epsilon=self.epsilon
        )


@keras.saving.register_keras_serializable(PACKAGE)
class BinaryCrossEntropy(_DistributionLoss):
    """BCE (eq. 7): binary cross-entropy, the mean over pixels."""

    default_name = "bce"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.binary_cross_entropy`."""
        return functional.binary_cross_entropy(y_true, y_pred)


@keras.saving.register_keras_serializable(PACKAGE)
class WeightedBinaryCrossEntropy(_DistributionLoss):
    """W-BCE (eq. 8): binary cross-entropy with a global weight.

    Args:
        weight: Weight of the salient term, in [0, 1]; the background term has
            `1 - weight`.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "w_bce"

    def __init__(self, *, weight: float = 0.5, **kwargs: Any):
        super().__init__(**kwargs)
        self.weight = checked(self, "weight", weight, 0.0, maximum=1.0)

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.weighted_binary_cross_entropy`."""
        return functional.weighted_binary_cross_entropy(
            y_true, y_pred, weight=self.weight
        )


@keras.saving.register_keras_serializable(PACKAGE)
class Focal(_DistributionLoss):
    """Focal loss (eq. 9), the mean over pixels.

    Args:
        gamma: Exponent, not negative.
        form: `"printed"`, the salient term weighted by 1 - S^**gamma as in
            the paper, or `"lin"`, by (1 - S^)**gamma as in Lin et al.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "focal"

    def __init__(
        self, *, gamma: float = 2.0, form: str = "printed", **kwargs: Any
    ):
        super().__init__(**kwargs)
        if form not in ("printed", "lin"):
            raise ValueError(
                f'Focal: form must be "printed" or "lin", received {form!r}.'
            )
        self.gamma = checked(self, "gamma", gamma, 0.0)
        self.form = form

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.focal`."""
        return functional.focal(
            y_true, y_pred, gamma=self.gamma, form=self.form
        )


@keras.saving.register_keras_serializable(PACKAGE)
class NegativeLogLikelihood(_DistributionLoss):
    """NLL (eq. 10): mean over fixations of -log of the normalized map.

    Args:
        epsilon: Guard in the logarithm, at least 1e-16.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "nll"
    target = "fixations"

    def __init__(self, *, epsilon: float = EPSILON, **kwargs: Any):
        super().__init__(**kwargs)
        self.epsilon = checked(self, "epsilon", epsilon, SMALLEST_EPSILON)

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.negative_log_likelihood`."""
        return functional.negative_log_likelihood(
            y_true, y_pred, epsilon=self.epsilon
        )
