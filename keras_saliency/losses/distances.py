"""Losses on maps as distributions that came after the paper.

The distances of Jetley et al. (PDP), the Jensen-Shannon divergence, the
information gain of fixations, and optimal transport. Formulas and sources are
in `functional.distances` and `functional.transport`.

Jetley et al. compare softmax maps. A network that ends in a softmax
(`Baseline(activation="density")`) gives such a map, which is compared as it is
by `normalization="sum"`, the default; a map in [0, 1] is divided by its sum.
With `normalization="softmax"` both the density map and the prediction are what
enters a softmax, and the network ends in a ReLU or has no activation.
"""

from typing import Any

import keras

from keras_saliency import functional
from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.types import Array, ArrayLike, Tensor
from keras_saliency.functional.maps import EPSILON
from keras_saliency.losses import priors
from keras_saliency.losses.base import PACKAGE, SaliencyLoss
from keras_saliency.losses.checks import checked
from keras_saliency.losses.distribution import (
    SMALLEST_EPSILON,
    checked_normalization,
)


class _Distance(SaliencyLoss):
    family = "Distribution-based"

    def __init__(self, *, normalization: str = "sum", **kwargs: Any):
        super().__init__(**kwargs)
        self.normalization = checked_normalization(self, normalization)

    @property
    def probabilities(self) -> bool:  # type: ignore[override]
        """Whether maps are divided by their sum: a softmax takes any."""
        return self.normalization == "sum"


@keras.saving.register_keras_serializable(PACKAGE)
class ChiSquared(_Distance):
    """Chi-squared distance, sum (p - g)^2 / (p + g), in [0, 2] (PDP).

    Args:
        normalization: `"sum"` or `"softmax"`; see `losses.distances`.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "chi2"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.chi_squared`."""
        return functional.chi_squared(
            y_true, y_pred, normalization=self.normalization
        )


@keras.saving.register_keras_serializable(PACKAGE)
class TotalVariation(_Distance):
    """Total variation distance, half of sum |p - g|, in [0, 1] (PDP).

    Args:
        normalization: `"sum"` or `"softmax"`; see `losses.distances`.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "tv"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.total_variation`."""
        return functional.total_variation(
            y_true, y_pred, normalization=self.normalization
        )


@keras.saving.register_keras_serializable(PACKAGE)
class CosineDistance(_Distance):
    """Cosine distance, 1 - p g / (|p| |g|), in [0, 1] (PDP).

    Args:
        normalization: `"sum"` or `"softmax"`; see `losses.distances`.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "cosine_distance"

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.cosine_distance`."""
        return functional.cosine_distance(
            y_true, y_pred, normalization=self.normalization
        )


@keras.saving.register_keras_serializable(PACKAGE)
class JensenShannon(_Distance):
    """Jensen-Shannon divergence in nats, in [0, ln 2].

    Args:
        normalization: `"sum"` or `"softmax"`; see `losses.distances`.
        epsilon: Guard in the quotients and logarithms, at least 1e-16.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "js"

    def __init__(
        self,
        *,
        normalization: str = "sum",
        epsilon: float = EPSILON,
        **kwargs: Any,
    ):
        super().__init__(normalization=normalization, **kwargs)
        self.epsilon = checked(self, "epsilon", epsilon, SMALLEST_EPSILON)

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.jensen_shannon`."""
        return functional.jensen_shannon(
            y_true,
            y_pred,
            normalization=self.normalization,
            epsilon=self.epsilon,
        )


@keras.saving.register_keras_serializable(PACKAGE)
class InformationGain(_Distance):
    """Information gain of the fixations over a prior, in bits, negated.

    The mean over fixations of log2 b - log2 p; its value in logs, `neg_ig`,
    falls below 0 as the prediction tells more than the prior. The prior shifts
    the value and leaves the gradient as it is: with "sum" the loss trains as
    `NegativeLogLikelihood` does, in bits. DeepGaze's is that of "softmax".

    Args:
        prior: Density b of the center bias, `(height, width)` of the network's
            output, not negative, of any scale: `dataset.mean_density(size)`.
            It is saved with the configuration. Uniform by default.
        normalization: `"sum"` or `"softmax"` of the prediction.
        epsilon: Share of a uniform density that is mixed into b, and into p
            with "sum": above 0, below 1.
        **kwargs: See `SaliencyLoss`.

    Raises:
        ValueError: If the prior is no such map, or an argument is out of range.
    """

    default_name = "neg_ig"
    target = "fixations"
    lower_bound = -float("inf")

    def __init__(
        self,
        prior: ArrayLike | None = None,
        *,
        normalization: str = "sum",
        epsilon: float = 1e-6,
        **kwargs: Any,
    ):
        super().__init__(normalization=normalization, **kwargs)
        self.epsilon = checked(self, "epsilon", epsilon, 1e-9, maximum=0.5)
        self.prior: Array | None = None
        if prior is not None:
            self.prior = priors.as_map(prior, "InformationGain")
            if self.prior.size and self.prior.min() < 0:
                raise ValueError(
                    "InformationGain: the prior is a density and must not be "
                    f"negative, received {self.prior.min()}."
                )
            if not self.prior.any():
                raise ValueError(
                    "InformationGain: the prior is zero everywhere, which is "
                    "no density. Leave it out for a uniform one."
                )

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.information_gain`."""
        baseline = None
        if self.prior is not None:
            baseline = priors.as_tensor(self.prior, y_pred, "InformationGain")
        return -functional.information_gain(
            y_true,
            y_pred,
            baseline=baseline,
            normalization=self.normalization,
            epsilon=self.epsilon,
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, the prior's bytes as base64."""
        return {**super().get_config(), "prior": priors.encoded(self.prior)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "InformationGain":
        """Inverse of `get_config`."""
        prior = config.get("prior")
        if isinstance(prior, dict):
            config = {**config, "prior": priors.decoded(prior)}
        return cls(**config)


@keras.saving.register_keras_serializable(PACKAGE)
class SinkhornDivergence(SaliencyLoss):
    """Entropic Wasserstein-1 distance of the maps on a coarse grid.

    In units of the map's longer side. Unlike all other losses it tells how far
    away misplaced mass is.

    Args:
        grid: Cells along each axis, a whole number.
        blur: Strength of the entropic term, in units of the longer side;
            from 0.02 to 1.
        iterations: Steps of Sinkhorn's iteration, a whole number.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "sinkhorn"
    family = "Distribution-based"
    probabilities = True

    def __init__(
        self,
        *,
        grid: int = 16,
        blur: float = 0.05,
        iterations: int = 30,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.grid = whole_number("SinkhornDivergence", "grid", grid)
        self.blur = checked(self, "blur", blur, 0.02, maximum=1.0)
        self.iterations = whole_number(
            "SinkhornDivergence", "iterations", iterations
        )

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.sinkhorn_divergence`."""
        return functional.sinkhorn_divergence(
            y_true,
            y_pred,
            grid=self.grid,
            blur=self.blur,
            iterations=self.iterations,
        )
