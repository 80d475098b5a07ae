"""Models that are saved as the arguments they were made from."""

from keras_saliency.models.saliency_model import SaliencyModel


class ConfiguredModel(SaliencyModel):
    """A `SaliencyModel` that keeps its constructor's arguments in `_config`.

    There a backbone's weights are None: a saved model brings all its weights
    along, and none are loaded from elsewhere when it is read back.
    """

    def get_config(self):
        """Constructor arguments, without a backbone's weights."""
        return {
            **self._config,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Inverse of `get_config`."""
        return cls(**config)
