"""Networks whose first layers are those of VGG or ResNet-50."""

from collections.abc import Sequence

import keras

from keras_saliency._utils.types import PathName
from keras_saliency.models import backbones
from keras_saliency.models.arguments import ConfiguredModel
from keras_saliency.models.base import SaliencyModel


class PretrainedModel(ConfiguredModel, SaliencyModel):
    """Base of these networks: the weights of the first layers, and freezing.

    Args:
        backbone_weights: `"imagenet"` (Keras downloads the weights the first
            time), the path of a weights file of VGG-16 or ResNet-50 without
            its top, or `None` for random ones.
        frozen_blocks: Number of blocks of VGG-16, or of stages of ResNet-50,
            that do not train; the first convolution of ResNet-50 counts as a
            stage.
        **kwargs: See `ConfiguredModel`.
    """

    def _take_weights(
        self,
        architecture: str,
        layers: Sequence[keras.layers.Layer],
        backbone_weights: PathName | None,
        frozen_blocks: int,
    ) -> None:
        """Give layers the weights of an architecture, and freeze the first.

        Args:
            architecture: `"vgg16"`, `"vgg19"` or `"resnet50"`.
            layers: Layers of its sizes, with the names of
                `keras.applications`.
            backbone_weights: Argument of the model.
            frozen_blocks: Argument of the model.

        Raises:
            ValueError: If there is no such file.
        """
        self.backbone_weights = backbone_weights
        self.frozen_blocks = frozen_blocks
        if backbone_weights is not None:
            extractor, _ = backbones.build(
                architecture, (32, 32, 3), backbone_weights
            )
            source = extractor.layers[-1]
            for layer in layers:
                layer.set_weights(source.get_layer(layer.name).get_weights())
        for layer in layers:
            # block1_conv1, conv2_block1_1_bn
            block = int(layer.name.split("_")[0][-1])
            if block <= frozen_blocks:
                layer.trainable = False


def check_backbone(
    backbone_weights: PathName | None,
    frozen_blocks: int,
    **sizes: tuple[Sequence[int], tuple[int, ...]],
) -> None:
    """Refuse arguments that a network on a backbone cannot take.

    Args:
        backbone_weights: Argument of the model.
        frozen_blocks: Argument of the model.
        **sizes: By name, an argument of the model with sizes of the backbone,
            and the sizes that weights are published for.

    Raises:
        ValueError: If one is impossible, or not what the weights are for.
    """
    if frozen_blocks not in range(6):
        raise ValueError(
            f"frozen_blocks must be one of 0 to 5, received {frozen_blocks}."
        )
    for name, (given, published) in sizes.items():
        given = tuple(given)
        if len(given) != len(published) or min(given) < 1:
            raise ValueError(
                f"{name} must be {len(published)} numbers, at least 1, "
                f"received {given}."
            )
        if backbone_weights is not None and given != published:
            raise ValueError(
                f"backbone_weights={backbone_weights!r} are for the {name} "
                f"{published}, not for {given}. Give backbone_weights=None for "
                "random ones."
            )
