"""SalGAN: a VGG-16 encoder, a mirrored decoder, and a discriminator."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_saliency._utils.types import PathName
from keras_saliency.layers import WeightNormalizedConv2D
from keras_saliency.losses import BinaryCrossEntropy, PooledLoss
from keras_saliency.models.arguments import ConfiguredModel, check_input_shape
from keras_saliency.models.backbones import vgg16
from keras_saliency.models.pretrained import PretrainedModel, check_backbone
from keras_saliency.steps import MapSteps


@keras.saving.register_keras_serializable("keras_saliency.models")
class SalGAN(PretrainedModel):
    """SalGAN's generator (Pan et al., 2017): 31,787,009 parameters.

    The convolutions of VGG-16 up to conv5_3, without its fifth pooling, and
    their mirror image: 3x3 convolutions with ReLU between nearest-neighbor
    enlargements by two; a 1x1 convolution and a sigmoid give the map at the
    size of the input. The preprocessing (BGR minus the ImageNet mean) is
    inside.

    `AdversarialTraining` trains it against a `SalGANDiscriminator`; the
    authors first train it alone, with `recommended_loss()`.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255,
            divisible by 16.
        backbone_weights: `"imagenet"` (Keras downloads VGG-16 the first
            time), the path of a weights file of VGG-16 without its top, or
            `None` for random ones.
        frozen_blocks: Number of blocks of VGG-16 that do not train: 3 in the
            original, conv1_1 to conv3_3.
        filters: Filters of the five blocks, and of their mirror images.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Raises:
        ValueError: If a size is impossible, or the weights do not fit it or
            are missing.

    References:
        Pan et al., SalGAN: visual saliency prediction with generative
        adversarial networks, 2017 (arXiv:1701.01081), and its code.
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (192, 256, 3),
        *,
        backbone_weights: PathName | None = "imagenet",
        frozen_blocks: int = 3,
        filters: Sequence[int] = vgg16.FILTERS,
        name: str = "salgan",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=16, multiple=16)
        check_backbone(
            backbone_weights, frozen_blocks, filters=(filters, vgg16.FILTERS)
        )
        images = keras.Input(tuple(input_shape), name="images")
        tensors, convolutions = vgg16.features(images, filters, halvings=4)
        x = tensors["block5_conv3"]
        for block in reversed(range(5)):
            if block < 4:
                x = layers.UpSampling2D(
                    2, interpolation="nearest", name=f"unpool{block + 1}"
                )(x)
            for index in reversed(range(vgg16.CONVOLUTIONS[block])):
                x = _convolution(
                    filters[block], f"decoder{block + 1}_conv{index + 1}"
                )(x)
        saliency = layers.Conv2D(
            1, 1, activation="sigmoid", dtype="float32", name="saliency"
        )(x)
        super().__init__(images, saliency, name=name, trainable=trainable)
        self._take_weights(
            "vgg16", convolutions, backbone_weights, frozen_blocks
        )
        self.filters = tuple(filters)

    def map_steps(self) -> MapSteps:
        """Return the authors' steps.

        The map is enlarged by cubic interpolation and blurred by a Gaussian
        of 5x5. They round to 8 bits before; this does not. See
        `SaliencyModel.map_steps`.
        """
        return MapSteps(finish=(("enlarge_and_blur",),))

    def recommended_loss(self) -> keras.losses.Loss:
        """Return the cross-entropy of means of 4x4 pixels (section 3.2.1)."""
        return PooledLoss(BinaryCrossEntropy(), pool_size=4)

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return SGD at 1e-3 with Nesterov momentum 0.5, for batches of 32.

        These are the values of the authors' code for training without a
        discriminator. For training with one see `AdversarialTraining`.
        """
        return keras.optimizers.SGD(1e-3, momentum=0.5, nesterov=True)


@keras.saving.register_keras_serializable("keras_saliency.models")
class SalGANDiscriminator(ConfiguredModel, keras.Model):
    """SalGAN's discriminator of true and of predicted maps.

    A 1x1 convolution to 3 channels; 3x3 convolutions of 32, 64, 64, 64 and 64
    filters with ReLU and pooling by 4, 2 and 2, the last two convolutions
    weight-normalized; dense layers of 100 and 2 units with tanh; one sigmoid.

    Args:
        input_shape: `(height, width, 4)` of a map in [0, 1] and its image, RGB
            in 0..255; height and width divisible by 16.
        filters: Filters of the convolutions before each pooling.
        units: Units of the first dense layer.
        color_scale: Factor of the colors. 1/255 brings them to the range of
            the map. 1 is the original: the colors then drown the map, and an
            untrained discriminator does not learn to tell maps apart.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Input: `(batch, height, width, 4)`. Output: probabilities `(batch, 1)`
    that the map is a true one.

    Raises:
        ValueError: If `input_shape` is impossible.

    References:
        Pan et al., 2017, table 1, and its code, which has the weight
        normalization. Here the gain starts at 1.
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (192, 256, 4),
        *,
        filters: Sequence[int] = (32, 64, 64),
        units: int = 100,
        color_scale: float = 1 / 255,
        name: str = "salgan_discriminator",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=16, multiple=16, channels=4)
        pairs = keras.Input(tuple(input_shape), name="map_and_image")
        x = layers.Rescaling([1.0, *[color_scale] * 3], name="scaling")(pairs)
        x = layers.Conv2D(3, 1, activation="relu", name="merge")(x)
        x = _convolution(filters[0], "conv1")(x)
        x = layers.MaxPooling2D(4, name="pool1")(x)
        x = _convolution(filters[1], "conv2_1")(x)
        x = _convolution(filters[1], "conv2_2")(x)
        x = layers.MaxPooling2D(2, name="pool2")(x)
        for index in (1, 2):
            x = WeightNormalizedConv2D(
                filters=filters[2], activation="relu", name=f"conv3_{index}"
            )(x)
        x = layers.MaxPooling2D(2, name="pool3")(x)
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(units, activation="tanh", name="fc4")(x)
        x = layers.Dense(2, activation="tanh", name="fc5")(x)
        probability = layers.Dense(
            1, activation="sigmoid", dtype="float32", name="probability"
        )(x)
        super().__init__(pairs, probability, name=name, trainable=trainable)
        self.filters = tuple(filters)
        self.units = units
        self.color_scale = color_scale


def _convolution(filters, name):
    return layers.Conv2D(
        filters, 3, padding="same", activation="relu", name=name
    )
