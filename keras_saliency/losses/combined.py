"""Linear combinations of losses (paper, section 3.2.6)."""

import keras

from keras_saliency import targets
from keras_saliency.functional.maps import as_float32
from keras_saliency.losses.base import PACKAGE, SaliencyLoss, checked


@keras.saving.register_keras_serializable(PACKAGE)
class CombinedLoss(SaliencyLoss):
    """Weighted sum of losses, itself a loss.

    `10 * KLDivergence() + 2 * CorrelationCoefficient()` makes the same. All
    losses of this package are lower-is-better, so all weights are positive:
    CC and NSS come negated already.

    Args:
        losses: List of losses of this package. A `CombinedLoss` among them
            is replaced by its own terms.
        weights: One number, not negative, per loss. 1 each by default.
        reduction: See `keras.losses.Loss`.
        name: See `keras.losses.Loss`.
        dtype: See `keras.losses.Loss`.

    Attributes:
        terms: The losses, none of them a `CombinedLoss`.
        weights: Their weights.

    Raises:
        ValueError: If there is no loss, or the weights do not fit.
        TypeError: If a loss is not one of this package.

    Example:
    >>> from keras_saliency.losses import CorrelationCoefficient, KLDivergence
    >>> loss = CombinedLoss(
    ...     [KLDivergence(), CorrelationCoefficient()], weights=[10, 2]
    ... )
    >>> [(term.name, weight) for term, weight in zip(loss.terms, loss.weights)]
    [('kld', 10.0), ('neg_cc', 2.0)]
    """

    family = "Linear combinations"

    def __init__(
        self,
        losses,
        weights=None,
        reduction="sum_over_batch_size",
        name="combined",
        dtype=None,
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        losses = list(losses)
        weights = [1.0] * len(losses) if weights is None else list(weights)
        if not losses or len(losses) != len(weights):
            raise ValueError(
                "CombinedLoss needs at least one loss and as many weights, "
                f"received {len(losses)} losses and {len(weights)} weights."
            )
        self.terms, self.weights = [], []
        for loss, weight in zip(losses, weights, strict=True):
            if not isinstance(loss, SaliencyLoss):
                raise TypeError(
                    "CombinedLoss combines losses of keras_saliency.losses, "
                    f"received {loss!r}."
                )
            weight = checked(self, f"the weight of {loss.name}", weight, 0.0)
            if isinstance(loss, CombinedLoss):
                self.terms += loss.terms
                self.weights += [weight * w for w in loss.weights]
            else:
                self.terms.append(loss)
                self.weights.append(weight)

    @property
    def probabilities(self):
        """Whether a term takes predictions as probabilities."""
        return any(term.probabilities for term in self.terms)

    @property
    def target(self):
        """`"fixations"` if a term needs them, else `"density"`."""
        needed = {term.target for term in self.terms}
        return "fixations" if "fixations" in needed else "density"

    def _per_image(self, y_true, y_pred, shared):
        return sum(
            weight * term._per_image(y_true, y_pred, shared)
            for term, weight in zip(self.terms, self.weights, strict=True)
        )

    def per_term(self, y_true, y_pred):
        """Unweighted values of the terms.

        Args:
            y_true: Target `(batch, height, width, 2)` or `(..., 1)`.
            y_pred: Prediction `(batch, height, width, 1)`.

        Returns:
            List of tensors `(batch,)`, one per term.
        """
        y_true, y_pred = as_float32(y_true), as_float32(y_pred)
        targets.check(y_true, y_pred, self.name)
        shared = {}
        return [term._per_image(y_true, y_pred, shared) for term in self.terms]

    @property
    def term_names(self):
        """Names of the terms, the second of a kind numbered `_2`."""
        names = []
        for term in self.terms:
            before = sum(
                term.name == other.name for other in self.terms[: len(names)]
            )
            names.append(f"{term.name}_{before + 1}" if before else term.name)
        return names

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "losses": [
                keras.saving.serialize_keras_object(term) for term in self.terms
            ],
            "weights": list(self.weights),
        }

    @classmethod
    def from_config(cls, config):
        """Inverse of `get_config`."""
        losses = [
            keras.saving.deserialize_keras_object(loss)
            if isinstance(loss, dict)
            else loss
            for loss in config["losses"]
        ]
        return cls(**{**config, "losses": losses})
