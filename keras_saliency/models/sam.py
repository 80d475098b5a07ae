"""SAM-VGG and SAM-ResNet: attentive ConvLSTM and learned priors."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_saliency import losses
from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.types import PathName
from keras_saliency.layers import (
    AttentiveConvLSTM,
    LearnedGaussianPrior,
    RecoveringReLU,
)
from keras_saliency.models.arguments import check_input_shape
from keras_saliency.models.backbones import resnet50, vgg16
from keras_saliency.models.postprocessing import PaddedImages, check_blur
from keras_saliency.models.pretrained import PretrainedModel, check_backbone

# Pixels of the image to a feature.
_STRIDE = 8
# Of the map before training.
_INITIAL_VALUE = 0.1


class SAM(PaddedImages, PretrainedModel):
    """Base of both models: what follows the features.

    The map of an image is that of `PaddedImages`.

    An attentive ConvLSTM; twice learned Gaussians and a 5x5 convolution
    dilated by 4; a 1x1 convolution; bilinear enlargement.

    Differences from the original, beside those of
    `layers.LearnedGaussianPrior`: the last ReLU is `layers.RecoveringReLU`,
    and the untrained map is about 0.1, so that it is not zero from the start,
    without a gradient.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 8.
        backbone_weights: See `PretrainedModel`.
        frozen_blocks: See `PretrainedModel`; none in the original.
        keep_proportions: Whether `saliency_map` lays an image among zeros, as
            the authors do. `False` stretches it to the input, as
            `datasets.SaliencySequence` does in training.
        blur: Sigma of the Gaussian by which `saliency_map` blurs, in pixels of
            the image, 7 as the authors have it; 0 for none.
        depth: Channels of the ConvLSTM and of the convolutions around it.
        steps: Number of steps of the ConvLSTM.
        gaussians: Number of maps of each learned prior.
        upsampling: Height and width of the map over those of the features.
            With 1 the loss is computed on 30x40 instead of 480x640.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Output: maps `(batch, height upsampling / 8, width upsampling / 8, 1)`,
    not negative. The recommended loss does not determine their scale.

    Raises:
        ValueError: If a size is impossible, or the weights do not fit it or
            are missing.

    References:
        Cornia et al., Predicting human eye fixations via an LSTM-based
        saliency attentive model, TIP 2018 (arXiv:1611.09571), and its code.
    """

    def __init__(
        self,
        images: keras.KerasTensor,
        features: keras.KerasTensor,
        *,
        keep_proportions: bool,
        blur: float,
        depth: int,
        steps: int,
        gaussians: int,
        upsampling: int,
        **kwargs: Any,
    ) -> None:
        upsampling = whole_number("SAM", "upsampling", upsampling)
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
        # With the authors' kernel the map may be zero everywhere from the
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
        sides = images.shape[1:3]
        maps = ops.image.resize(
            x,
            [max(1, side * upsampling // _STRIDE) for side in sides],
            interpolation="bilinear",
            data_format="channels_last",
        )
        super().__init__(images, maps, **kwargs)
        self.keep_proportions = keep_proportions
        self.blur = check_blur(blur)
        self.depth = depth
        self.steps = steps
        self.gaussians = gaussians
        self.upsampling = upsampling

    def recommended_loss(self) -> keras.losses.Loss:
        """Return 10 KLD + 2 CC + NSS, with the authors' weights."""
        return losses.get("KLD + CC + NSS")

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return RMSprop at 1e-4; the authors' batches have one image."""
        return keras.optimizers.RMSprop(1e-4)


