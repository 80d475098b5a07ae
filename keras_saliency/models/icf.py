"""ICF: intensity and contrast at five scales, a readout, a density."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops

from keras_saliency import losses
from keras_saliency._utils.checks import whole_number
from keras_saliency.layers import DensityOutput, GaussianSmoothing
from keras_saliency.models.arguments import ConfiguredModel, check_input_shape
from keras_saliency.models.base import SaliencyModel
from keras_saliency.models.endings import projection, resized

# From RGB to intensity, red less blue, and green less both (Ohta, Kanade &
# Sakai 1980): close to the principal components of photos.
_AXES = np.array(
    [[1 / 3, 1 / 2, -1 / 4], [1 / 3, 0, 1 / 2], [1 / 3, -1 / 2, -1 / 4]]
)
# Mean and standard deviation of each on MIT1003's training part, in 0..1.
_MEAN = np.array([0.42, 0.03, 0.0])
_DEVIATION = np.array([0.27, 0.075, 0.031])
# Halvings from the image to the density, and the blur's sigma there at first:
# those of our DeepGaze II.
_HALVINGS = 3
_SIGMA = 2.0


@keras.saving.register_keras_serializable("keras_saliency.models")
class ICF(ConfiguredModel, SaliencyModel):
    """Intensity Contrast Features (Kuemmerer et al., 2017): 1,112 numbers.

    How well fixations can be told without knowledge of objects: DeepGaze II
    with local intensity and local contrast in place of the features of a deep
    network. Both are measured in three color channels at five scales, an
    octave apart: the mean under a Gaussian window of 5x5 pixels, which is
    80x80 pixels of the image at the coarsest, and the root mean square of the
    differences from it under the same window. The 30 maps are read by four
    1x1 convolutions of 16, 32, 2 and 1 filters, ReLU between them, and
    `layers.DensityOutput`: learned blur, logarithm of a center bias, softmax.
    All weights train, and none is pretrained.

    Differences from the original: its code and weights are not published in a
    form that could be compared, and the description is from memory, the widths
    of the readout those of DeepGaze II; the color channels (Ohta, Kanade &
    Sakai 1980), the pyramid of halved images and the window's sigma are our
    choice; its center bias is that of a data set, here a Gaussian whose two
    exponents train.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, sides
            divisible by 8 and by `2 ** (scales - 1)`. The preprocessing is
            inside the model.
        scales: Number of scales.
        readout: Filters of the 1x1 convolutions before the last.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Output: densities with peak 1, `(batch, height / 8, width / 8, 1)`.

    Raises:
        ValueError: If a size or a number is impossible.

    References:
        Kuemmerer, Wallis, Gatys & Bethge, Understanding low- and high-level
        contributions to fixation prediction, ICCV 2017.
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (384, 512, 3),
        *,
        scales: int = 5,
        readout: Sequence[int] = (16, 32, 2),
        name: str = "icf",
        trainable: bool = True,
    ) -> None:
        scales = whole_number("ICF", "scales", scales)
        multiple = 2 ** max(_HALVINGS, scales - 1)
        check_input_shape(input_shape, least=multiple, multiple=multiple)
        images = keras.Input(tuple(input_shape), name="images")
        x = layers.Concatenate(dtype="float32", name="features")(
            _features(images, scales)
        )
        for index, width in enumerate(readout, start=1):
            x = layers.Conv2D(
                width, 1, activation="relu", name=f"readout{index}"
            )(x)
        saliency = DensityOutput(
            initial_sigma=_SIGMA, dtype="float32", name="saliency"
        )(projection(x))
        super().__init__(images, saliency, name=name, trainable=trainable)
        self.scales = scales
        self.readout = tuple(readout)

    def recommended_loss(self) -> keras.losses.Loss:
        """Return the negative log-likelihood of the fixations."""
        return losses.NegativeLogLikelihood()

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return Adam at 1e-3, our choice."""
        return keras.optimizers.Adam(1e-3)


def _features(images, scales):
    """Return intensity and contrast of each scale, at an eighth of the size.

    They are in units of the channels' standard deviations on photos.
    """
    size = tuple(side >> _HALVINGS for side in images.shape[1:3])
    x = ops.matmul(images, (_AXES / _DEVIATION / 255).astype("float32"))
    x = x - (_MEAN / _DEVIATION).astype("float32")
    smooth = GaussianSmoothing(
        size=5, sigma=1.25, dtype="float32", name="window"
    )
    features = []
    for scale in range(scales):
        if scale:
            x = _mean(x, 2, f"scale{scale + 1}")
        intensity = smooth(x)
        variance = smooth(ops.square(x - intensity))
        contrast = ops.sqrt(ops.maximum(variance, 1e-6))
        for name, map_ in (("intensity", intensity), ("contrast", contrast)):
            if scale < _HALVINGS:
                map_ = _mean(
                    map_, 2 ** (_HALVINGS - scale), f"{name}{scale + 1}"
                )
            features.append(resized(map_, size))
    return features


def _mean(x, side, name):
    return layers.AveragePooling2D(side, dtype="float32", name=name)(x)
