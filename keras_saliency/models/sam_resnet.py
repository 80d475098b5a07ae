"""SAM-ResNet: dilated ResNet-50, attentive ConvLSTM, learned priors."""

import keras
from keras import layers

from keras_saliency.models import _resnet50, _sam, _vgg16


@keras.saving.register_keras_serializable("keras_saliency.models")
class SAMResNet(_sam.SAM):
    """SAM-ResNet (Cornia et al., 2018): 70,146,561 parameters.

    As `SAMVGG`, with ResNet-50 for features: its fourth and fifth stages do
    not halve and are dilated by 2 and 4; a 3x3 convolution brings 2048
    channels to 512.

    Differences from the original, beside those of `SAMVGG`: the batch
    normalisations keep ImageNet's statistics, scales and offsets, unless
    `train_normalization` says otherwise.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 8.
        backbone_weights: `"imagenet"` (Keras downloads ResNet-50 the first
            time), the path of a weights file of ResNet-50 without its top, or
            `None` for random ones.
        frozen_blocks: How many stages of ResNet-50 do not train, the first
            convolution counted as one: none in the original.
        train_normalization: `True` normalises by the statistics of each
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
        train_normalization=False,
        filters=_resnet50.FILTERS,
        blocks=_resnet50.BLOCKS,
        depth=512,
        steps=4,
        gaussians=16,
        upsampling=16,
        name="sam_resnet",
        trainable=True,
    ):
        _vgg16.check(
            input_shape,
            8,
            filters,
            frozen_blocks,
            backbone_weights,
            _resnet50.FILTERS,
        )
        _resnet50.check(blocks, backbone_weights)
        images = keras.Input(tuple(input_shape), name="images")
        x, weighted = _resnet50.features(images, filters, blocks)
        x = layers.Conv2D(
            depth, 3, padding="same", activation="relu", name="features"
        )(x)
        maps = _sam.saliency(
            x, input_shape, depth, steps, gaussians, upsampling
        )
        super().__init__(images, maps, name=name)
        _resnet50.load(weighted, backbone_weights)
        _resnet50.freeze(weighted, frozen_blocks, not train_normalization)
        if not trainable:
            self.trainable = False
        self._config = {
            "input_shape": list(input_shape),
            "backbone_weights": None,
            "frozen_blocks": frozen_blocks,
            "train_normalization": train_normalization,
            "filters": list(filters),
            "blocks": list(blocks),
            "depth": depth,
            "steps": steps,
            "gaussians": gaussians,
            "upsampling": upsampling,
        }
