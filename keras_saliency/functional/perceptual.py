"""Distances between deep features of two maps: lower is better.

Features are a list of tensors `(batch, height, width, channels)`, one per
layer of a network: `true_features` of the density maps, `pred_features` of the
predicted maps. Both distances are sums over the layers, `(batch,)`, 0 for equal
features.
"""

from keras import ops

from keras_saliency._utils.types import Tensor
from keras_saliency.functional.maps import pixel_count


def deep_feature_distance(
    true_features: list[Tensor], pred_features: list[Tensor]
) -> Tensor:
    """Return the distance of deep features (eq. 13).

    A layer contributes the squared Euclidean distance, divided by its number
    of values.
    """
    return sum(
        ops.mean(ops.square(t - p), axis=(1, 2, 3))
        for t, p in zip(true_features, pred_features, strict=True)
    )


def gram_matrix(features: Tensor) -> Tensor:
    """Return the Gram matrix of a layer's channels (eq. 14).

    Args:
        features: Tensor `(batch, height, width, channels)`.

    Returns:
        Tensor `(batch, channels, channels)`, divided by the number of values
        `channels * height * width`.
    """
    rows, channels = ops.shape(features)[0], features.shape[-1]
    flat = ops.reshape(features, (rows, -1, channels))
    gram = ops.matmul(ops.transpose(flat, (0, 2, 1)), flat)
    return gram / (channels * pixel_count(features))


def gram_matrix_distance(
    true_features: list[Tensor], pred_features: list[Tensor]
) -> Tensor:
    """Return the distance of Gram matrices (eq. 15).

    A layer contributes the squared Frobenius norm of the difference of its two
    Gram matrices.
    """
    return sum(
        ops.sum(ops.square(gram_matrix(t) - gram_matrix(p)), axis=(1, 2))
        for t, p in zip(true_features, pred_features, strict=True)
    )
