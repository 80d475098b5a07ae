"""ShallowNet, called JuntingNet in its code: two dense layers on top."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_saliency.layers import ClippedRescaling, Maxout
from keras_saliency.losses import MeanSquaredError
from keras_saliency.models.arguments import ConfiguredModel, check_input_shape
from keras_saliency.models.base import SaliencyModel
from keras_saliency.steps import MapSteps


@keras.saving.register_keras_serializable("keras_saliency.models")
class ShallowNet(ConfiguredModel, SaliencyModel):
    """ShallowNet (Pan et al., 2016): 34,864,384 parameters.

    Three convolutions of 5x5, 3x3 and 3x3, each followed by a pooling; a
    dense layer with two units per pixel of the map, of which the larger counts
    (maxout); a linear dense layer. From 96x96 to 48x48.

    The original is trained on maps scaled to [-1, 1] and returns unbounded
    values y of that scale. This one returns `(y + 1) / 2`, clipped to [0, 1],
    for targets in [0, 1] as all losses and metrics of the package take them. A
    value that is clipped keeps the gradient that would bring it back
    (`layers.ClippedRescaling`). `model.network` returns y itself, for
    comparison with the original.

    Args:
        input_shape: `(height, width, 3)` of the images, RGB in 0..255, even
            and at least 24. The map has half the height and width.
        filters: Filters of the three convolutions.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Attributes:
        network: Model from images to y, `(batch, height, width, 1)`.

    Raises:
        ValueError: If `input_shape` is impossible.

    References:
        Pan et al., Shallow and deep convolutional networks for saliency
        prediction, CVPR 2016, section 3.1, and its code.
    """

    def __init__(
        self,
        input_shape: Sequence[int] = (96, 96, 3),
        *,
        filters: Sequence[int] = (32, 64, 64),
        name: str = "shallow_net",
        trainable: bool = True,
    ) -> None:
        check_input_shape(input_shape, least=24, multiple=2)
        height, width = input_shape[0] // 2, input_shape[1] // 2
        images = keras.Input(tuple(input_shape), name="images")
        x = layers.Rescaling(1 / 255, name="to_unit_range")(images)
        for index, (count, size) in enumerate(
            zip(filters, (5, 3, 3), strict=True)
        ):
            x = layers.Conv2D(
                count, size, activation="relu", name=f"conv{index + 1}"
            )(x)
            x = layers.MaxPooling2D(2, name=f"pool{index + 1}")(x)
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(2 * height * width, activation="relu", name="hidden4")(
            x
        )
        x = Maxout(pool_size=2, name="maxout6")(x)
        x = layers.Dense(height * width, dtype="float32", name="output")(x)
        y = layers.Reshape((height, width, 1), dtype="float32", name="map")(x)
        network = keras.Model(images, y, name="network")
        images = keras.Input(tuple(input_shape), name="images")
        saliency = ClippedRescaling(
            scale=0.5, offset=0.5, dtype="float32", name="saliency"
        )(network(images))
        super().__init__(images, saliency, name=name, trainable=trainable)
        self.network = network
        self.filters = tuple(filters)

    def map_network(self) -> keras.Model:
        """Return the network whose output is not yet clipped to [0, 1]."""
        return self.network

    def map_steps(self) -> MapSteps:
        """Return the steps of the authors' `demo.py`.

        The output y, unclipped, is blurred by a Gaussian of sigma 3 pixels,
        stretched to [0, 1] and resized. A map without any contrast gives
        zeros. (Their `get_saliency.py` leaves out the blur; `demo.py` cuts a
        square out of the image, which neither `get_saliency.py` nor this
        does.)

        See `SaliencyModel.map_steps`.
        """
        return MapSteps(
            finish=(
                ("blur", 3),
                ("subtract_least",),
                ("divide_by_peak",),
                ("resize_linearly",),
            )
        )

    def recommended_loss(self) -> keras.losses.Loss:
        """Return the squared error (section 3.1)."""
        return MeanSquaredError()

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return SGD at 0.2 with Nesterov momentum 0.9, for batches of 128.

        The authors' rate is 0.05 on maps in [-1, 1], on which the squared
        error is four times as large. They lower it linearly to 0.0001 over
        1200 epochs and raise the momentum to 0.999.
        """
        return keras.optimizers.SGD(0.2, momentum=0.9, nesterov=True)
