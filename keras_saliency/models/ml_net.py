"""ML-Net: three levels of VGG-16, and a learned prior."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_saliency._utils.types import PathName, Tensor
from keras_saliency.functional.maps import LARGEST, bounded
from keras_saliency.layers import MultiplicativePrior, RecoveringReLU
from keras_saliency.losses import MLNetMeanSquaredError
from keras_saliency.models.arguments import check_input_shape
from keras_saliency.models.backbones import vgg16
from keras_saliency.models.postprocessing import PaddedImages, check_blur
from keras_saliency.models.pretrained import PretrainedModel, check_backbone

# A map whose peak is below this counts as empty.
_EMPTY = 1e-7


@keras.saving.register_keras_serializable("keras_saliency.models")
class MLNet(PaddedImages, PretrainedModel):
    """ML-Net (Cornia et al., 2016): 15,452,145 parameters.

    VGG-16 whose fourth pooling does not halve and whose fifth is left out;
    conv3's and conv4's poolings and conv5_3 are concatenated to 1280
    channels; dropout, a 3x3 convolution to 64, a 1x1 convolution to one map,
    multiplied by a learned prior of 6x8. From 480x640 to 60x80. The
    preprocessing (BGR minus the ImageNet mean) is inside. All of it trains.

    The ReLUs of the map are `layers.RecoveringReLU`, with the same values: a
    ReLU's map may be zero everywhere from the start, and then never trains.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            of at least 8. The map has an eighth of them, rounded up.
        backbone_weights: `"imagenet"` (Keras downloads VGG-16 the first
            time), the path of a weights file of VGG-16 without its top, or
            `None` for random ones.
        frozen_blocks: Number of blocks of VGG-16 that do not train: none in
            the original.
        keep_proportions: Whether `saliency_map` lays an image among zeros, as
            the authors do. `False` stretches it to the input, as
            `datasets.SaliencySequence` does in training.
        blur: Sigma of the Gaussian by which `saliency_map` blurs, in pixels of
            the image; 0 for none, as the authors have it.
        filters: Filters of the five blocks.
        depth: Filters of the 3x3 convolution.
        dropout: Rate of the dropout.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Output: maps `(batch, height / 8, width / 8, 1)`, not negative. Their scale
    is not determined: the loss divides them by their peak.

    Raises:
        ValueError: If a size is impossible, or the weights do not fit it or
            are missing.

    References:
        Cornia et al., A deep multi-level network for saliency prediction,
        ICPR 2016 (arXiv:1609.01064), and its code.
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (480, 640, 3),
        *,
        backbone_weights: PathName | None = "imagenet",
        frozen_blocks: int = 0,
        keep_proportions: bool = True,
        blur: float = 0.0,
        filters: Sequence[int] = vgg16.FILTERS,
        depth: int = 64,
        dropout: float = 0.5,
        name: str = "ml_net",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=8)
        check_backbone(
            backbone_weights, frozen_blocks, filters=(filters, vgg16.FILTERS)
        )
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
        super().__init__(images, saliency, name=name, trainable=trainable)
        self._take_weights(
            "vgg16", convolutions, backbone_weights, frozen_blocks
        )
        self.keep_proportions = keep_proportions
        self.blur = check_blur(blur)
        self.filters = tuple(filters)
        self.depth = depth
        self.dropout = dropout

    def recommended_loss(self) -> keras.losses.Loss:
        """Return `MLNetLoss`, MLNET-MSE of maps divided by their peak."""
        return MLNetLoss()

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return SGD at 1e-3 with Nesterov momentum 0.9, for batches of 10.

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
        self, *, alpha: float = 1.1, name: str = "ml_net_loss", **kwargs: Any
    ) -> None:
        super().__init__(alpha=alpha, name=name, **kwargs)

    def compute(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the values of the images, `(batch,)`."""
        # The network's maps end in a ReLU. Others' large negative numbers
        # must not overflow when they are divided by a tiny peak.
        y_pred = bounded(y_pred, 0.0, LARGEST)
        peak = ops.max(y_pred, axis=(1, 2, 3), keepdims=True)
        peak = ops.where(peak > _EMPTY, peak, 1.0)
        return super().compute(y_true, y_pred / peak)
