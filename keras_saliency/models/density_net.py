"""A network whose backbone trains too, and that returns densities."""

from collections.abc import Sequence

import keras

from keras_saliency import losses
from keras_saliency._utils.types import PathName
from keras_saliency.layers import DensityHead
from keras_saliency.models.arguments import ConfiguredModel, check_input_shape
from keras_saliency.models.backbones import tunable
from keras_saliency.models.base import SaliencyModel


@keras.saving.register_keras_serializable("keras_saliency.models")
class DensityNet(ConfiguredModel, SaliencyModel):
    """A backbone, whole or its last stages trained, and `DensityHead`.

    The backbone's batch normalization is by the statistics that its weights
    came with, and folded into the convolutions: training does not change the
    statistics, whatever the size of the batches. A `.keras` file holds the
    whole model and needs no other file.

    The input is stretched to one size, the output a density at an eighth of
    it, its peak 1: `exp` of what the network learns, so that no activation
    saturates. The losses compare maps up to a factor.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255,
            divisible by 8. The preprocessing is inside the model.
        backbone: `"resnet50"`, `"vgg16"`, `"efficientnet_lite0"` or
            `"efficientnet_lite2"`.
        backbone_weights: `"imagenet"` (Keras downloads the weights of ResNet-50
            and VGG-16 the first time), the path of a weights file (of
            EfficientNet-Lite the published `.pth`), or `None` for random ones.
        frozen_stages: Number of the backbone's stages that do not train, from
            the first. The stem, before the first stage, is frozen with it.
            VGG-16 has five (its blocks), ResNet-50 four, EfficientNet-Lite
            seven.
        levels: Number of levels of features, at 1/8, 1/16 and 1/32 of the
            image's size (VGG-16's third is at 1/16 too). The backbone ends
            with the last of them.
        filters: Channels of the head; see `layers.DensityHead`.
        depth: Filters of the head's branches; see `layers.DensityHead`.
        dropout: Rate of the head's dropout.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Raises:
        ValueError: If there is no such backbone or weights file, or a number
            is impossible.

    Example:
    >>> model = DensityNet(
    ...     (64, 96, 3),
    ...     backbone="efficientnet_lite0",
    ...     backbone_weights=None,
    ...     levels=2,
    ...     filters=8,
    ...     depth=4,
    ... )
    >>> model.map_size
    (8, 12)
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (384, 512, 3),
        *,
        backbone: str = "resnet50",
        backbone_weights: PathName | None = "imagenet",
        frozen_stages: int = 0,
        levels: int = 3,
        filters: int = 128,
        depth: int = 32,
        dropout: float = 0.1,
        name: str = "density_net",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=32, multiple=8)
        images = keras.Input(tuple(input_shape), name="images")
        features = tunable.features(
            images, backbone, backbone_weights, frozen_stages, levels
        )
        saliency = DensityHead(
            filters=filters, depth=depth, dropout=dropout, name="saliency"
        )(features)
        super().__init__(images, saliency, name=name, trainable=trainable)
        self.backbone = backbone
        self.backbone_weights = backbone_weights
        self.frozen_stages = frozen_stages
        self.levels = levels
        self.filters = filters
        self.depth = depth
        self.dropout = dropout

    def recommended_loss(self) -> keras.losses.Loss:
        """Return 5 KLD + 5 CC + NSS."""
        return (
            5 * losses.KLDivergence()
            + 5 * losses.CorrelationCoefficient()
            + losses.NormalizedScanpathSaliency()
        )

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return AdamW at 1e-4."""
        return keras.optimizers.AdamW(1e-4, weight_decay=1e-4)
