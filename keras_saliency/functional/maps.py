"""What the formulas share: precision, shapes, safe normalization."""

from keras import ops

from keras_saliency import targets
from keras_saliency._utils.types import Tensor

EPSILON = 1e-7
# A map whose largest value is below this counts as all zero.
TINY = 1e-20
FLOAT16_MAX = 65504.0


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


def divide_by_sum(x: Tensor) -> Tensor:
    """Divide each map by its sum; an all-zero map stays zero."""
    total = ops.sum(x, axis=(1, 2, 3), keepdims=True)
    return x / ops.where(total > TINY, total, 1.0)


def divide_by_peak(x: Tensor) -> Tensor:
    """Divide each map by its largest magnitude; an all-zero map stays zero.

    Only for use in scale-invariant formulas: the peak is taken as a constant,
    which leaves their gradient as it is.
    """
    peak = ops.max(ops.abs(x), axis=(1, 2, 3), keepdims=True)
    return x / ops.stop_gradient(ops.where(peak > TINY, peak, 1.0))


def standardize(x: Tensor, epsilon: float = 1e-6) -> Tensor:
    """Bring each map to mean 0 and population standard deviation 1.

    A constant map gives zeros, with a finite gradient.

    Args:
        x: Maps `(batch, height, width, 1)`.
        epsilon: Guard in the standard deviation, relative to the map's
            largest magnitude.
    """
    x = divide_by_peak(x)
    x = x - ops.mean(x, axis=(1, 2, 3), keepdims=True)
    variance = ops.mean(ops.square(x), axis=(1, 2, 3), keepdims=True)
    return x / ops.sqrt(variance + epsilon**2)


def divide_where_positive(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Divide, with 0 where the denominator is not positive."""
    positive = denominator > 0
    return ops.where(
        positive, numerator / ops.where(positive, denominator, 1.0), 0.0
    )
