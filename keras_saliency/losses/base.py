"""What every loss shares: targets, one value per image, and the algebra."""

import inspect
import weakref
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_saliency import targets
from keras_saliency._utils.checks import as_number
from keras_saliency._utils.config import (
    SignatureConfig,
    argument_names,
    deserialized,
)
from keras_saliency._utils.types import Tensor
from keras_saliency.functional.maps import as_float32
from keras_saliency.losses.checks import check_term_name, checked, listed
from keras_saliency.losses.terms import Reduction, TermsReceiver
from keras_saliency.losses.weighting import (
    KINDS,
    LearnedWeights,
    refuse_learned,
)

PACKAGE = "keras_saliency.losses"


class SaliencyLoss(SignatureConfig, keras.losses.Loss):
    """Base class of all losses: lower is better, one value per image.

    `y_true` is a packed target `(batch, height, width, 2)`, channels density
    and fixations (`keras_saliency.targets.pack`), or the density alone,
    `(batch, height, width, 1)`, for losses that need no fixations. `y_pred`
    is the predicted map `(batch, height, width, 1)` of the same height and
    width. Half-precision maps are computed in float32.

    Losses add up: `10 * KLDivergence() + 2 * CorrelationCoefficient()` is a
    `CombinedLoss`.

    A subclass sets the attributes below and defines `compute`.

    Args:
        name: Name in the logs of a combination; by default the class's
            `default_name`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Attributes:
        default_name: The name of a loss that is given none.
        target: `"density"` or `"fixations"`, the channel it compares with.
        family: One of the paper's groups.
        probabilities: Whether it takes predictions as probabilities, in which
            case the network should end in a sigmoid, not in a ReLU.
        lower_bound: No value is below it, up to rounding.
    """

    # NumPy's numbers leave the products with losses to `__rmul__`.
    __array_ufunc__ = None

    default_name: str | None = None
    target: targets.Channel = "density"
    family: str | None = None
    probabilities = False
    lower_bound = 0.0
    # Whether it has been called.
    _seen = False

    def __init__(self, *, name: str | None = None, **kwargs: Any):
        # Keras' default is `keras.config.floatx()`, to which it would cast.
        kwargs["dtype"] = kwargs.get("dtype") or "float32"
        super().__init__(name=name or self.default_name, **kwargs)

    @property
    def activation(self) -> str:
        """Output activation that suits it: `"relu"` or `"sigmoid"`."""
        return "sigmoid" if self.probabilities else "relu"

    def __call__(
        self,
        y_true: Tensor,
        y_pred: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Reduce the values of the images to the loss of the batch.

        Args:
            y_true: Target `(batch, height, width, 2)` or `(..., 1)`.
            y_pred: Prediction `(batch, height, width, 1)`.
            sample_weight: Weights of the images, `(batch,)` or `(batch, 1)`,
                or one number for all.

        Returns:
            A scalar tensor, or `(batch,)` with `reduction=None`.

        Raises:
            ValueError: If shapes do not fit, the fixations are missing, or
                `sample_weight` has a weight per pixel.
        """
        y_pred = as_float32(y_pred)
        weights = self._weights(y_true, y_pred, sample_weight)
        return super().__call__(as_float32(y_true), y_pred, weights)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the values of the images, shape `(batch,)`."""
        return self._per_image(*self._checked(y_true, y_pred), shared={})

    def _weights(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None
    ) -> Tensor | None:
        """Return the weights of the images; look at the first target."""
        if self.probabilities and not self._seen:
            self._seen = True
            self._check_peak(y_true)
        return targets.image_weights(sample_weight, y_pred, self.name)

    def _check_peak(self, y_true: Tensor) -> None:
        """Refuse a first target above 1, with which the loss has no bound."""
        try:
            density = keras.ops.convert_to_numpy(targets.density(y_true))
        except Exception:  # noqa: BLE001 (a graph is built: there is no value)
            return
        targets.check_peak(density, self.name)

    def _checked(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        y_true, y_pred = as_float32(y_true), as_float32(y_pred)
        targets.check(y_true, y_pred, self.name)
        return y_true, y_pred

    def _per_image(
        self, y_true: Tensor, y_pred: Tensor, shared: dict[Any, Any]
    ) -> Tensor:
        """`call` without checks; `shared` holds what terms have in common."""
        truth = targets.select(y_true, self.target, self.name)
        return self.compute(truth, y_pred)

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the values of the images, from the channel named by `target`.

        Args:
            y_true: Density or fixation maps `(batch, height, width, 1)`.
            y_pred: Predicted maps, same shape.

        Returns:
            Tensor `(batch,)`, lower is better.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "dtype": self.dtype}

    def __repr__(self) -> str:
        parameters = inspect.signature(type(self)).parameters
        arguments = {
            name: (getattr(self, name), parameters[name].default)
            for name in argument_names(type(self))
        }
        arguments["name"] = (self.name, self.default_name)
        shown = [
            f"{name}={_shown(value)}"
            for name, (value, default) in arguments.items()
            if not np.array_equal(value, default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __mul__(self, weight: float) -> "CombinedLoss":
        number = as_number(weight)
        if number is None:
            return NotImplemented
        return CombinedLoss([self], weights=[number])

    __rmul__ = __mul__

    def __add__(self, other: "SaliencyLoss") -> "CombinedLoss":
        if not isinstance(other, SaliencyLoss):
            return NotImplemented
        return CombinedLoss([self, other])

    def __radd__(self, other: object) -> "SaliencyLoss":
        # sum([...]) starts from 0.
        return self if other == 0 else NotImplemented


@keras.saving.register_keras_serializable(PACKAGE)
class CombinedLoss(SaliencyLoss):
    """Weighted sum of losses, itself a loss (paper, section 3.2.6).

    `10 * KLDivergence() + 2 * CorrelationCoefficient()` makes the same. All
    losses of this package are lower-is-better, so all weights are positive:
    CC and NSS come negated already.

    Args:
        losses: Losses of this package. A `CombinedLoss` among them is replaced
            by its own terms.
        weights: One number, not negative, per loss. 1 each by default.
        weighting: `None` for weights that stay, or how `fit` of this package's
            models learns them: `"uncertainty"` (`weights` are those at the
            start) or `"gradients"` (`weights` are the shares that the terms
            have in the gradient). See `losses.weighting`.
        momentum: Share of what is learned that a step keeps, in [0, 1).
        **kwargs: See `SaliencyLoss`.

    Attributes:
        losses: The terms, none of them a `CombinedLoss`.
        weights: Their weights, as they were given.
        learned: What is learned, with `weights()`, or `None`.

    Raises:
        ValueError: If there is no loss, the weights do not fit, or cannot be
            learned: `"uncertainty"` needs terms with a lower bound; or if a
            term is named "loss".
        TypeError: If a loss is not one of this package.

    Example:
    >>> from keras_saliency.losses import CorrelationCoefficient, KLDivergence
    >>> losses = KLDivergence(), CorrelationCoefficient()
    >>> CombinedLoss(losses, weights=[10, 2])
    10.0 * KLDivergence() + 2.0 * CorrelationCoefficient()
    """

    default_name = "combined"
    family = "Linear combinations"

    def __init__(
        self,
        losses: Iterable[SaliencyLoss],
        *,
        weights: Iterable[float] | None = None,
        weighting: str | None = None,
        momentum: float = 0.95,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        losses = listed(self, "losses", losses)
        weights = [1.0] * len(losses) if weights is None else weights
        weights = listed(self, "weights", weights)
        if not losses or len(losses) != len(weights):
            raise ValueError(
                "CombinedLoss needs at least one loss and as many weights, "
                f"received {len(losses)} losses and {len(weights)} weights."
            )
        self.losses: list[SaliencyLoss] = []
        self.weights: list[float] = []
        for loss, weight in zip(losses, weights, strict=True):
            if not isinstance(loss, SaliencyLoss):
                raise TypeError(
                    "CombinedLoss combines losses of keras_saliency.losses, "
                    f"received {loss!r}. losses.get makes one of a name."
                )
            weight = checked(self, f"the weight of {loss.name}", weight, 0.0)
            refuse_learned(loss, "CombinedLoss")
            if isinstance(loss, CombinedLoss):
                self.losses += loss.losses
                self.weights += [weight * w for w in loss.weights]
            else:
                check_term_name(loss.name)
                self.losses.append(loss)
                self.weights.append(weight)
        self._receivers: weakref.WeakSet[TermsReceiver] = weakref.WeakSet()
        self.momentum = checked(self, "momentum", momentum, 0.0, maximum=0.9999)
        self.weighting = weighting
        self.learned: LearnedWeights | None = None
        if weighting is not None:
            if weighting not in tuple(KINDS):
                raise ValueError(
                    f"CombinedLoss: weighting must be {' or '.join(KINDS)}, "
                    f"received {weighting!r}."
                )
            bounds = [loss.lower_bound for loss in self.losses]
            self.learned = KINDS[weighting](
                self.term_names, self.weights, bounds, self.momentum
            )

    @property
    def probabilities(self) -> bool:  # type: ignore[override]
        """Whether a term takes predictions as probabilities."""
        return any(loss.probabilities for loss in self.losses)

    @property
    def target(self) -> targets.Channel:  # type: ignore[override]
        """`"fixations"` if a term needs them, else `"density"`."""
        needed = {loss.target for loss in self.losses}
        return "fixations" if "fixations" in needed else "density"

    @property
    def lower_bound(self) -> float:  # type: ignore[override]
        """That of the terms, with the weights as given."""
        bounds = (loss.lower_bound for loss in self.losses)
        return sum(
            weight * bound
            for weight, bound in zip(self.weights, bounds, strict=True)
            if weight
        )

    @property
    def term_names(self) -> list[str]:
        """Names of the terms, the second of a kind numbered `_2`."""
        names: list[str] = []
        for loss in self.losses:
            before = sum(
                loss.name == other.name for other in self.losses[: len(names)]
            )
            names.append(f"{loss.name}_{before + 1}" if before else loss.name)
        return names

    def report_to(self, receiver: TermsReceiver) -> None:
        """Hand the terms of each further call to a receiver as well.

        Args:
            receiver: `metrics.LossTerms`, held by a weak reference.
        """
        self._receivers.add(receiver)

    def __call__(
        self,
        y_true: Tensor,
        y_pred: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Reduce as any loss, and report the terms; see `SaliencyLoss`.

        Raises:
            ValueError: Also if weights are to be learned, but the caller is no
                model of this package; `call` gives the values nevertheless.
        """
        y_pred = as_float32(y_pred)
        weights = self._weights(y_true, y_pred, sample_weight)
        values = self.per_term(y_true, y_pred)
        for receiver in self._receivers:
            receiver.receive(y_true, values, weights)
        if self.learned is not None:
            self.learned.learn(
                values, lambda x: self.per_term(y_true, x), y_pred, weights
            )
        reduced = Reduction(self.name, self.reduction, self.dtype)
        total = self._sum(values)
        return reduced(total, total, weights)

    def per_term(self, y_true: Tensor, y_pred: Tensor) -> list[Tensor]:
        """Return the unweighted values of the terms.

        Args:
            y_true: Target `(batch, height, width, 2)` or `(..., 1)`.
            y_pred: Prediction `(batch, height, width, 1)`.

        Returns:
            List of tensors `(batch,)`, one per term.
        """
        return self._terms(*self._checked(y_true, y_pred), shared={})

    def _per_image(
        self, y_true: Tensor, y_pred: Tensor, shared: dict[Any, Any]
    ) -> Tensor:
        return self._sum(self._terms(y_true, y_pred, shared))

    def _terms(
        self, y_true: Tensor, y_pred: Tensor, shared: dict[Any, Any]
    ) -> list[Tensor]:
        return [loss._per_image(y_true, y_pred, shared) for loss in self.losses]

    def _sum(self, values: list[Tensor]) -> Tensor:
        if self.learned is not None:
            return self.learned.total(values)
        return sum(
            weight * value
            for weight, value in zip(self.weights, values, strict=True)
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, and what was learned."""
        config = super().get_config()
        if self.learned is not None:
            config["learned"] = self.learned.state()
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "CombinedLoss":
        """Inverse of `get_config`."""
        config = deserialized(config, "losses")
        state = config.pop("learned", None)
        loss = cls(**config)
        if loss.learned is not None and state is not None:
            loss.learned.restore(state)
        return loss

    def __repr__(self) -> str:
        if self.learned is not None:
            return super().__repr__()
        return " + ".join(
            f"{weight} * {loss!r}"
            for weight, loss in zip(self.weights, self.losses, strict=True)
        )


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<map {value.shape}>"
    return repr(value)
