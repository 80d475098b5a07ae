"""The measures as published, in `keras.ops`: one value per image.

Every formula of the package stands here once, in the files of the paper's
families: `pixel`, `distribution`, `saliency`, `perceptual`. The functions take
`(y_true, y_pred)` of shape `(batch, height, width, 1)`, return `(batch,)`, are
differentiable (except the AUCs), and compute in float32. Losses and metrics
are thin classes over them, which add the sign, the reduction and the
configuration.
"""

from keras_saliency.functional.distribution import (
    bhattacharyya_coefficient,
    bhattacharyya_distance,
    binary_cross_entropy,
    focal,
    kl_divergence,
    negative_log_likelihood,
    weighted_binary_cross_entropy,
)
from keras_saliency.functional.perceptual import (
    deep_feature_distance,
    gram_matrix,
    gram_matrix_distance,
)
from keras_saliency.functional.pixel import (
    absolute_error,
    exponential_absolute_difference,
    mean_squared_error,
    mlnet_mean_squared_error,
    sigmoid_mean_squared_error,
)
from keras_saliency.functional.saliency import (
    auc_borji,
    auc_judd,
    correlation_coefficient,
    normalized_scanpath_saliency,
    similarity,
)

__all__ = [
    "absolute_error",
    "auc_borji",
    "auc_judd",
    "bhattacharyya_coefficient",
    "bhattacharyya_distance",
    "binary_cross_entropy",
    "correlation_coefficient",
    "deep_feature_distance",
    "exponential_absolute_difference",
    "focal",
    "gram_matrix",
    "gram_matrix_distance",
    "kl_divergence",
    "mean_squared_error",
    "mlnet_mean_squared_error",
    "negative_log_likelihood",
    "normalized_scanpath_saliency",
    "sigmoid_mean_squared_error",
    "similarity",
    "weighted_binary_cross_entropy",
]
