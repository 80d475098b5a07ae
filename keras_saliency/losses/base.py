"""What every loss shares: targets, one value per image, and the algebra."""

import math

import keras

from keras_saliency import targets
from keras_saliency.functional.maps import as_float32

PACKAGE = "keras_saliency.losses"


class SaliencyLoss(keras.losses.Loss):
    """Base class of all losses: lower is better, one value per image.

    `y_true` is a packed target `(batch, height, width, 2)`, channels density
    and fixations (`keras_saliency.targets.pack`), or the density alone,
    `(batch, height, width, 1)`, for losses that need no fixations. `y_pred`
    is the predicted map `(batch, height, width, 1)` of the same height and
    width. Half-precision maps are computed in float32.

    Losses add up: `10 * KLDivergence() + 2 * CorrelationCoefficient()` is a
    `CombinedLoss`.

    A subclass sets the attributes below and defines `compute`.

    Attributes:
        target: `"density"` or `"fixations"`, the channel it compares with.
        family: One of the paper's groups.
        probabilities: Whether it takes predictions as probabilities, in which
            case the network should end in a sigmoid, not in a ReLU.
    """

    target = "density"
    family = None
    probabilities = False

    def __init__(self, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    @property
    def activation(self):
        """Output activation that suits it: `"relu"` or `"sigmoid"`."""
        return "sigmoid" if self.probabilities else "relu"

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Reduce the values of the images to the loss of the batch.

        Args:
            y_true: Target `(batch, height, width, 2)` or `(..., 1)`.
            y_pred: Prediction `(batch, height, width, 1)`.
            sample_weight: Weights of the images, `(batch,)` or `(batch, 1)`.

        Returns:
            A scalar tensor, or `(batch,)` with `reduction=None`.

        Raises:
            ValueError: If shapes do not fit, the fixations are missing, or
                `sample_weight` has a weight per pixel.
        """
        if sample_weight is not None and len(sample_weight.shape) > 1:
            shape = tuple(sample_weight.shape)
            if len(shape) > 2 or shape[1] != 1:
                raise ValueError(
                    f"{self.name}: sample_weight must have one weight per "
                    f"image, shape (batch,) or (batch, 1), received {shape}."
                )
        return super().__call__(
            as_float32(y_true), as_float32(y_pred), sample_weight
        )

    def call(self, y_true, y_pred):
        """Values of the images, shape `(batch,)`."""
        y_true, y_pred = as_float32(y_true), as_float32(y_pred)
        targets.check(y_true, y_pred, self.name)
        return self._per_image(y_true, y_pred, shared={})

    def _per_image(self, y_true, y_pred, shared):
        """`call` without checks; `shared` holds what terms have in common."""
        if self.target == "fixations":
            y_true = targets.fixations(y_true, self.name)
        else:
            y_true = targets.density(y_true)
        return self.compute(y_true, y_pred)

    def compute(self, y_true, y_pred):
        """Values of the images from the channel named by `target`.

        Args:
            y_true: Density or fixation maps `(batch, height, width, 1)`.
            y_pred: Predicted maps, same shape.

        Returns:
            Tensor `(batch,)`, lower is better.
        """
        raise NotImplementedError

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "dtype": self.dtype}

    def __mul__(self, weight):
        from keras_saliency.losses.combined import CombinedLoss

        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            return NotImplemented
        return CombinedLoss([self], weights=[weight])

    __rmul__ = __mul__

    def __add__(self, other):
        from keras_saliency.losses.combined import CombinedLoss

        if not isinstance(other, SaliencyLoss):
            return NotImplemented
        return CombinedLoss([self, other])

    def __radd__(self, other):
        # sum([...]) starts from 0.
        return self if other == 0 else NotImplemented


def checked(loss, name, value, minimum, inclusive=True, maximum=math.inf):
    """A number within bounds, as a float; else a ValueError that says so."""
    good = (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and (value >= minimum if inclusive else value > minimum)
        and value <= maximum
    )
    if not good:
        bound = f"{'at least' if inclusive else 'above'} {minimum}"
        if maximum < math.inf:
            bound += f" and at most {maximum}"
        raise ValueError(
            f"{type(loss).__name__}: {name} must be a number {bound}, received "
            f"{value!r}."
        )
    return float(value)
