"""Weights of the terms of a `CombinedLoss` that training learns.

Both kinds are a few numbers with a step of their own, beside the optimizer:
its rate, decay, clipping and averages are the network's. In each step of `fit`
they first take in the batch, then weigh its terms; a batch's `sample_weight`
counts in what they take in. A batch whose terms are not finite is left out. The
weights are constants of the loss's gradient.

**uncertainty** (Kendall et al.): the objective is

    sum over terms of L / (2 sigma^2) + log sigma

with the term's value L, less its lower bound, and a variance sigma^2 that is
minimized over too: at the optimum sigma^2 = L, and the weight is 1 / (2 L). A
step goes down the natural gradient of the objective in sigma^2, which is
sigma^2 - L: sigma^2 moves to the batch's mean L by a share of 1 - momentum.
(Kendall et al. leave log sigma^2 to the optimizer. Adam with the rate of a
network moves it by at most that rate a step, too little for terms that differ
by powers of ten; the optimum is the same.) The objective has no optimum for a
term that falls without bound, such as NSS.

**gradients**: the norm of each term's gradient with respect to the predicted
map is followed by a running mean n, and the weights are

    w = c share / n

with `weights` as the shares and c such that the sum of the weights is that of
the shares. So each term has its share of the gradient, whatever its scale. It
is the point that GradNorm's own steps lead to without its restoring force
(alpha 0), with the output in place of the last shared layer, which takes no
second way back through the network; and the balancer of EnCodec.

References:
    Kendall, Gal, Cipolla, Multi-task learning using uncertainty to weigh
    losses for scene geometry and semantics, CVPR 2018, eq. 7.
    Chen et al., GradNorm, ICML 2018.
    Défossez, Copet, Synnaeve, Adi, High fidelity neural audio compression,
    TMLR 2023 (EnCodec), section 3.4.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_saliency._utils.autodiff import gradients
from keras_saliency._utils.types import Tensor
from keras_saliency._utils.variables import outlives_the_call
from keras_saliency.functional.maps import divide_where_positive, pixel_sum

# No variance or norm is smaller.
_SMALLEST = 1e-12
# A norm counts at least as this share of the largest: a term that is constant
# would have all of the weight.
_SMALLEST_SHARE = 1e-6
_ALONE = (
    "The weights of this loss are learned by `fit` of this package's models; "
    "a plain keras.Model, and a loop of your own, would leave them as they "
    "are. Make the model models.SaliencyModel(inputs, outputs). For values "
    "with the present weights use loss.call(y_true, y_pred)."
)


class LearnedWeights(keras.metrics.Metric):
    """Weights of terms that training learns; see the module.

    A metric, since those are the variables that Keras carries through a step
    on every backend without giving them to the optimizer. No epoch resets it.

    Args:
        names: Names of the terms.
        given: `weights` of the loss.
        bounds: Lower bounds of the terms.
        momentum: Share of what is known that a step keeps.
    """

    def __init__(
        self,
        names: Sequence[str],
        given: Sequence[float],
        bounds: Sequence[float],
        momentum: float,
    ) -> None:
        super().__init__(name="weighting", dtype="float32")
        self.momentum = momentum
        # Not lists, in which Keras would look for variables.
        self.names, self.given = tuple(names), np.array(given, "float32")
        self.bounds = np.array(bounds, "float32")
        self.check()
        self._known = self.add_variable(
            (len(self.names),),
            lambda shape, dtype: ops.convert_to_tensor(self.start(), dtype),
            self.dtype,
            aggregation="mean",
            name="known",
        )
        self._steps = self.add_variable(
            (), "zeros", self.dtype, aggregation="mean", name="steps"
        )
        # `None` outside of a step of a model, else whether it trains.
        self._training: bool | None = None

    def check(self) -> None:
        """Raise a `ValueError` if the terms' weights cannot be learned."""
        if self.given.sum() <= 0:
            raise ValueError("CombinedLoss: a weight must be above 0.")

    def start(self) -> np.ndarray:
        """Return what is known before the first step, one number a term."""
        raise NotImplementedError

    def weights(self) -> Tensor:
        """Return the present weights of the terms, `(terms,)`."""
        raise NotImplementedError

    def total(self, values: list[Tensor]) -> Tensor:
        """Return the weighted sum of the terms' values, `(batch,)`."""
        weights = ops.stop_gradient(self.weights())
        return ops.sum(weights[:, None] * ops.stack(values), axis=0)

    def observed(
        self,
        values: list[Tensor],
        terms: Callable[[Tensor], list[Tensor]],
        y_pred: Tensor,
    ) -> list[Tensor]:
        """Return what of a batch is learned from, `(batch,)` for each term.

        Args:
            values: Values of the terms.
            terms: Function from a prediction to the values of the terms.
            y_pred: The prediction.
        """
        raise NotImplementedError

    def rate(self, steps: Tensor) -> Any:
        """Return how far a step, the n-th, goes to what is observed."""
        raise NotImplementedError

    @contextmanager
    def step(self, training: bool) -> Iterator[None]:
        """Let the loss be called, by a model's step of training or test."""
        before, self._training = self._training, training
        try:
            yield
        finally:
            self._training = before

    def learn(
        self,
        values: list[Tensor],
        terms: Callable[[Tensor], list[Tensor]],
        y_pred: Tensor,
        sample_weight: Tensor | None,
    ) -> None:
        """Take in a batch, in a step of training.

        Args:
            values: Values of the terms.
            terms: Function from a prediction to the values of the terms.
            y_pred: The prediction.
            sample_weight: Weights of the images, `(batch,)`, or `None`.

        Raises:
            ValueError: If the caller is no model of this package.
        """
        if self._training is None:
            raise ValueError(_ALONE)
        if not self._training or not outlives_the_call(self._known):
            return
        observed = ops.stop_gradient(
            ops.stack(self.observed(values, terms, y_pred))
        )
        images = ops.ones_like(observed[0])
        if sample_weight is not None:
            images = images * ops.cast(sample_weight, "float32")
        count = ops.sum(images)
        mean = divide_where_positive(ops.sum(images * observed, axis=1), count)
        known = ops.convert_to_tensor(self._known)
        steps = ops.convert_to_tensor(self._steps) + 1.0
        moved = known + self.rate(steps) * (mean - known)
        # A step that overflowed, as in float16, must not stay in what is known.
        some = ops.logical_and(count > 0, ops.all(ops.isfinite(mean)))
        self._known.assign(
            ops.where(some, ops.maximum(moved, _SMALLEST), known)
        )
        self._steps.assign(ops.where(some, steps, steps - 1.0))

    def result(self) -> dict[str, Tensor]:
        """Return the weights by the terms' names, `weight_NAME`."""
        weights = ops.unstack(self.weights(), len(self.names))
        return {
            f"weight_{name}": weight
            for name, weight in zip(self.names, weights, strict=True)
        }

    def reset_state(self) -> None:
        """Keep what is learned: Keras resets metrics for each epoch."""

    def state(self) -> dict[str, Any]:
        """Return what is learned, as JSON knows it."""
        return {
            "known": ops.convert_to_numpy(self._known).tolist(),
            "steps": float(ops.convert_to_numpy(self._steps)),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Inverse of `state`."""
        self._known.assign(state["known"])
        self._steps.assign(state["steps"])


class UncertaintyWeights(LearnedWeights):
    """Weights 1 / (2 sigma^2) with learned variances; see the module."""

    def check(self) -> None:
        """Raise unless all terms have a lower bound, and weights above 0."""
        for name, bound in zip(self.names, self.bounds, strict=True):
            if not math.isfinite(bound):
                raise ValueError(
                    f"CombinedLoss: {name} falls without bound, and its "
                    'variance with it: weighting="uncertainty" needs terms '
                    "that have a lower bound. BoundedScanpathSaliency() "
                    '("EML-NSS") is the NSS with one; weighting="gradients" '
                    "takes any terms."
                )
        if self.given.min() <= 0:
            raise ValueError(
                'CombinedLoss: with weighting="uncertainty" the weights are '
                "those at the start, and must be above 0, received "
                f"{self.given.tolist()}."
            )

    def start(self) -> np.ndarray:
        """Return the variances that make the weights as given."""
        return 0.5 / self.given

    def weights(self) -> Tensor:
        """Return 1 / (2 sigma^2)."""
        return 0.5 / ops.convert_to_tensor(self._known)

    def total(self, values: list[Tensor]) -> Tensor:
        """Return sum (L - bound) / (2 sigma^2) + log sigma."""
        variances = ops.stop_gradient(ops.convert_to_tensor(self._known))
        return super().total(self._above(values)) + 0.5 * ops.sum(
            ops.log(variances)
        )

    def observed(
        self,
        values: list[Tensor],
        terms: Callable[[Tensor], list[Tensor]],
        y_pred: Tensor,
    ) -> list[Tensor]:
        """Return the values above the bounds."""
        return [ops.maximum(value, 0.0) for value in self._above(values)]

    def rate(self, steps: Tensor) -> float:
        """Return 1 - momentum, the rate of the natural gradient."""
        return 1.0 - self.momentum

    def _above(self, values: list[Tensor]) -> list[Tensor]:
        """Return the values less their lower bounds."""
        return [
            value - bound
            for value, bound in zip(values, self.bounds, strict=True)
        ]


class GradientWeights(LearnedWeights):
    """Weights that give each term its share of the gradient."""

    def start(self) -> np.ndarray:
        """Return norms that make the weights as given."""
        return np.ones_like(self.given)

    def weights(self) -> Tensor:
        """Return share / norm, scaled to the sum of the shares."""
        norms = ops.convert_to_tensor(self._known)
        norms = ops.maximum(norms, _SMALLEST_SHARE * ops.max(norms))
        weights = ops.convert_to_tensor(self.given) / norms
        return weights * (float(self.given.sum()) / ops.sum(weights))

    def observed(
        self,
        values: list[Tensor],
        terms: Callable[[Tensor], list[Tensor]],
        y_pred: Tensor,
    ) -> list[Tensor]:
        """Return the norms of the gradients with respect to each map."""
        return [
            ops.sqrt(pixel_sum(ops.square(gradient)))
            for gradient in gradients(terms, y_pred)
        ]

    def rate(self, steps: Tensor) -> Tensor:
        """Return the rate of a mean over all batches, later a running one."""
        return ops.maximum(1.0 / steps, 1.0 - self.momentum)


KINDS: dict[str, type[LearnedWeights]] = {
    "uncertainty": UncertaintyWeights,
    "gradients": GradientWeights,
}


def refuse_learned(loss: object, owner: str) -> None:
    """Raise if a loss whose weights are learned is to be part of another."""
    if getattr(loss, "learned", None) is not None:
        raise ValueError(
            f"{owner}: a loss with weights that are learned is no part of "
            "another, where nothing would learn them. Give its terms: "
            "CombinedLoss([...], weighting=...)."
        )