@keras.saving.register_keras_serializable("keras_saliency.models")
class SAMVGG(SAM):
    """SAM-VGG (Cornia et al., 2018): 51,835,841 parameters.

    VGG-16 whose fourth pooling does not halve, whose fifth is left out and
    whose conv5 is dilated by 2, and what follows in `models.sam.SAM`. From
    240x320 by features of 30x40 to 480x640. The preprocessing (BGR minus the
    ImageNet mean) is inside. All of it trains.

    Args:
        backbone_weights: Weights of VGG-16.
        frozen_blocks: Number of blocks of VGG-16 that do not train.
        filters: Filters of the five blocks of VGG-16.

    See `models.sam.SAM` for the other arguments.
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (240, 320, 3),
        *,
        backbone_weights: PathName | None = "imagenet",
        frozen_blocks: int = 0,
        keep_proportions: bool = True,
        blur: float = 7.0,
        filters: Sequence[int] = vgg16.FILTERS,
        depth: int = 512,
        steps: int = 4,
        gaussians: int = 16,
        upsampling: int = 16,
        name: str = "sam_vgg",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=8)
        check_backbone(
            backbone_weights, frozen_blocks, filters=(filters, vgg16.FILTERS)
        )
        images = keras.Input(tuple(input_shape), name="images")
        levels, convolutions = vgg16.features(
            images, filters, same_pools=(3,), dilation=2
        )
        super().__init__(
            images,
            levels["block5_conv3"],
            keep_proportions=keep_proportions,
            blur=blur,
            depth=depth,
            steps=steps,
            gaussians=gaussians,
            upsampling=upsampling,
            name=name,
            trainable=trainable,
        )
        self._take_weights(
            "vgg16", convolutions, backbone_weights, frozen_blocks
        )
        self.filters = tuple(filters)


@keras.saving.register_keras_serializable("keras_saliency.models")
class SAMResNet(SAM):
    """SAM-ResNet (Cornia et al., 2018): 70,146,561 parameters.

    ResNet-50 whose fourth and fifth stages do not halve and are dilated by 2
    and 4, a 3x3 convolution that brings 2048 channels to 512, and what follows
    in `models.sam.SAM`. Sizes and preprocessing are those of `SAMVGG`.

    Differences from the original, beside those of `models.sam.SAM`: the batch
    normalizations keep ImageNet's statistics, scales and offsets, unless
    `train_normalization` says otherwise.

    Args:
        backbone_weights: Weights of ResNet-50.
        frozen_blocks: Number of stages of ResNet-50 that do not train, the
            first convolution counted as one.
        train_normalization: `True` normalizes by the statistics of each
            training batch and trains scales and offsets, as the authors do.
            It helps only with random backbone weights, or with larger batches
            than theirs of one image.
        filters: Filters of the narrow convolutions of the four stages. The
            stages have four times as many channels.
        blocks: Number of residual blocks of the four stages.

    See `models.sam.SAM` for the other arguments.
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (240, 320, 3),
        *,
        backbone_weights: PathName | None = "imagenet",
        frozen_blocks: int = 0,
        keep_proportions: bool = True,
        blur: float = 7.0,
        train_normalization: bool = False,
        filters: Sequence[int] = resnet50.FILTERS,
        blocks: Sequence[int] = resnet50.BLOCKS,
        depth: int = 512,
        steps: int = 4,
        gaussians: int = 16,
        upsampling: int = 16,
        name: str = "sam_resnet",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=8)
        check_backbone(
            backbone_weights,
            frozen_blocks,
            filters=(filters, resnet50.FILTERS),
            blocks=(blocks, resnet50.BLOCKS),
        )
        images = keras.Input(tuple(input_shape), name="images")
        (*_, x), weighted = resnet50.features(images, filters, blocks)
        x = layers.Conv2D(
            depth, 3, padding="same", activation="relu", name="features"
        )(x)
        super().__init__(
            images,
            x,
            keep_proportions=keep_proportions,
            blur=blur,
            depth=depth,
            steps=steps,
            gaussians=gaussians,
            upsampling=upsampling,
            name=name,
            trainable=trainable,
        )
        self._take_weights(
            "resnet50", weighted, backbone_weights, frozen_blocks
        )
        if not train_normalization:
            for layer in weighted:
                if isinstance(layer, layers.BatchNormalization):
                    layer.trainable = False
        self.train_normalization = train_normalization
        self.filters = tuple(filters)
        self.blocks = tuple(blocks)
