"""Convolutions that hold their batch normalization."""

from keras_saliency._utils.types import Array


def folded(
    kernel: Array, bias: Array | float, statistics: list[Array], epsilon: float
) -> list[Array]:
    """Return kernel and bias of a convolution with its normalization.

    Args:
        kernel: Kernel, its last axis the outputs.
        bias: Bias of the convolution, or 0.
        statistics: Gamma, beta, mean and variance of the normalization.
        epsilon: What is added to the variance.
    """
    gamma, beta, mean, variance = statistics
    factor = gamma / (variance + epsilon) ** 0.5
    return [kernel * factor, (bias - mean) * factor + beta]
