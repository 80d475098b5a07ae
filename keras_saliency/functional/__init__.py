"""The measures as published, in `keras.ops`: one value per image.

Every formula of the package stands here once, in the files of the paper's
families, `pixel`, `distribution`, `saliency`, `perceptual`, and of what came
after it, `distances`, `transport`, `structure`. The functions take
`(y_true, y_pred)` of shape `(batch, height, width, 1)`, return `(batch,)`, are
differentiable (except `auc_judd` and `auc_borji`), and compute in float32.
Losses and metrics are thin classes over them, which add the sign, the
reduction and the configuration.
"""

from keras_saliency.functional.distances import (
    chi_squared,
    cosine_distance,
    information_gain,
    jensen_shannon,
    total_variation,
)
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
    bounded_scanpath_saliency,
    correlation_coefficient,
    normalized_scanpath_saliency,
    selective_fixation_error,
    similarity,
    soft_auc,
)
from keras_saliency.functional.structure import (
    dice_coefficient,
    intersection_over_union,
    structural_similarity,
)
from keras_saliency.functional.transport import sinkhorn_divergence

__all__ = [
    "absolute_error",
    "auc_borji",
    "auc_judd",
    "bhattacharyya_coefficient",
    "bhattacharyya_distance",
    "binary_cross_entropy",
    "bounded_scanpath_saliency",
    "chi_squared",
    "correlation_coefficient",
    "cosine_distance",
    "deep_feature_distance",
    "dice_coefficient",
    "exponential_absolute_difference",
    "focal",
    "gram_matrix",
    "gram_matrix_distance",
    "information_gain",
    "intersection_over_union",
    "jensen_shannon",
    "kl_divergence",
    "mean_squared_error",
    "mlnet_mean_squared_error",
    "negative_log_likelihood",
    "normalized_scanpath_saliency",
    "selective_fixation_error",
    "sigmoid_mean_squared_error",
    "similarity",
    "sinkhorn_divergence",
    "soft_auc",
    "structural_similarity",
    "total_variation",
    "weighted_binary_cross_entropy",
]
