"""PDP: a network of VGG-16 whose map is a probability distribution."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_saliency import losses
from keras_saliency._utils.types import PathName
from keras_saliency.models.arguments import check_input_shape
from keras_saliency.models.backbones import vgg16
from keras_saliency.models.endings import projection, softmax
from keras_saliency.models.pretrained import PretrainedModel, check_backbone


@keras.saving.register_keras_serializable("keras_saliency.models")
class PDP(PretrainedModel):
    """Probability distribution prediction (Jetley et al., 2016).

    VGG-16 without its fifth pooling, convolutions that reduce its features to
    one map, and a softmax over all places: a generalized Bernoulli
    distribution, to be trained by a distance of distributions.

    The paper's abstract and figure say that further convolutions follow
    VGG-16's; their sizes were not to be had. Here they are 3x3 to 128 and to
    64 filters, and 1x1 to one: 15,378,497 parameters.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 16, or `(None, None, 3)` for any. The map has a
            sixteenth of them, rounded down.
        backbone_weights: `"imagenet"` (Keras downloads VGG-16 the first
            time), the path of a weights file of VGG-16 without its top, or
            `None` for random ones.
        frozen_blocks: Number of blocks of VGG-16 that do not train.
        filters: Filters of the five blocks.
        reduction: Filters of the 3x3 convolutions after them.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Output: densities with peak 1, `(batch, height / 16, width / 16, 1)`.

    Raises:
        ValueError: If a size is impossible, or the weights do not fit it or
            are missing.

    References:
        Jetley et al., End-to-end saliency mapping via probability distribution
        prediction, CVPR 2016 (arXiv:1804.01793).
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (480, 640, 3),
        *,
        backbone_weights: PathName | None = "imagenet",
        frozen_blocks: int = 0,
        filters: Sequence[int] = vgg16.FILTERS,
        reduction: Sequence[int] = (128, 64),
        name: str = "pdp",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=16, any_size=True)
        check_backbone(
            backbone_weights, frozen_blocks, filters=(filters, vgg16.FILTERS)
        )
        images = keras.Input(tuple(input_shape), name="images")
        levels, convolutions = vgg16.features(images, filters, halvings=4)
        x = levels["block5_conv3"]
        for index, width in enumerate(reduction, start=1):
            x = layers.Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                name=f"reduction{index}",
            )(x)
        saliency = softmax(projection(x))
        super().__init__(images, saliency, name=name, trainable=trainable)
        self._take_weights(
            "vgg16", convolutions, backbone_weights, frozen_blocks
        )
        self.filters = tuple(filters)
        self.reduction = tuple(reduction)

    def recommended_loss(self) -> keras.losses.Loss:
        """Return the Bhattacharyya distance, the best of the authors' five."""
        return losses.BhattacharyyaDistance()

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return SGD at 1e-2 with Nesterov momentum 0.9, our choice."""
        return keras.optimizers.SGD(1e-2, momentum=0.9, nesterov=True)
