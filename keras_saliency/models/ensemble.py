"""The mean of several networks."""

import math
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_saliency._utils.checks import as_number
from keras_saliency.models.arguments import ConfiguredModel
from keras_saliency.models.base import SaliencyModel

_INPUT = "images"


@keras.saving.register_keras_serializable("keras_saliency.models")
class Ensemble(ConfiguredModel, SaliencyModel):
    """Mean of the densities of several models, as one model.

    Each member sees the images at its own input size, and, with `mirrored`,
    their mirror images too, whose maps are mirrored back. The maps are resized
    to the largest among them, divided by their sums and averaged, and the mean
    is raised to a power. One `.keras` file holds all members.

    Args:
        members: Models from images `(batch, height, width, 3)`, RGB in 0..255,
            to maps `(batch, height, width, 1)`, not negative, such as
            `DensityNet`. Their names must differ.
        mirrored: Whether the mirror images are asked too, at twice the cost.
        power: Exponent of the mean, above 0. A mean of densities is flatter
            than it should be, even if each of them is right (Ranjan and
            Gneiting, *Combining probability forecasts*, JRSS B 2010); an
            exponent a little above 1 makes up for it.
        name: Name of the model.
        trainable: `False` freezes all weights.

    Raises:
        ValueError: If there is no member, two have the same name, one takes
            no images of a fixed size or returns no maps, or `power` is not
            above 0.

    Example:
    >>> from keras_saliency.models import Baseline
    >>> member = Baseline(input_shape=(96, 128, 3), backbone="tiny")
    >>> Ensemble([member]).map_size
    (24, 32)
    """

    def __init__(
        self,
        members: Sequence[keras.Model],
        *,
        mirrored: bool = True,
        power: float = 1.0,
        name: str = "ensemble",
        trainable: bool = True,
    ) -> None:
        if isinstance(members, keras.Model):
            raise ValueError("An ensemble needs a list of models.")
        members = list(members)
        _check(members)
        exponent = as_number(power)
        if exponent is None or not 0 < exponent < math.inf:
            raise ValueError(
                "An ensemble's power must be a number above 0; received "
                f"{power!r}."
            )
        if not isinstance(mirrored, bool | np.bool_):
            raise ValueError(
                "An ensemble's mirrored must be True or False; received "
                f"{mirrored!r}."
            )
        size = [
            max(member.input_shape[axis] for member in members)
            for axis in (1, 2)
        ]
        map_size = [
            max(member.output_shape[axis] for member in members)
            for axis in (1, 2)
        ]
        images = keras.Input((*size, 3), name=_INPUT)
        densities = []
        for member in members:
            seen = _resized(images, member.input_shape[1:3])
            densities.append(_density(member(seen), map_size))
            if mirrored:
                maps = member(ops.flip(seen, axis=2))
                densities.append(_density(ops.flip(maps, axis=2), map_size))
        total = densities[0]
        for density in densities[1:]:
            total = total + density
        peak = ops.max(total, axis=(1, 2, 3), keepdims=True)
        saliency = total / ops.maximum(peak, keras.config.epsilon())
        if exponent != 1:
            # Powers below 1 have no slope at 0.
            floor = keras.config.epsilon()
            raised = ops.power(ops.maximum(saliency, floor), exponent)
            saliency = ops.where(total > 0, raised, 0.0)
        super().__init__(images, saliency, name=name, trainable=trainable)
        self.members = members
        self.mirrored = bool(mirrored)
        self.power = exponent

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> Self:
        """Return the network of a configuration."""
        with keras.saving.CustomObjectScope(custom_objects or {}):
            members = [
                keras.saving.deserialize_keras_object(member)
                for member in config["members"]
            ]
        return super().from_config(
            {**config, "members": members}, custom_objects
        )

    def recommended_loss(self) -> keras.losses.Loss:
        """Return the loss of the first member."""
        return self.members[0].recommended_loss()

    def recommended_optimizer(self) -> keras.optimizers.Optimizer:
        """Return the optimizer of the first member."""
        return self.members[0].recommended_optimizer()


def _check(members):
    for member in members:
        if not isinstance(member, keras.Model) or not member.built:
            raise ValueError(
                "An ensemble's members are models that are built; received "
                f"{member!r}. Names and paths: models.get(NAME)."
            )
    names = [member.name for member in members]
    if not members or len({*names, _INPUT}) < len(names) + 1:
        raise ValueError(
            "An ensemble needs members, whose names must differ and not be "
            f"{_INPUT!r}; received {names}."
        )
    for member in members:
        taken, given = member.input_shape, member.output_shape
        if (
            not isinstance(taken, tuple)
            or len(taken) != 4
            or taken[-1] != 3
            or None in taken[1:]
            or not isinstance(given, tuple)
            or len(given) != 4
            or given[-1] != 1
        ):
            raise ValueError(
                f"The member {member.name} must take images of a fixed size "
                f"and return maps; it takes {taken} and returns {given}."
            )


def _resized(x, size):
    if tuple(x.shape[1:3]) == tuple(size):
        return x
    return ops.image.resize(
        x, size, interpolation="bilinear", data_format="channels_last"
    )


def _density(maps, size):
    # The sum of a map is more than float16 holds.
    maps = _resized(ops.cast(maps, "float32"), size)
    total = ops.sum(maps, axis=(1, 2, 3), keepdims=True)
    return maps / ops.maximum(total, keras.config.epsilon())
