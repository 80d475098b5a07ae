"""DSCLRCN: dilated ResNet-50 and LSTMs over rows and columns."""

import math
from collections.abc import Sequence

import keras
from keras import layers

from keras_saliency import losses
from keras_saliency._utils.types import PathName
from keras_saliency.layers import RMSScaling, SpatialLSTM
from keras_saliency.models.arguments import check_input_shape
from keras_saliency.models.backbones import resnet50
from keras_saliency.models.endings import projection, softmax
from keras_saliency.models.pretrained import PretrainedModel, check_backbone

# The authors' norm of a whole map of 60x80x512 and of 128 numbers, as a root
# mean square.
_FEATURE_SCALE = 400 / math.sqrt(60 * 80 * 512)
_CONTEXT_SCALE = 9 / math.sqrt(128)


@keras.saving.register_keras_serializable("keras_saliency.models")
class DSCLRCN(PretrainedModel):
    """DSCLRCN (Liu and Han, 2018).

    ResNet-50 whose fourth and fifth stages do not halve and are dilated by 2
    and 4; both are brought to 512 channels and to one scale, concatenated and
    reduced to 512 again; two `layers.SpatialLSTM` of 128 units see the rows
    and columns; a 1x1 convolution and a softmax make the map. A vector of 128
    numbers for the whole scene enters both. From 480x640 to 60x80. The
    preprocessing (BGR minus the ImageNet mean) is inside. All of it trains,
    27,130,629 parameters with the statistics of the batch normalizations.

    Differences from the original: the vector of the scene is made of the mean
    of ResNet-50's last features, where the authors have the last pooling of an
    AlexNet trained on Places, whose weights are not to be had; the backbone
    trains at the rate of the rest, not a tenth of it; the loss is computed at
    60x80, not on maps enlarged to 480x640, and of the softmax, where the
    authors' last version trains with a sigmoid in its place.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 16. The map has an eighth of them, rounded up.
        backbone_weights: `"imagenet"` (Keras downloads ResNet-50 the first
            time), the path of a weights file of ResNet-50 without its top, or
            `None` for random ones.
        frozen_blocks: Number of stages of ResNet-50 that do not train, the
            first convolution counted as one: none in the original. The batch
            normalizations keep ImageNet's statistics, scales and offsets.
        filters: Filters of the narrow convolutions of the four stages.
        blocks: Number of residual blocks of the four stages.
        depth: Channels of the convolutions after ResNet-50.
        units: Units of each LSTM.
        context: Numbers that describe the scene.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Output: densities with peak 1, `(batch, height / 8, width / 8, 1)`.

    Raises:
        ValueError: If a size is impossible, or the weights do not fit it or
            are missing.

    References:
        Liu and Han, A deep spatial contextual long-term recurrent
        convolutional network for saliency detection, TIP 2018
        (arXiv:1610.01708), and its network's description in Caffe.
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (480, 640, 3),
        *,
        backbone_weights: PathName | None = "imagenet",
        frozen_blocks: int = 0,
        filters: Sequence[int] = resnet50.FILTERS,
        blocks: Sequence[int] = resnet50.BLOCKS,
        depth: int = 512,
        units: int = 128,
        context: int = 128,
        name: str = "dsclrcn",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=16)
        check_backbone(
            backbone_weights,
            frozen_blocks,
            filters=(filters, resnet50.FILTERS),
            blocks=(blocks, resnet50.BLOCKS),
        )
        images = keras.Input(tuple(input_shape), name="images")
        (*_, fourth, fifth), weighted = resnet50.features(
            images, filters, blocks
        )
        reduced = [
            _reduced(x, depth, title)
            for x, title in ((fourth, "local4"), (fifth, "local5"))
        ]
        x = layers.Concatenate(name="levels")(reduced)
        x = _reduced(x, depth, "local")
        scene = _scene(fifth, context)
        for index in (1, 2):
            x = SpatialLSTM(units=units, name=f"spatial_lstm{index}")(
                [x, scene]
            )
        saliency = softmax(projection(x))
        super().__init__(images, saliency, name=name, trainable=trainable)
        self._take_weights(
            "resnet50", weighted, backbone_weights, frozen_blocks
        )
        for layer in weighted:
            if isinstance(layer, layers.BatchNormalization):
                layer.trainable = False
        self.filters = tuple(filters)
        self.blocks = tuple(blocks)
        self.depth = depth
        self.units = units
        self.context = context

    def recommended_loss(self) -> keras.losses.Loss:
        """Return NSS, the authors' loss."""
        return losses.get("DSCLRCN")

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return SGD at 1e-2 with momentum 0.9, for batches of 20.

        Every 500 steps the rate is multiplied by 0.4.
        """
        return keras.optimizers.SGD(
            keras.optimizers.schedules.ExponentialDecay(
                1e-2, 500, 0.4, staircase=True
            ),
            momentum=0.9,
            weight_decay=5e-4,
        )


def _reduced(x, depth, name):
    x = layers.Conv2D(depth, 1, activation="relu", name=name)(x)
    return RMSScaling(initial_scale=_FEATURE_SCALE, name=f"{name}_scaled")(x)


def _scene(x, numbers):
    """Return the numbers that describe the scene, `(batch, numbers)`."""
    x = layers.GlobalAveragePooling2D(name="scene_mean")(x)
    x = layers.Dense(numbers, activation="relu", name="scene")(x)
    x = layers.Reshape((1, 1, numbers), name="scene_map")(x)
    x = RMSScaling(initial_scale=_CONTEXT_SCALE, name="scene_scaled")(x)
    return layers.Reshape((numbers,), name="scene_vector")(x)
