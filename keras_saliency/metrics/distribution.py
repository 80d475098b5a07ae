"""The divergence of distributions as a streaming Keras metric."""

import keras

from keras_saliency import functional
from keras_saliency._utils.types import Tensor
from keras_saliency.metrics.base import PACKAGE, SaliencyMetric


@keras.saving.register_keras_serializable(PACKAGE)
class KLDivergence(SaliencyMetric):
    """Kullback-Leibler divergence in nats; lower is better, 0 at least.

    See `SaliencyMetric`, and `evaluation.kl_divergence` for the definition.
    """

    default_name = "kl"
    _direction = "down"

    def compute(self, truth: Tensor, y_pred: Tensor) -> Tensor:
        """See `functional.kl_divergence`, with the benchmark's epsilon."""
        return functional.kl_divergence(truth, y_pred, epsilon=2.0**-52)
