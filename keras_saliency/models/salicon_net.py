"""The SALICON network: VGG-16 twice, at a fine and a coarse scale."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_saliency import losses
from keras_saliency._utils.types import PathName
from keras_saliency.models.arguments import check_input_shape
from keras_saliency.models.backbones import vgg16
from keras_saliency.models.endings import projection, resized
from keras_saliency.models.pretrained import PretrainedModel, check_backbone


@keras.saving.register_keras_serializable("keras_saliency.models")
class SALICONNet(PretrainedModel):
    """The SALICON network (Huang et al., 2015): 29,430,401 parameters.

    VGG-16 without its fifth pooling sees the image, and a second one, with
    weights of its own, the image at half the size. The coarse features are
    brought to the size of the fine ones (nearest) and both concatenated to
    1024 channels; a 1x1 convolution and a sigmoid make the map. From 600x800
    to 37x50. The preprocessing (BGR minus the ImageNet mean) is inside. All of
    it trains.

    Differences from the re-implementation OpenSALICON, by which the authors'
    network is known: its inputs are divided by 255 too, its images are twice
    as large, and the 1x1 convolution starts with larger weights; here they
    keep the untrained sigmoid from saturating.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 32. The map has a sixteenth of them, rounded down.
        backbone_weights: `"imagenet"` (Keras downloads VGG-16 the first
            time), the path of a weights file of VGG-16 without its top, or
            `None` for random ones. Both streams start with them.
        frozen_blocks: Number of blocks of both VGG-16 that do not train: none
            in the original.
        filters: Filters of the five blocks.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Output: maps `(batch, height / 16, width / 16, 1)` in (0, 1).

    Raises:
        ValueError: If a size is impossible, or the weights do not fit it or
            are missing.

    References:
        Huang et al., SALICON: reducing the semantic gap in saliency prediction
        by adapting deep neural networks, ICCV 2015; Thomas, OpenSalicon, 2016
        (arXiv:1606.00110).
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (600, 800, 3),
        *,
        backbone_weights: PathName | None = "imagenet",
        frozen_blocks: int = 0,
        filters: Sequence[int] = vgg16.FILTERS,
        name: str = "salicon_net",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=32)
        check_backbone(
            backbone_weights, frozen_blocks, filters=(filters, vgg16.FILTERS)
        )
        images = keras.Input(tuple(input_shape), name="images")
        halved = layers.AveragePooling2D(2, dtype="float32", name="halved")(
            images
        )
        streams, convolutions = [], []
        for title, seen in (("fine", images), ("coarse", halved)):
            inputs = keras.Input(seen.shape[1:], name=f"{title}_images")
            levels, weighted = vgg16.features(inputs, filters, halvings=4)
            stream = keras.Model(inputs, levels["block5_conv3"], name=title)
            streams.append(stream(seen))
            convolutions += weighted
        fine, coarse = streams
        coarse = resized(coarse, fine.shape[1:3], "nearest")
        x = layers.Concatenate(name="scales")([fine, coarse])
        saliency = layers.Activation(
            "sigmoid", dtype="float32", name="saliency"
        )(projection(x))
        super().__init__(images, saliency, name=name, trainable=trainable)
        self._take_weights(
            "vgg16", convolutions, backbone_weights, frozen_blocks
        )
        self.filters = tuple(filters)

    def recommended_loss(self) -> keras.losses.Loss:
        """Return KLD, the best of those that the authors compared."""
        return losses.KLDivergence()

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return SGD at 1e-2 with momentum 0.9, for batches of one image.

        These are the values of a re-implementation (SALICONtf).
        """
        return keras.optimizers.SGD(1e-2, momentum=0.9)
