"""DeepConvNet, called SalNet in its code: ten layers of convolutions."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from keras_saliency.layers import ClippedRescaling, LocalResponseNormalization
from keras_saliency.losses import MeanSquaredError
from keras_saliency.models.arguments import ConfiguredModel, check_input_shape
from keras_saliency.models.base import SaliencyModel
from keras_saliency.steps import MapSteps

# Of the images, in the order blue, green, red.
_MEAN = (100.0, 110.0, 118.0)
_KERNEL_SIZES = (7, 5, 3, 5, 5, 7, 11, 11)
# y = 0 stands for 127 of 255, one unit for 128.
_SCALE, _OFFSET = 128 / 255, 127 / 255
# Mean of the authors' maps, which an untrained network returns.
_MEAN_SALIENCY = 31 / 255
# Longest side of an image for a network that takes any size.
_MAX_SIDE = 320
_LEAST_SIDE = 8


@keras.saving.register_keras_serializable("keras_saliency.models")
class DeepConvNet(ConfiguredModel, SaliencyModel):
    """DeepConvNet (Pan et al., 2016): 25,806,209 parameters.

    Nine convolutions with large kernels. A local response normalization
    follows the first, a pooling of 3x3 with stride 2 the first two; a
    transposed convolution enlarges the map four times, to the size of the
    input. The preprocessing (BGR minus (100, 110, 118), divided by 127.5) is
    inside.

    The original returns unbounded values y, of which its code makes a map
    `128 y + 127`, clipped to 0 and 255. This one returns that map divided by
    255. A value that is clipped keeps the gradient that would bring it back
    (`layers.ClippedRescaling`). An untrained network returns about 0.12, the
    mean that the authors subtract from their maps.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255. A side
            of the map is that of the image, rounded down to a multiple of 4.
            `(None, None, 3)` takes any size of at least 8.
        filters: Filters of the first eight convolutions.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Raises:
        ValueError: If `input_shape` is impossible.

    References:
        Pan et al., Shallow and deep convolutional networks for saliency
        prediction, CVPR 2016, section 3.2, and its code. The authors start
        the first three convolutions from VGG-CNN-M; here all weights are
        random (He et al.), and the transposed convolution is bilinear.
    """

    def __init__(
        self,
        input_shape: Sequence[int | None] = (240, 320, 3),
        *,
        filters: Sequence[int] = (96, 256, 512, 512, 512, 256, 128, 32),
        name: str = "deep_conv_net",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=_LEAST_SIDE, any_size=True)
        images = keras.Input(tuple(input_shape), name="images")
        x = layers.Rescaling(
            1 / 127.5, offset=[-m / 127.5 for m in _MEAN], name="to_unit_range"
        )(keras.ops.flip(images, axis=-1))
        for index, (count, size) in enumerate(
            zip(filters, _KERNEL_SIZES, strict=True)
        ):
            x = layers.Conv2D(
                count,
                size,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"conv{index + 1}",
            )(x)
            if index == 0:
                x = LocalResponseNormalization(
                    size=5, alpha=1e-4, beta=0.75, name="norm1"
                )(x)
            if index < 2:
                # Caffe rounds sizes up. No value is below the padding's zero.
                x = layers.ZeroPadding2D(
                    ((0, 1), (0, 1)), name=f"pad{index + 1}"
                )(x)
                x = layers.MaxPooling2D(3, strides=2, name=f"pool{index + 1}")(
                    x
                )
        x = layers.Conv2D(
            1,
            13,
            padding="same",
            kernel_initializer=keras.initializers.VarianceScaling(0.01),
            bias_initializer=keras.initializers.Constant(
                (_MEAN_SALIENCY - _OFFSET) / _SCALE
            ),
            dtype="float32",
            name="conv9",
        )(x)
        x = layers.Conv2DTranspose(
            1,
            8,
            strides=4,
            padding="same",
            use_bias=False,
            kernel_initializer=_bilinear,
            dtype="float32",
            name="deconv1",
        )(x)
        saliency = ClippedRescaling(
            scale=_SCALE, offset=_OFFSET, dtype="float32", name="saliency"
        )(x)
        super().__init__(images, saliency, name=name, trainable=trainable)
        self.filters = tuple(filters)

    def map_steps(self) -> MapSteps:
        """Return the authors' steps.

        An image is shrunk to fit 320x320 if the network takes any size. The
        map is enlarged by cubic interpolation, blurred by a Gaussian of 5x5
        and divided by its peak. See `SaliencyModel.map_steps`.
        """
        return MapSteps(
            ("shrink", _MAX_SIDE, _LEAST_SIDE),
            (("enlarge_and_blur",), ("divide_by_peak",)),
        )

    def recommended_loss(self) -> keras.losses.Loss:
        """Return the squared error (section 3.2).

        Caffe's is half the sum over the pixels.
        """
        return MeanSquaredError()

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return SGD with momentum 0.9; at 240x320 the rate is 0.02.

        The authors' 1.3e-7 is for half the sum of squares over the pixels of
        y. For the mean over the pixels of the map it is that times half the
        number of pixels and (255/128)^2. Two things are left out: their
        weight decay of 5e-4, which divided by this factor is next to nothing,
        and the halving of the rate every 100 steps, which leaves little of it
        after 1000 of their 24,000 steps.
        """
        height, width = (side or _MAX_SIDE for side in self.map_size)
        rate = 1.3e-7 * 0.5 * height * width / _SCALE**2
        return keras.optimizers.SGD(rate, momentum=0.9)


def _bilinear(shape, dtype=None):
    """Return the kernel that enlarges as bilinear interpolation does."""
    size = shape[0]
    factor = size // 2
    profile = 1 - np.abs(np.arange(size) / factor - (2 * factor - 1) / size)
    kernel = np.outer(profile, profile)[:, :, None, None]
    return keras.ops.convert_to_tensor(kernel, dtype=dtype)
