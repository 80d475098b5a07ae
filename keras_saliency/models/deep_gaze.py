"""DeepGaze I and II: frozen features, a readout, a density of fixations."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_saliency import losses
from keras_saliency._utils.types import PathName
from keras_saliency.layers import DensityOutput, RMSScaling
from keras_saliency.models import backbones
from keras_saliency.models.arguments import ConfiguredModel, check_input_shape
from keras_saliency.models.backbones import vgg16
from keras_saliency.models.base import SaliencyModel
from keras_saliency.models.endings import projection, resized
from keras_saliency.models.pretrained import PretrainedModel, check_backbone

# Pixels of the image to one of the density. The authors' blur starts with 8
# pixels of a map of half the size of these images.
_STRIDE = 8
_SIGMA = 2.0
# Of each backbone of DeepGaze II: convolutions of its blocks, and the features
# that are read, with `conv` before the ReLU.
_LINEAR = ("block5_conv1", "block5_conv3")
_READ = {
    "vgg19": (
        vgg16.VGG19_CONVOLUTIONS,
        (
            "block5_conv1",
            "block5_relu1",
            "block5_conv2",
            "block5_conv3",
            "block5_conv4",
        ),
    ),
    "vgg16": (
        vgg16.CONVOLUTIONS,
        (
            "block5_conv1",
            "block5_relu1",
            "block5_conv2",
            "block5_conv3",
            "block5_relu3",
        ),
    ),
}


@keras.saving.register_keras_serializable("keras_saliency.models")
class DeepGazeI(ConfiguredModel, SaliencyModel):
    """A linear readout of frozen features, as DeepGaze I has it.

    The last features of a backbone, a 1x1 convolution without bias, bilinear
    enlargement to an eighth of the image, and `layers.DensityOutput`: learned
    blur, logarithm of a center bias, softmax. With VGG-16's 512 channels 515
    numbers train.

    Differences from the original (Kuemmerer et al., 2015): it has AlexNet's
    conv5 of 256 channels, whose weights Keras does not have; its features have
    a standard deviation of 1 over a data set, here a root mean square of 1 in
    each image (`layers.RMSScaling`); its center bias is that of a data set,
    here a Gaussian whose two exponents train; the first paper also asked for
    few weights (an L1 penalty), which the authors' later code left out.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 32. The authors have 384x512 for images of 768x1024.
        backbone: A name that `Baseline` takes: `"vgg16"`, any architecture of
            `keras.applications`, `"efficientnet_lite0"`, `"tiny"`.
        backbone_weights: `"imagenet"` (Keras downloads them the first time),
            the path of a weights file, or `None` for random ones.
        name: Name of the model.
        trainable: `False` freezes the readout too. The backbone is always
            frozen.

    Output: densities with peak 1, `(batch, height / 8, width / 8, 1)`, rounded
    up.

    Raises:
        ValueError: If there is no such backbone or weights file, or a size is
            impossible.

    References:
        Kuemmerer et al., Deep Gaze I: boosting saliency prediction with
        feature maps trained on ImageNet, ICLR workshop 2015 (arXiv:1411.1045).
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (384, 512, 3),
        *,
        backbone: str = "vgg16",
        backbone_weights: PathName | None = "imagenet",
        name: str = "deepgaze1",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=32)
        extractor, _ = backbones.build(backbone, input_shape, backbone_weights)
        images = keras.Input(tuple(input_shape), name="images")
        features = extractor(images)
        if isinstance(features, (list, tuple)):
            features = features[-1]
        x = RMSScaling(name="scaled")(features)
        x = projection(x, use_bias=False)
        super().__init__(
            images, _density(x, images), name=name, trainable=trainable
        )
        self.backbone = backbone
        self.backbone_weights = backbone_weights

    def recommended_loss(self) -> keras.losses.Loss:
        """Return the negative log-likelihood of the fixations."""
        return losses.NegativeLogLikelihood()

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return Adam at 1e-3; the authors name Adam, and no rate."""
        return keras.optimizers.Adam(1e-3)


@keras.saving.register_keras_serializable("keras_saliency.models")
class DeepGazeII(PretrainedModel):
    """DeepGaze II (Kuemmerer et al., 2016): VGG-19, frozen, and 46,712 numbers.

    conv5_1, relu5_1, relu5_2, conv5_3 and relu5_4 are concatenated to 2560
    channels and normalized over each image (a scale and an offset for each
    channel); four 1x1 convolutions of 16, 32, 2 and 1 filters, ReLU between
    them; bilinear enlargement to an eighth of the image, and
    `layers.DensityOutput`: learned blur, logarithm of a center bias, softmax.
    The four convolutions have 41,589 weights, the whole network 20,071,096.

    Differences from the original: it enlarges the features, not the readout;
    the normalization is that of its successor DeepGaze IIE, before the first
    convolution only; its center bias is that of a data set, here a Gaussian
    whose two exponents train; the published model is the mean of ten.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 32. The authors have 384x512 for images of 768x1024.
        backbone: `"vgg19"`; or `"vgg16"`, with relu5_3 as the last features.
        backbone_weights: `"imagenet"` (Keras downloads the backbone the first
            time), the path of a weights file of it without its top, or `None`
            for random ones.
        frozen_blocks: Number of blocks of the backbone that do not train: all
            five in the original.
        filters: Filters of the five blocks.
        readout: Filters of the 1x1 convolutions before the last.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Output: densities with peak 1, `(batch, height / 8, width / 8, 1)`, rounded
    up.

    Raises:
        ValueError: If there is no such backbone, a size is impossible, or the
            weights do not fit it or are missing.

    References:
        Kuemmerer et al., DeepGaze II: reading fixations from deep features
        trained on object recognition, 2016 (arXiv:1610.01563); Linardos et
        al., DeepGaze IIE, ICCV 2021 (arXiv:2105.12441).
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (384, 512, 3),
        *,
        backbone: str = "vgg19",
        backbone_weights: PathName | None = "imagenet",
        frozen_blocks: int = 5,
        filters: Sequence[int] = vgg16.FILTERS,
        readout: Sequence[int] = (16, 32, 2),
        name: str = "deepgaze2",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=32)
        if backbone not in _READ:
            raise ValueError(
                f"backbone must be one of {', '.join(_READ)}, received "
                f"{backbone!r}."
            )
        check_backbone(
            backbone_weights, frozen_blocks, filters=(filters, vgg16.FILTERS)
        )
        images = keras.Input(tuple(input_shape), name="images")
        convolutions, read = _READ[backbone]
        tensors, weighted = vgg16.features(
            images,
            filters,
            halvings=4,
            convolutions=convolutions,
            linear=_LINEAR,
        )
        x = layers.Concatenate(name="features")([tensors[k] for k in read])
        x = layers.GroupNormalization(1, name="normalized")(x)
        for index, width in enumerate(readout, start=1):
            x = layers.Conv2D(
                width, 1, activation="relu", name=f"readout{index}"
            )(x)
        x = projection(x)
        super().__init__(
            images, _density(x, images), name=name, trainable=trainable
        )
        self._take_weights(backbone, weighted, backbone_weights, frozen_blocks)
        self.backbone = backbone
        self.filters = tuple(filters)
        self.readout = tuple(readout)

    def recommended_loss(self) -> keras.losses.Loss:
        """Return the negative log-likelihood of the fixations."""
        return losses.NegativeLogLikelihood()

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return Adam at 1e-3, our choice."""
        return keras.optimizers.Adam(1e-3)


def _density(
    x: keras.KerasTensor, images: keras.KerasTensor
) -> keras.KerasTensor:
    """Return the density that a readout gives, at an eighth of the images."""
    height, width = (-(-side // _STRIDE) for side in images.shape[1:3])
    return DensityOutput(
        initial_sigma=_SIGMA, dtype="float32", name="saliency"
    )(resized(x, (height, width)))
