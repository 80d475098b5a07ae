"""EML-NET: five levels of each of several backbones, one map each."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_saliency import losses
from keras_saliency._utils.types import PathName
from keras_saliency.models.arguments import ConfiguredModel, check_input_shape
from keras_saliency.models.backbones import tunable
from keras_saliency.models.base import SaliencyModel
from keras_saliency.models.endings import resized


@keras.saving.register_keras_serializable("keras_saliency.models")
class EMLNet(ConfiguredModel, SaliencyModel):
    """EML-NET (Jia and Bruce, 2020): backbones joined by a light decoder.

    Each of five levels of each backbone becomes one map by a 3x3 convolution;
    in the decoder each of these maps has another 3x3 convolution and is
    brought to the size of the image (nearest); a last 3x3 convolution and a
    sigmoid make one of all. Each convolution has a batch normalization, and
    a ReLU but for the last. Of 38,244,829 parameters 48,669 are beside the
    backbones: reading ResNet-50 takes 35,161, the decoder 235.

    Differences from the original: its ResNet-50 are two, one trained on
    ImageNet, one on Places, whose weights are not to be had; the default here
    are ResNet-50 and VGG-16 (with ImageNet's weights), and any others can be
    named. The authors train each backbone with a decoder of its own and then
    the common decoder alone; here all trains at once. Batch normalization of
    the backbones is by ImageNet's statistics, folded into their convolutions.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 32. The map has their size.
        backbones: Names of one or more of `"resnet50"`, `"vgg16"`,
            `"efficientnet_lite0"` and `"efficientnet_lite2"`, also the same
            one several times, with other weights.
        backbone_weights: For each backbone `"imagenet"` (Keras downloads the
            weights of ResNet-50 and VGG-16 the first time), the path of a
            weights file (of EfficientNet-Lite the published `.pth`), or `None`
            for random ones; or one of these for all.
        frozen_stages: Number of stages of each backbone that do not train, as
            for `DensityNet`.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Output: maps `(batch, height, width, 1)` in (0, 1).

    Raises:
        ValueError: If there is no such backbone or weights file, or a number
            is impossible.

    References:
        Jia and Bruce, EML-NET: an expandable multi-layer network for saliency
        prediction, Image and Vision Computing 2020 (arXiv:1805.01047), and its
        code.
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (480, 640, 3),
        *,
        backbones: Sequence[str] = ("resnet50", "vgg16"),
        backbone_weights: (
            PathName | Sequence[PathName | None] | None
        ) = "imagenet",
        frozen_stages: int = 0,
        name: str = "eml_net",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=32)
        if isinstance(backbones, str) or not backbones:
            raise ValueError(
                "backbones must be a list of names, at least one, received "
                f"{backbones!r}."
            )
        if isinstance(backbone_weights, (list, tuple)):
            weights = tuple(backbone_weights)
        else:
            weights = (backbone_weights,) * len(backbones)
        if len(weights) != len(backbones):
            raise ValueError(
                f"backbone_weights must be one for each of {backbones}, or one "
                f"for all; received {backbone_weights!r}."
            )
        images = keras.Input(tuple(input_shape), name="images")
        size = images.shape[1:3]
        maps = []
        for index, (backbone, file) in enumerate(
            zip(backbones, weights, strict=True), start=1
        ):
            network = tunable.pyramid(
                input_shape, backbone, file, frozen_stages, f"backbone{index}"
            )
            for level, x in enumerate(network(images), start=1):
                title = f"backbone{index}_level{level}"
                x = _convolution(x, title)
                x = _convolution(x, f"{title}_decoder")
                maps.append(resized(x, size, "nearest"))
        x = layers.Concatenate(name="maps")(maps)
        saliency = _convolution(x, "saliency", "sigmoid", dtype="float32")
        super().__init__(images, saliency, name=name, trainable=trainable)
        self.backbones = tuple(backbones)
        self.backbone_weights = backbone_weights
        self.frozen_stages = frozen_stages

    def recommended_loss(self) -> keras.losses.Loss:
        """Return KLD + CC + `BoundedScanpathSaliency`, the authors' loss."""
        return losses.get("EML-NET")

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return SGD at 1e-2 with momentum 0.9, for batches of 8.

        The authors divide the rate by 10 after half of their ten epochs.
        """
        return keras.optimizers.SGD(1e-2, momentum=0.9, weight_decay=1e-4)


def _convolution(x, name, activation="relu", **options):
    """Return one map: 3x3 convolution, batch normalization, activation."""
    x = layers.Conv2D(
        1,
        3,
        padding="same",
        kernel_initializer=keras.initializers.VarianceScaling(
            2.0, "fan_out", "untruncated_normal"
        ),
        name=f"{name}_conv",
        **options,
    )(x)
    x = layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=f"{name}_norm", **options
    )(x)
    return layers.Activation(activation, name=name, **options)(x)
