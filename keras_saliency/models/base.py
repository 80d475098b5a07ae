"""What all models of the package share."""

import keras
import numpy as np

from keras_saliency import images, inference
from keras_saliency.losses import CombinedLoss
from keras_saliency.metrics import LossTerms


@keras.saving.register_keras_serializable("keras_saliency.models")
class SaliencyModel(keras.Model):
    """`keras.Model` from images to saliency maps.

    Takes images `(batch, height, width, 3)`, RGB in 0..255, its preprocessing
    inside, and returns maps `(batch, height, width, 1)`.

    With `compile(loss=CombinedLoss(...))` each term's mean shows in the logs
    of `fit` and `evaluate` under its own name (`kld`, `val_kld`, ...). It is
    computed from the prediction the loss is computed from.
    """

    @property
    def map_size(self):
        """`(height, width)` of the output, the size to make targets at."""
        return tuple(self.output_shape[1:3])

    def saliency_map(self, image):
        """Map of one picture of any size, at its size.

        The picture is resized to the model's input and the map back to the
        picture's size. A model whose authors prescribe more (padding,
        smoothing) does that as well.

        Args:
            image: Array `(height, width, 3)`, RGB in 0..255.

        Returns:
            float32 array `(height, width)`, not negative.

        Raises:
            ValueError: If the picture has another shape.
        """
        return saliency_map(self, image)

    def recommended_loss(self):
        """The loss that the model's authors trained it with, a new one."""
        raise NotImplementedError(f"{type(self).__name__} names no loss.")

    def recommended_optimizer(self):
        """The optimizer that the model's authors used, a new one."""
        raise NotImplementedError(f"{type(self).__name__} names no optimizer.")

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


def saliency_map(model, image):
    """Map of one picture by any Keras model; see `SaliencyModel.saliency_map`.

    Raises:
        ValueError: Also if the model does not take pictures, or does not
            return maps.
    """
    return images.resize(output_map(model, image), np.shape(image)[:2])


def output_map(model, image):
    """Map of one picture at the size of the model's output.

    Args:
        model: A Keras model, as for `saliency_map`.
        image: Array `(height, width, 3)`, RGB in 0..255, resized to the
            model's input.

    Returns:
        float32 array of the model's output, `(height, width)`.

    Raises:
        ValueError: As for `saliency_map`.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[-1] != 3 or not image.size:
        raise ValueError(
            "A picture must be an array (height, width, 3), RGB in "
            f"0..255; received the shape {image.shape}."
        )
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] != 3:
        raise ValueError(
            "The model must take pictures (batch, height, width, 3); its "
            f"input is {shape}. (The head of a model takes features: call "
            "the whole.)"
        )
    size = shape[1:3]
    resized = image if None in size else images.resize(image, size)
    return inference.predict(model, resized[None])[0]
