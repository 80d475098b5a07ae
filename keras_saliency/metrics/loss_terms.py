"""The terms of a combined loss in the logs."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_saliency.metrics")
class LossTerms(keras.metrics.Metric):
    """Unweighted mean of each term of a `CombinedLoss`, logged by its name.

    `model.compile(loss=loss, metrics=[LossTerms(loss)])` shows `kld`,
    `val_kld` and so on per epoch. The models of this package do that by
    themselves. The terms are computed from the prediction that the loss is
    computed from: the network runs once. The mean is over images, exact for
    any batch sizes.

    Args:
        loss: A `keras_saliency.losses.CombinedLoss`.
        name: See `keras.metrics.Metric`.
        dtype: See `keras.metrics.Metric`.
    """

    def __init__(self, loss, name="loss_terms", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.loss = loss
        self.totals = self.add_variable(
            shape=(len(loss.terms),), initializer="zeros", name="totals"
        )
        self.count = self.add_variable(
            shape=(), initializer="zeros", name="count"
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true: Target `(batch, height, width, 2)` or `(..., 1)`.
            y_pred: Prediction `(batch, height, width, 1)`.
            sample_weight: Weights of the images, `(batch,)` or `(batch, 1)`.
        """
        values = ops.stack(self.loss.per_term(y_true, y_pred))
        if sample_weight is None:
            weights = ops.ones_like(values[0])
        else:
            weights = ops.reshape(ops.cast(sample_weight, values.dtype), (-1,))
        self.totals.assign_add(ops.sum(values * weights, axis=1))
        self.count.assign_add(ops.sum(weights))

    def result(self):
        """Dictionary from the term's name to its mean."""
        count = ops.convert_to_tensor(self.count)
        means = ops.convert_to_tensor(self.totals) / ops.where(
            count > 0, count, 1.0
        )
        return {name: means[i] for i, name in enumerate(self.loss.term_names)}

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "loss": keras.saving.serialize_keras_object(self.loss),
        }

    @classmethod
    def from_config(cls, config):
        """Inverse of `get_config`."""
        loss = config["loss"]
        if isinstance(loss, dict):
            loss = keras.saving.deserialize_keras_object(loss)
        return cls(**{**config, "loss": loss})
