"""What the formulas share: precision, shapes, safe normalization."""

from keras import ops

from keras_saliency import targets
from keras_saliency._utils.types import Tensor

EPSILON = 1e-7
# A map whose largest value is below this counts as all zero.
TINY = 1e-20
# Values beyond count as this: the sum of a map stays within float32.
LARGEST = 1e30
FLOAT16_MAX = 65504.0
# What enters an exponential counts at most as this.
_LARGEST_LOGIT = 1e20
NORMALIZATIONS = ("sum", "softmax")
# Powers of two, which change no digit, for sums whose square would leave the
# range of float32. JAX squares the divisor in the gradient of a quotient.
_SMALL_SUM, _ENLARGED = 1e-10, 2.0**64
_LARGE_SUM, _REDUCED = 1e18, 2.0**-80


@ops.custom_gradient
def _bounded_gradient(x):
    def grad(*args, upstream=None):
        if upstream is None:
            (upstream,) = args
        return ops.clip(upstream, -FLOAT16_MAX, FLOAT16_MAX)

    return x, grad


def as_float32(x: Tensor) -> Tensor:
    """Return a tensor in float32, in which all formulas are computed.

    The gradient that flows back into a float16 tensor is bounded to what
    float16 can hold, so that it never becomes infinite.
    """
    x = ops.convert_to_tensor(x)
    dtype = str(getattr(x.dtype, "name", x.dtype))
    if dtype.endswith("float32"):
        return x
    half = dtype.endswith(".float16") or dtype == "float16"
    x = ops.cast(x, "float32")
    return _bounded_gradient(x) if half else x


def map_pair(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Return both maps in float32; refuse shapes that do not fit."""
    y_true, y_pred = as_float32(y_true), as_float32(y_pred)
    targets.check(y_true, y_pred, "keras_saliency.functional", packed=False)
    return y_true, y_pred


def pixel_sum(x: Tensor) -> Tensor:
    """Sum over height, width and channel, `(batch,)`."""
    return ops.sum(x, axis=(1, 2, 3))


def pixel_mean(x: Tensor) -> Tensor:
    """Average over height, width and channel, `(batch,)`."""
    return ops.mean(x, axis=(1, 2, 3))


def pixel_count(x: Tensor) -> int | Tensor:
    """Return height times width; a float32 tensor if known at run time."""
    height, width = ops.shape(x)[1:3]
    count = height * width
    return count if isinstance(count, int) else ops.cast(count, "float32")


def bounded(x: Tensor, low: float, high: float) -> Tensor:
    """Clip to a range; what is outside keeps the gradient that leads back.

    A clipped value has no gradient, so that a prediction that has left the
    range could never return. Here it loses only the gradient that would lead
    it further away. Within the range, both ends included, nothing changes.
    """

    @ops.custom_gradient
    def clip(x):
        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            upstream = ops.where(x < low, ops.minimum(upstream, 0.0), upstream)
            return ops.where(x > high, ops.maximum(upstream, 0.0), upstream)

        return ops.clip(x, low, high), grad

    return clip(x)


def divide_by_sum(x: Tensor) -> Tensor:
    """Divide each map by its sum; an all-zero map stays zero.

    Values below zero, which have no share in a distribution, count as zero.
    """
    x = bounded(x, 0.0, LARGEST)
    total = ops.sum(x, axis=(1, 2, 3), keepdims=True)
    total = ops.where(total > TINY, total, 1.0)
    scale = ops.where(total > _LARGE_SUM, _REDUCED, ops.ones_like(total))
    scale = ops.where(total < _SMALL_SUM, _ENLARGED, scale)
    return x * scale / (total * scale)


def softmax(x: Tensor) -> Tensor:
    """Return the softmax over the pixels of each map."""
    exponentials = ops.exp(_below_zero(x))
    return exponentials / ops.sum(exponentials, axis=(1, 2, 3), keepdims=True)


def log_softmax(x: Tensor) -> Tensor:
    """Return the logarithm of `softmax`, of any value of the map."""
    x = _below_zero(x)
    total = ops.sum(ops.exp(x), axis=(1, 2, 3), keepdims=True)
    return x - ops.log(total)


def _below_zero(x):
    x = bounded(x, -_LARGEST_LOGIT, _LARGEST_LOGIT)
    return x - ops.stop_gradient(ops.max(x, axis=(1, 2, 3), keepdims=True))


def distribution(x: Tensor, normalization: str) -> Tensor:
    """Return maps as distributions over their pixels.

    Args:
        x: Maps `(batch, height, width, 1)`.
        normalization: `"sum"`, see `divide_by_sum`, or `"softmax"`.

    Raises:
        ValueError: If it is neither.
    """
    if normalization == "sum":
        return divide_by_sum(x)
    if normalization == "softmax":
        return softmax(x)
    raise ValueError(
        f'normalization must be "sum" or "softmax", received {normalization!r}.'
    )


def divide_by_peak(x: Tensor) -> Tensor:
    """Divide each map by its largest magnitude; an all-zero map stays zero.

    Only for use in scale-invariant formulas: the peak is taken as a constant,
    which leaves their gradient as it is.
    """
    peak = ops.max(ops.abs(x), axis=(1, 2, 3), keepdims=True)
    return _divide_by_constant(x, peak)


def _divide_by_constant(x, peak):
    return x / ops.stop_gradient(ops.where(peak > TINY, peak, 1.0))


def standardize(x: Tensor, epsilon: float = 1e-6) -> Tensor:
    """Bring each map to mean 0 and population standard deviation 1.

    A constant map gives zeros, with a finite gradient.

    Args:
        x: Maps `(batch, height, width, 1)`.
        epsilon: Guard in the standard deviation, relative to the map's
            largest magnitude.
    """
    low = ops.min(x, axis=(1, 2, 3), keepdims=True)
    high = ops.max(x, axis=(1, 2, 3), keepdims=True)
    x = _divide_by_constant(x, ops.maximum(high, -low))
    x = x - ops.mean(x, axis=(1, 2, 3), keepdims=True)
    # The mean of equal numbers may differ from them in the last digit, when
    # it is a sum times 1/n. That digit is not small beside epsilon.
    x = x - ops.stop_gradient(ops.where(low < high, 0.0, x))
    variance = ops.mean(ops.square(x), axis=(1, 2, 3), keepdims=True)
    return x / ops.sqrt(variance + epsilon**2)


def divide_where_positive(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Divide, with 0 where the denominator is not positive."""
    positive = denominator > 0
    return ops.where(
        positive, numerator / ops.where(positive, denominator, 1.0), 0.0
    )
