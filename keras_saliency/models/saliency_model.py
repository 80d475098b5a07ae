"""What all models of the package share."""

import keras

from keras_saliency.losses import CombinedLoss
from keras_saliency.metrics import LossTerms


@keras.saving.register_keras_serializable("keras_saliency.models")
class SaliencyModel(keras.Model):
    """`keras.Model` that logs the terms of a `CombinedLoss`.

    With `compile(loss=CombinedLoss(...))` each term's mean shows in the logs
    of `fit` and `evaluate` under its own name (`kld`, `val_kld`, ...). It is
    computed from the prediction the loss is computed from.
    """

    def compile(self, optimizer="rmsprop", loss=None, metrics=None, **kwargs):
        """See `keras.Model.compile`; adds the metric `LossTerms`."""
        # Keras keeps the metrics of an earlier compile() where it is given
        # None: an empty list replaces them.
        metrics = [] if metrics is None else metrics
        if isinstance(loss, CombinedLoss) and isinstance(metrics, list):
            metrics = [m for m in metrics if not isinstance(m, LossTerms)]
            metrics.append(LossTerms(loss))
        super().compile(
            optimizer=optimizer, loss=loss, metrics=metrics, **kwargs
        )

    def compile_from_config(self, config):
        """Compile as saved; see `keras.Model.compile_from_config`."""
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**config)
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)
