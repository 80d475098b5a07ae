"""The paper's network (section 3.1)."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

from keras_saliency._utils.config import serialized
from keras_saliency._utils.types import PathName
from keras_saliency.layers import SaliencyHead
from keras_saliency.losses import MeanSquaredError
from keras_saliency.models import backbones
from keras_saliency.models.arguments import ConfiguredModel
from keras_saliency.models.base import SaliencyModel


@keras.saving.register_keras_serializable("keras_saliency.models")
class Baseline(ConfiguredModel, SaliencyModel):
    """Frozen backbone and a shallow head, without a learned prior.

    With VGG-16 at 300x400 the head has the paper's 1,622,401 trainable
    parameters. Its output is the saliency map at the size of conv3_pool,
    37x50; targets are made at that size (`model.map_size`).

    `model.backbone` and `model.head` are models of their own: the head can be
    trained alone on cached features (`keras_saliency.cache_features`), which
    gives the same result as training the whole, several times faster.

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
        activation: `"relu"`, or `"sigmoid"` for losses on probabilities;
            `loss.activation` says which. `"density"` ends in a density with
            a learned blur and center bias (`layers.DensityOutput`), to be
            trained by the likelihood of the fixations
            (`losses.NegativeLogLikelihood`).
        head: Dictionary of further arguments of `layers.SaliencyHead`, such
            as `{"dropout": 0.5, "feature_scaling": None}`.
        tuned_layers: Names of the backbone's last layers with weights, if
            they are to train, such as `("block5_conv1", "block5_conv2",
            "block5_conv3")`. They become layers of the head and start with
            the backbone's weights: the backbone ends before them, the head
            trains on cached features as before, and a saved head holds them.
            Only for networks without branches, such as VGG-16.
        name: Name of the model.
        trainable: `False` freezes the head too. The backbone is always
            frozen.

    Raises:
        ValueError: If there is no such backbone, layer or weights file, or an
            argument of the head is wrong.

    Example:
    >>> model = Baseline(input_shape=(96, 128, 3), backbone="tiny")
    >>> model.map_size
    (24, 32)
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (300, 400, 3),
        *,
        backbone: str | keras.Model = "vgg16",
        backbone_weights: PathName | None = "imagenet",
        feature_layers: Sequence[str] | None = None,
        activation: Literal["relu", "sigmoid", "density"] = "relu",
        head: dict[str, Any] | None = None,
        tuned_layers: Sequence[str] = (),
        name: str = "baseline",
        trainable: bool = True,
    ) -> None:
        to_levels: Callable[[list], list] = list
        if isinstance(backbone, keras.Model):
            if tuned_layers:
                raise ValueError(
                    "tuned_layers needs the name of an architecture as "
                    "backbone; a model of your own is used whole, and frozen."
                )
            extractor = backbone
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
        super().__init__(
            images, head_model(features), name=name, trainable=trainable
        )
        self.backbone = extractor
        self.head = head_model
        self.backbone_weights = backbone_weights
        self.feature_layers = feature_layers
        self.activation = activation
        self.tuned_layers = tuple(tuned_layers)
        # What the two networks were made of.
        self._given = {"backbone": backbone, "head": head}

    def _stored(self, name: str) -> Any:
        if name in self._given:
            return serialized(self._given[name])
        return super()._stored(name)

    def recommended_loss(self) -> keras.losses.Loss:
        """Return MSE, the paper's single-loss baseline (table 1)."""
        return MeanSquaredError()

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return Adam at 3e-4; `docs/training.md` says why not SGD."""
        return keras.optimizers.Adam(3e-4)


def _as_list(features):
    return list(features) if isinstance(features, (list, tuple)) else [features]
