"""ML-Net: three levels of VGG-16, and a learned prior."""

import keras
from keras import layers, ops

from keras_saliency.layers import MultiplicativePrior, RecoveringReLU
from keras_saliency.losses import MLNetMeanSquaredError
from keras_saliency.models.backbones import vgg16
from keras_saliency.models.base import ConfiguredModel
from keras_saliency.models.postprocessing import PaddedImages

# A map whose peak is below counts as empty.
_EMPTY = 1e-7


@keras.saving.register_keras_serializable("keras_saliency.models")
class MLNet(PaddedImages, ConfiguredModel):
    """ML-Net (Cornia et al., 2016): 15,452,145 parameters.

    VGG-16 whose fourth pooling does not halve and whose fifth is left out;
    conv3's and conv4's poolings and conv5_3 are concatenated to 1280
    channels; dropout, a 3x3 convolution to 64, a 1x1 convolution to one map,
    multiplied by a learned prior of 6x8. From 480x640 to 60x80. The
    preprocessing (BGR minus the ImageNet mean) is inside. All of it trains.

    The ReLUs of the map are `layers.RecoveringReLU`, with the same values:
    the authors' may be zero everywhere from the start, and then never train.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 8. The map has an eighth of them, rounded up.
        backbone_weights: `"imagenet"` (Keras downloads VGG-16 the first
            time), the path of a weights file of VGG-16 without its top, or
            `None` for random ones.
        frozen_blocks: How many blocks of VGG-16 do not train: none in the
            original.
        keep_proportions: Whether `saliency_map` lays an image among zeros, as
            the authors do. `False` stretches it to the input, as
            `datasets.SaliencySequence` does in training.
        filters: Of the five blocks.
        depth: Of the 3x3 convolution.
        dropout: Rate.
        name: Of the model.
        trainable: `False` freezes the rest too.

    Output: maps `(batch, height / 8, width / 8, 1)`, not negative. Their scale
    is not determined: the loss divides them by their peak.

    Raises:
        ValueError: If an argument is none of the above.

    References:
        Cornia et al., A deep multi-level network for saliency prediction,
        ICPR 2016 (arXiv:1609.01064), and its code.
    """

    def __init__(
        self,
        input_shape=(480, 640, 3),
        backbone_weights="imagenet",
        frozen_blocks=0,
        keep_proportions=True,
        filters=vgg16.FILTERS,
        depth=64,
        dropout=0.5,
        name="ml_net",
        trainable=True,
    ):
        vgg16.check(input_shape, 8, filters, frozen_blocks, backbone_weights)
        images = keras.Input(tuple(input_shape), name="images")
        levels, convolutions = vgg16.features(
            images, filters, same_pools=(1, 2, 3)
        )
        x = layers.Concatenate(name="levels")(
            [levels[k] for k in ("block3_pool", "block4_pool", "block5_conv3")]
        )
        x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Conv2D(
            depth,
            3,
            padding="same",
            activation="relu",
            kernel_initializer="glorot_normal",
            name="encoding",
        )(x)
        x = layers.Conv2D(
            1,
            1,
            kernel_initializer="glorot_normal",
            dtype="float32",
            name="projection",
        )(x)
        x = RecoveringReLU(dtype="float32", name="projection_relu")(x)
        x = MultiplicativePrior(dtype="float32", name="prior")(x)
        saliency = RecoveringReLU(dtype="float32", name="saliency")(x)
        super().__init__(images, saliency, name=name)
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
            "dropout": dropout,
        }

    def recommended_loss(self):
        """`MLNetLoss`, MLNET-MSE of maps divided by their peak."""
        return MLNetLoss()

    def recommended_optimizer(self):
        """SGD at 1e-3 with Nesterov momentum 0.9, for batches of 10.

        The rate is divided by 1 + 5e-4 times the number of the step, Keras 1's
        `decay`.
        """
        return keras.optimizers.SGD(
            keras.optimizers.schedules.InverseTimeDecay(1e-3, 1, 5e-4),
            momentum=0.9,
            nesterov=True,
        )


@keras.saving.register_keras_serializable("keras_saliency.losses")
class MLNetLoss(MLNetMeanSquaredError):
    """MLNET-MSE of predictions divided by their peak, as ML-Net's code has it.

    The paper's eq. 4, `losses.MLNetMeanSquaredError`, compares them as they
    are. A prediction that is zero everywhere stays so, where the authors' code
    divides by zero. See `losses.MLNetMeanSquaredError` for arguments.
    """

    def __init__(
        self,
        alpha=1.1,
        reduction="sum_over_batch_size",
        name="ml_net_loss",
        dtype=None,
    ):
        super().__init__(
            alpha=alpha, reduction=reduction, name=name, dtype=dtype
        )

    def compute(self, y_true, y_pred):
        """Values of the images, `(batch,)`."""
        peak = ops.max(y_pred, axis=(1, 2, 3), keepdims=True)
        peak = ops.where(peak > _EMPTY, peak, 1.0)
        return super().compute(y_true, y_pred / peak)
