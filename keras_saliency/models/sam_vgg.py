"""SAM-VGG: dilated VGG-16, attentive ConvLSTM, learned priors."""

import keras

from keras_saliency.models import _sam, _vgg16


@keras.saving.register_keras_serializable("keras_saliency.models")
class SAMVGG(_sam.SAM):
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
        filters=_vgg16.FILTERS,
        depth=512,
        steps=4,
        gaussians=16,
        upsampling=16,
        name="sam_vgg",
        trainable=True,
    ):
        _vgg16.check(input_shape, 8, filters, frozen_blocks, backbone_weights)
        images = keras.Input(tuple(input_shape), name="images")
        levels, convolutions = _vgg16.features(
            images, filters, same_pools=(3,), dilation=2
        )
        maps = _sam.saliency(
            levels["block5_conv3"],
            input_shape,
            depth,
            steps,
            gaussians,
            upsampling,
        )
        super().__init__(images, maps, name=name)
        _vgg16.load(convolutions, backbone_weights)
        _vgg16.freeze(convolutions, frozen_blocks)
        if not trainable:
            self.trainable = False
        self._config = {
            "input_shape": list(input_shape),
            "backbone_weights": None,
            "frozen_blocks": frozen_blocks,
            "filters": list(filters),
            "depth": depth,
            "steps": steps,
            "gaussians": gaussians,
            "upsampling": upsampling,
        }
