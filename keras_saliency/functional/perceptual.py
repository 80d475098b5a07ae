"""Distances between deep features of two maps: lower is better."""

from keras import ops


def deep_feature_distance(true_features, pred_features):
    """Distance of deep features (eq. 13).

    The sum over layers of the squared Euclidean distance divided by the
    number of values of the layer.

    Args:
        true_features: List of tensors `(batch, height, width, channels)`, one
            per layer, of the density maps.
        pred_features: The same for the predicted maps.

    Returns:
        Tensor `(batch,)`, 0 for equal features.
    """
    return sum(
        ops.mean(ops.square(t - p), axis=(1, 2, 3))
        for t, p in zip(true_features, pred_features, strict=True)
    )


def gram_matrix(features):
    """Gram matrix of a layer's channels (eq. 14).

    Args:
        features: Tensor `(batch, height, width, channels)`.

    Returns:
        Tensor `(batch, channels, channels)`, divided by the number of values
        `channels * height * width`.
    """
    _, height, width, channels = features.shape
    flat = ops.reshape(features, (-1, height * width, channels))
    gram = ops.matmul(ops.transpose(flat, (0, 2, 1)), flat)
    return gram / (channels * height * width)


def gram_matrix_distance(true_features, pred_features):
    """Distance of Gram matrices (eq. 15).

    The sum over layers of the squared Frobenius norm of the difference.

    Args:
        true_features: List of tensors `(batch, height, width, channels)`, one
            per layer, of the density maps.
        pred_features: The same for the predicted maps.

    Returns:
        Tensor `(batch,)`, 0 for equal features.
    """
    return sum(
        ops.sum(ops.square(gram_matrix(t) - gram_matrix(p)), axis=(1, 2))
        for t, p in zip(true_features, pred_features, strict=True)
    )
