"""SAM-VGG and SAM-ResNet: attentive ConvLSTM and learned priors."""

import keras
from keras import layers, ops

from keras_saliency.layers import (
    AttentiveConvLSTM,
    LearnedGaussianPrior,
    RecoveringReLU,
)
from keras_saliency.losses import (
    CorrelationCoefficient,
    KLDivergence,
    NormalizedScanpathSaliency,
)
from keras_saliency.models.backbones import resnet50, vgg16
from keras_saliency.models.base import ConfiguredModel
from keras_saliency.models.postprocessing import PaddedImages

# Pixels of the picture to a feature.
_STRIDE = 8
# Of the map before training.
_INITIAL_VALUE = 0.1


class SAM(PaddedImages, ConfiguredModel):
    """Base of both models: their maps, loss and optimizer.

    The map is that of `PaddedImages`, blurred by a Gaussian of sigma 7 pixels
    of the image.
    """

    blur = 7.0

    def recommended_loss(self):
        """10 KLD + 2 CC + NSS, the authors' weights."""
        return (
            10 * KLDivergence()
            + 2 * CorrelationCoefficient()
            + NormalizedScanpathSaliency()
        )

    def recommended_optimizer(self):
        """RMSprop at 1e-4; the authors' batches have one picture."""
        return keras.optimizers.RMSprop(1e-4)


@keras.saving.register_keras_serializable("keras_saliency.models")
class SAMVGG(SAM):
    """SAM-VGG (Cornia et al., 2018): 51,835,841 parameters.

    VGG-16 whose fourth pooling does not halve, whose fifth is left out and
    whose conv5 is dilated by 2; an attentive ConvLSTM of four steps; twice 16
    learned Gaussians and a 5x5 convolution dilated by 4; a 1x1 convolution;
    bilinear enlargement by 16. From 240x320 by features of 30x40 to 480x640.
    The preprocessing (BGR minus the ImageNet mean) is inside. All of it
    trains.

    Differences from the original, beside those of
    `layers.LearnedGaussianPrior`: the last ReLU is `layers.RecoveringReLU`,
    and the untrained map is about 0.1, so that no training starts dead.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 8.
        backbone_weights: `"imagenet"` (Keras downloads VGG-16 the first
            time), the path of a weights file of VGG-16 without its top, or
            `None` for random ones.
        frozen_blocks: How many blocks of VGG-16 do not train: none in the
            original.
        keep_proportions: Whether `saliency_map` lays an image among zeros, as
            the authors do. `False` stretches it to the input, as
            `datasets.SaliencySequence` does in training.
        filters: Of the five blocks.
        depth: Channels of the ConvLSTM and of the convolutions after it.
        steps: Of the ConvLSTM.
        gaussians: Maps of each learned prior.
        upsampling: How many times as large as the features the map is. With 1
            the loss is computed on 30x40 instead of 480x640.
        name: Of the model.
        trainable: `False` freezes the rest too.

    Output: maps `(batch, height upsampling / 8, width upsampling / 8, 1)`,
    not negative. The recommended loss does not determine their scale.

    Raises:
        ValueError: If an argument is none of the above.

    References:
        Cornia et al., Predicting human eye fixations via an LSTM-based
        saliency attentive model, TIP 2018 (arXiv:1611.09571), and its code.
    """

    def __init__(
        self,
        input_shape=(240, 320, 3),
        backbone_weights="imagenet",
        frozen_blocks=0,
        keep_proportions=True,
        filters=vgg16.FILTERS,
        depth=512,
        steps=4,
        gaussians=16,
        upsampling=16,
        name="sam_vgg",
        trainable=True,
    ):
        vgg16.check(input_shape, 8, filters, frozen_blocks, backbone_weights)
        images = keras.Input(tuple(input_shape), name="images")
        levels, convolutions = vgg16.features(
            images, filters, same_pools=(3,), dilation=2
        )
        maps = _saliency(
            levels["block5_conv3"],
            input_shape,
            depth,
            steps,
            gaussians,
            upsampling,
        )
        super().__init__(images, maps, name=name)
        vgg16.load(convolutions, backbone_weights)
        vgg16.freeze(convolutions, frozen_blocks)
        self.keep_proportions = keep_proportions
        if not trainable:
            self.trainable = False
        self._config = {
            "input_shape": list(input_shape),
            "backbone_weights": None,
            "frozen_blocks": frozen_blocks,
            "keep_proportions": keep_proportions,
            "filters": list(filters),
            "depth": depth,
            "steps": steps,
            "gaussians": gaussians,
            "upsampling": upsampling,
        }


