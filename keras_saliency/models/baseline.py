"""The paper's network (section 3.1)."""

import keras

from keras_saliency.layers import SaliencyHead
from keras_saliency.losses import MeanSquaredError
from keras_saliency.models import backbones
from keras_saliency.models.base import ConfiguredModel, SaliencyModel


@keras.saving.register_keras_serializable("keras_saliency.models")
class Baseline(ConfiguredModel):
    """Frozen backbone and a shallow head; no learned prior.

    With VGG-16 at 300x400 the head has the paper's 1,622,401 trainable
    parameters. Its output is the saliency map at the size of conv3_pool,
    37x50; targets are made at that size (`model.map_size`).

    `model.backbone` and `model.head` are models of their own: the head can be
    trained alone on cached features (`keras_saliency.cache_features`), which
    is training the whole, several times faster.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255. The
            preprocessing is inside the model.
        backbone: `"vgg16"`, the name of any architecture of
            `keras.applications`, `"tiny"` (fixed random filters, no
            download), or a `keras.Model` from images to a list of features.
        backbone_weights: `"imagenet"` (Keras downloads them the first time),
            the path of a weights file, or `None` for random ones.
        feature_layers: Names of the backbone's layers to take features from;
            for VGG-16 the paper's by default.
        activation: `"relu"`, or `"sigmoid"` in its place for losses on
            probabilities; `loss.activation` says which.
        head: Dictionary of further arguments of `layers.SaliencyHead`, such
            as `{"dropout": 0.5, "feature_scaling": None}`.
        tuned_layers: Names of the backbone's last layers with weights, which
            shall train, such as `("block5_conv1", "block5_conv2",
            "block5_conv3")`. They become layers of the head, with the
            backbone's weights to begin with: the backbone ends before them,
            the head trains on cached features as ever, and a saved head
            holds them. For networks without branches, such as VGG-16.
        name: Of the model.
        trainable: `False` freezes the head too. The backbone is frozen in any
            case.

    Raises:
        ValueError: If an argument is none of the above.

    Example:
    >>> model = Baseline(input_shape=(96, 128, 3), backbone="tiny")
    >>> model.map_size
    (24, 32)
    """

    def __init__(
        self,
        input_shape=(300, 400, 3),
        backbone="vgg16",
        backbone_weights="imagenet",
        feature_layers=None,
        activation="relu",
        head=None,
        tuned_layers=(),
        name="baseline",
        trainable=True,
    ):
        if isinstance(backbone, keras.Model):
            if tuned_layers:
                raise ValueError(
                    "tuned_layers needs the name of an architecture as "
                    "backbone; a model of your own is used whole, and frozen."
                )
            extractor, to_levels = backbone, list
            extractor.trainable = False
        else:
            extractor, to_levels = backbones.build(
                backbone,
                input_shape,
                backbone_weights,
                feature_layers,
                tuned_layers,
            )
        images = keras.Input(tuple(input_shape), name="images")
        features = extractor(images)
        inputs = [
            keras.Input(level.shape[1:], name=f"level_{index + 1}")
            for index, level in enumerate(_as_list(features))
        ]
        saliency = SaliencyHead(
            activation=activation, **(head or {}), name="saliency"
        )(to_levels(inputs))
        if not isinstance(features, (list, tuple)):
            inputs = inputs[0]
        head_model = SaliencyModel(inputs, saliency, name="head")
        super().__init__(images, head_model(features), name=name)
        self.backbone = extractor
        self.head = head_model
        if not trainable:
            self.trainable = False
        self._config = {
            "input_shape": list(input_shape),
            "backbone": backbone,
            "backbone_weights": None,
            "feature_layers": feature_layers and list(feature_layers),
            "activation": activation,
            "head": head,
            "tuned_layers": list(tuned_layers),
        }

    def recommended_loss(self):
        """MSE, the paper's single-loss baseline (table 1)."""
        return MeanSquaredError()

    def recommended_optimizer(self):
        """Adam at 3e-4 (`docs/training.md` says why not the paper's SGD)."""
        return keras.optimizers.Adam(3e-4)

    def get_config(self):
        """Constructor arguments, without the backbone's weights."""
        config = super().get_config()
        if isinstance(config["backbone"], keras.Model):
            config["backbone"] = keras.saving.serialize_keras_object(
                config["backbone"]
            )
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Inverse of `get_config`."""
        config = dict(config)
        if isinstance(config["backbone"], dict):
            config["backbone"] = keras.saving.deserialize_keras_object(
                config["backbone"], custom_objects=custom_objects
            )
        return super().from_config(config)


def _as_list(features):
    return list(features) if isinstance(features, (list, tuple)) else [features]
