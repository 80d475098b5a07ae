"""SalGAN: a VGG-16 encoder, a mirrored decoder, and a discriminator."""

import keras
from keras import layers

from keras_saliency._utils.types import Array, Size
from keras_saliency.layers import WeightNormalizedConv2D
from keras_saliency.losses import BinaryCrossEntropy, PooledLoss
from keras_saliency.models import backbones
from keras_saliency.models.base import ConfiguredModel
from keras_saliency.models.postprocessing import enlarge_and_blur

_CONVOLUTIONS = (2, 2, 3, 3, 3)
_VGG16_FILTERS = (64, 128, 256, 512, 512)


@keras.saving.register_keras_serializable("keras_saliency.models")
class SalGAN(ConfiguredModel):
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
        frozen_blocks: How many blocks of VGG-16 do not train: 3 in the
            original, conv1_1 to conv3_3.
        filters: Of the five blocks, and of their mirror images.
        name: Of the model.
        trainable: `False` freezes the rest too.

    Raises:
        ValueError: If an argument is none of the above.

    References:
        Pan et al., SalGAN: visual saliency prediction with generative
        adversarial networks, 2017 (arXiv:1701.01081), and its code.
    """

    def __init__(
        self,
        input_shape=(192, 256, 3),
        backbone_weights="imagenet",
        frozen_blocks=3,
        filters=_VGG16_FILTERS,
        name="salgan",
        trainable=True,
    ):
        _check_shape(input_shape, 3)
        filters = tuple(filters)
        if len(filters) != 5:
            raise ValueError(
                f"filters must be five numbers, received {filters}."
            )
        if frozen_blocks not in range(6):
            raise ValueError(
                "frozen_blocks must be one of 0 to 5, "
                f"received {frozen_blocks}."
            )
        if backbone_weights is not None and filters != _VGG16_FILTERS:
            raise ValueError(
                f"backbone_weights={backbone_weights!r} are for the filters "
                f"of VGG-16, {_VGG16_FILTERS}, not for {filters}. Give "
                "backbone_weights=None for random ones."
            )
        images = keras.Input(tuple(input_shape), name="images")
        x = keras.applications.vgg16.preprocess_input(images)
        encoder = []
        for block in range(5):
            if block:
                x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
            for index in range(_CONVOLUTIONS[block]):
                layer = _convolution(
                    filters[block], f"block{block + 1}_conv{index + 1}"
                )
                encoder.append(layer)
                x = layer(x)
        for block in reversed(range(5)):
            if block < 4:
                x = layers.UpSampling2D(
                    2, interpolation="nearest", name=f"unpool{block + 1}"
                )(x)
            for index in reversed(range(_CONVOLUTIONS[block])):
                x = _convolution(
                    filters[block], f"decoder{block + 1}_conv{index + 1}"
                )(x)
        saliency = layers.Conv2D(
            1, 1, activation="sigmoid", dtype="float32", name="saliency"
        )(x)
        super().__init__(images, saliency, name=name)
        if backbone_weights is not None:
            extractor, _ = backbones.build(
                "vgg16", input_shape, backbone_weights, ["block5_conv3"]
            )
            vgg16 = extractor.layers[-1]
            for layer in encoder:
                layer.set_weights(vgg16.get_layer(layer.name).get_weights())
        for layer in encoder[: sum(_CONVOLUTIONS[:frozen_blocks])]:
            layer.trainable = False
        if not trainable:
            self.trainable = False
        self._config = {
            "input_shape": list(input_shape),
            "backbone_weights": None,
            "frozen_blocks": frozen_blocks,
            "filters": list(filters),
        }

    def finish_map(self, map_: Array, size: Size) -> Array:
        """Finish a map as the authors do.

        It is enlarged by cubic interpolation and blurred by a Gaussian of
        5x5. They round to 8 bits before; this does not. See
        `SaliencyModel.finish_map`.
        """
        return enlarge_and_blur(map_, size)

    def recommended_loss(self):
        """Cross-entropy of maps averaged over 4x4 pixels (section 3.2.1)."""
        return PooledLoss(BinaryCrossEntropy(), pool_size=4)

    def recommended_optimizer(self):
        """SGD at 1e-3 with Nesterov momentum 0.5, for batches of 32.

        The code's values for training without a discriminator. For training
        with one see `AdversarialTraining`.
        """
        return keras.optimizers.SGD(1e-3, momentum=0.5, nesterov=True)


@keras.saving.register_keras_serializable("keras_saliency.models")
class SalGANDiscriminator(keras.Model):
    """SalGAN's discriminator: is this the map of people's fixations?

    A 1x1 convolution to 3 channels, 3x3 convolutions of 32, 64, 64, 64 and 64
    filters with ReLU and pooling by 4, 2 and 2, the last two of them
    weight-normalized; dense layers of 100 and 2 units with tanh; one sigmoid.

    Args:
        input_shape: `(height, width, 4)`: the map in [0, 1] and the picture
            it belongs to, RGB in 0..255; divisible by 16.
        filters: Of the convolutions before each pooling.
        units: Of the first dense layer.
        color_scale: What the colors are multiplied by. 1/255 brings them to
            the range of the map. 1 is the original: the colors then drown
            the map, and an untrained discriminator does not learn to tell
            maps apart.
        name: Of the model.
        trainable: Whether the weights train.

    Input: `(batch, height, width, 4)`. Output: probabilities `(batch, 1)`
    that the map is a true one.

    Raises:
        ValueError: If `input_shape` is none of the above.

    References:
        Pan et al., 2017, table 1, and its code, which has the weight
        normalization; here it starts with a gain of 1.
    """

    def __init__(
        self,
        input_shape=(192, 256, 4),
        filters=(32, 64, 64),
        units=100,
        color_scale=1 / 255,
        name="salgan_discriminator",
        trainable=True,
    ):
        _check_shape(input_shape, 4)
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
        super().__init__(pairs, probability, name=name)
        if not trainable:
            self.trainable = False
        self._config = {
            "input_shape": list(input_shape),
            "filters": list(filters),
            "units": units,
            "color_scale": color_scale,
        }

    def get_config(self):
        """Constructor arguments."""
        return {
            **self._config,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Inverse of `get_config`."""
        return cls(**config)


def _check_shape(shape, channels):
    if (
        len(shape) != 3
        or shape[2] != channels
        or shape[0] % 16
        or shape[1] % 16
    ):
        raise ValueError(
            f"input_shape must be (height, width, {channels}) with sides "
            f"divisible by 16, received {tuple(shape)}."
        )


def _convolution(filters, name):
    return layers.Conv2D(
        filters, 3, padding="same", activation="relu", name=name
    )