@keras.saving.register_keras_serializable("keras_saliency.models")
class SAMResNet(SAM):
    """SAM-ResNet (Cornia et al., 2018): 70,146,561 parameters.

    As `SAMVGG`, with ResNet-50 for features: its fourth and fifth stages do
    not halve and are dilated by 2 and 4; a 3x3 convolution brings 2048
    channels to 512.

    Differences from the original, beside those of `SAMVGG`: the batch
    normalizations keep ImageNet's statistics, scales and offsets, unless
    `train_normalization` says otherwise.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 8.
        backbone_weights: `"imagenet"` (Keras downloads ResNet-50 the first
            time), the path of a weights file of ResNet-50 without its top, or
            `None` for random ones.
        frozen_blocks: How many stages of ResNet-50 do not train, the first
            convolution counted as one: none in the original.
        keep_proportions: As for `SAMVGG`.
        train_normalization: `True` normalizes by the statistics of each
            training batch and trains scales and offsets, as the authors do.
            It needs random backbone weights, or larger batches than theirs of
            one picture, to be of use.
        filters: Of the four stages' narrow convolutions. The stages have four
            times as many channels.
        blocks: Residual blocks of the four stages.
        depth: Channels of the ConvLSTM and of the convolutions around it.
        steps: Of the ConvLSTM.
        gaussians: Maps of each learned prior.
        upsampling: How many times as large as the features the map is.
        name: Of the model.
        trainable: `False` freezes the rest too.

    Output: maps `(batch, height upsampling / 8, width upsampling / 8, 1)`,
    not negative. The recommended loss does not determine their scale.

    Raises:
        ValueError: If an argument is none of the above.

    References:
        Cornia et al., Predicting human eye fixations via an LSTM-based
        saliency attentive model, TIP 2018 (arXiv:1611.09571), and its code.
    """

    def __init__(
        self,
        input_shape=(240, 320, 3),
        backbone_weights="imagenet",
        frozen_blocks=0,
        keep_proportions=True,
        train_normalization=False,
        filters=resnet50.FILTERS,
        blocks=resnet50.BLOCKS,
        depth=512,
        steps=4,
        gaussians=16,
        upsampling=16,
        name="sam_resnet",
        trainable=True,
    ):
        vgg16.check(
            input_shape,
            8,
            filters,
            frozen_blocks,
            backbone_weights,
            resnet50.FILTERS,
        )
        resnet50.check(blocks, backbone_weights)
        images = keras.Input(tuple(input_shape), name="images")
        x, weighted = resnet50.features(images, filters, blocks)
        x = layers.Conv2D(
            depth, 3, padding="same", activation="relu", name="features"
        )(x)
        maps = _saliency(x, input_shape, depth, steps, gaussians, upsampling)
        super().__init__(images, maps, name=name)
        resnet50.load(weighted, backbone_weights)
        resnet50.freeze(weighted, frozen_blocks, not train_normalization)
        self.keep_proportions = keep_proportions
        if not trainable:
            self.trainable = False
        self._config = {
            "input_shape": list(input_shape),
            "backbone_weights": None,
            "frozen_blocks": frozen_blocks,
            "keep_proportions": keep_proportions,
            "train_normalization": train_normalization,
            "filters": list(filters),
            "blocks": list(blocks),
            "depth": depth,
            "steps": steps,
            "gaussians": gaussians,
            "upsampling": upsampling,
        }


def _saliency(features, input_shape, depth, steps, gaussians, upsampling):
    """Saliency map of features: ConvLSTM, two learned priors, enlargement.

    Args:
        features: Symbolic tensor `(batch, height, width, channels)`.
        input_shape: `(height, width, 3)` of the images.
        depth: Channels of the ConvLSTM and the convolutions.
        steps: Of the ConvLSTM.
        gaussians: Maps of each prior.
        upsampling: How many times as large as the features the map is.

    Returns:
        Symbolic tensor `(batch, height, width, 1)`, not negative.

    Raises:
        ValueError: If `upsampling` is no whole number above 0.
    """
    if upsampling != int(upsampling) or upsampling < 1:
        raise ValueError(
            "upsampling must be a whole number, at least 1, received "
            f"{upsampling!r}."
        )
    x = AttentiveConvLSTM(
        filters=depth, steps=steps, name="attentive_conv_lstm"
    )(features)
    for index in (1, 2):
        maps = LearnedGaussianPrior(
            gaussians=gaussians, name=f"prior{index}_maps"
        )(x)
        x = layers.Concatenate(name=f"prior{index}_concat")([x, maps])
        x = layers.Conv2D(
            depth,
            5,
            padding="same",
            dilation_rate=4,
            activation="relu",
            name=f"prior{index}_conv",
        )(x)
    # The authors' kernel may give a map that is zero everywhere from the
    # start, and then never trains.
    x = layers.Conv2D(
        1,
        1,
        kernel_initializer=keras.initializers.VarianceScaling(0.01),
        bias_initializer=keras.initializers.Constant(_INITIAL_VALUE),
        dtype="float32",
        name="projection",
    )(x)
    x = RecoveringReLU(dtype="float32", name="saliency")(x)
    size = [max(1, n * upsampling // _STRIDE) for n in input_shape[:2]]
    return ops.image.resize(
        x, size, interpolation="bilinear", data_format="channels_last"
    )
