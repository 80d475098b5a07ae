"""What SAM-VGG and SAM-ResNet share: all that follows the features."""

import keras
from keras import layers, ops

from keras_saliency.layers import (
    AttentiveConvLSTM,
    LearnedGaussianPrior,
    RecoveringReLU,
)
from keras_saliency.losses import (
    CorrelationCoefficient,
    KLDivergence,
    NormalizedScanpathSaliency,
)
from keras_saliency.models._configured import ConfiguredModel
from keras_saliency.models._padding import padded_saliency_map

# Pixels of the picture to a feature.
_STRIDE = 8
# Of the map before training.
_INITIAL_VALUE = 0.1


class SAM(ConfiguredModel):
    """Base of both models: their maps, loss and optimiser."""

    def saliency_map(self, image, keep_proportions=True):
        """Map of one picture of any size, at its size.

        As the authors have it: the picture keeps its proportions, with zeros
        around it; the map is enlarged, cut out, blurred by a Gaussian of sigma
        7 pixels of the picture and divided by its peak.

        Args:
            image: See `SaliencyModel.saliency_map`.
            keep_proportions: `False` stretches the picture to the input, as
                `datasets.SaliencySequence` does in training.

        Returns:
            float32 array `(height, width)` in [0, 1].

        Raises:
            ValueError: See `SaliencyModel.saliency_map`.
        """
        return padded_saliency_map(self, image, keep_proportions, sigma=7)

    def recommended_loss(self):
        """10 KLD + 2 CC + NSS, the authors' weights."""
        return (
            10 * KLDivergence()
            + 2 * CorrelationCoefficient()
            + NormalizedScanpathSaliency()
        )

    def recommended_optimizer(self):
        """RMSprop at 1e-4; the authors' batches have one picture."""
        return keras.optimizers.RMSprop(1e-4)


def saliency(features, input_shape, depth, steps, gaussians, upsampling):
    """Saliency map of features: ConvLSTM, two learned priors, enlargement.

    Args:
        features: Symbolic tensor `(batch, height, width, channels)`.
        input_shape: `(height, width, 3)` of the images.
        depth: Channels of the ConvLSTM and the convolutions.
        steps: Of the ConvLSTM.
        gaussians: Maps of each prior.
        upsampling: How many times as large as the features the map is.

    Returns:
        Symbolic tensor `(batch, height, width, 1)`, not negative.

    Raises:
        ValueError: If `upsampling` is no whole number above 0.
    """
    if upsampling != int(upsampling) or upsampling < 1:
        raise ValueError(
            "upsampling must be a whole number, at least 1, got "
            f"{upsampling!r}."
        )
    x = AttentiveConvLSTM(depth, steps, name="attentive_conv_lstm")(features)
    for index in (1, 2):
        maps = LearnedGaussianPrior(gaussians, name=f"prior{index}_maps")(x)
        x = layers.Concatenate(name=f"prior{index}_concat")([x, maps])
        x = layers.Conv2D(
            depth,
            5,
            padding="same",
            dilation_rate=4,
            activation="relu",
            name=f"prior{index}_conv",
        )(x)
    # The authors' kernel may give a map that is zero everywhere from the
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
    size = [max(1, n * upsampling // _STRIDE) for n in input_shape[:2]]
    return ops.image.resize(
        x, size, interpolation="bilinear", data_format="channels_last"
    )
