"""Center-bias regularization (paper, section 3.2.5)."""

from typing import Any

import keras

from keras_saliency._utils.types import Array, ArrayLike, Tensor
from keras_saliency.functional import mean_squared_error
from keras_saliency.losses import priors
from keras_saliency.losses.base import PACKAGE, SaliencyLoss
from keras_saliency.losses.checks import checked


@keras.saving.register_keras_serializable(PACKAGE)
class CenterBias(SaliencyLoss):
    """R (eq. 16): alpha times the mean squared distance from a prior map.

    The target is not looked at: this term keeps predictions near the mean
    density map of the training images.

    Args:
        prior: The map B, `(height, width)` of the network's output, in
            [0, 1]: `dataset.mean_density(size)`. It is saved with the
            configuration. `None` only leaves it to be set later, as
            `loss.prior = ...`; calling the loss without it is an error.
        alpha: Weight of the term; the paper's 0.1.
        **kwargs: See `SaliencyLoss`.
    """

    default_name = "center_bias"
    family = "Regularization"

    def __init__(
        self,
        prior: ArrayLike | None = None,
        *,
        alpha: float = 0.1,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.alpha = checked(self, "alpha", alpha, 0.0)
        self.prior = prior

    @property
    def prior(self) -> Array | None:
        """The map B, float32 `(height, width)`, or `None`."""
        return self._prior

    @prior.setter
    def prior(self, prior: ArrayLike | None) -> None:
        if prior is not None:
            prior = priors.as_map(prior, "CenterBias")
            if prior.size and not 0 <= prior.min() <= prior.max() <= 1.001:
                raise ValueError(
                    "CenterBias: the prior must be in [0, 1], as the maps are, "
                    f"received {prior.min()} to {prior.max()}. Make it of "
                    "densities with peak 1: dataset.mean_density(size)."
                )
        self._prior = prior

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return alpha times the mean squared distance from the prior."""
        if self._prior is None:
            raise ValueError(
                "CenterBias has no prior. Give it the mean density map of the "
                "training images at the size of the network's output: "
                "CenterBias(prior=dataset.mean_density(size)), or "
                'losses.get("LC2", prior=...).'
            )
        prior = priors.as_tensor(self._prior, y_pred, "CenterBias")
        return self.alpha * mean_squared_error(prior, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, the prior's bytes as base64."""
        return {**super().get_config(), "prior": priors.encoded(self._prior)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "CenterBias":
        """Inverse of `get_config`."""
        prior = config.get("prior")
        if not isinstance(prior, dict):
            return cls(**config)
        loss = cls(**{**config, "prior": None})
        # As it was saved, also by versions that did not check its range.
        loss._prior = priors.decoded(prior)
        return loss
