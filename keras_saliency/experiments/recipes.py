"""How the networks of the experiments are trained."""

import dataclasses
import math
from typing import Any

import keras

from keras_saliency._utils.checks import whole_number


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a training depends on beside the loss, the data and the seed.

    Args:
        epochs: Number of passes over the training images.
        learning_rate: Adam's learning rate at the start; it falls to zero
            over the run along a half cosine.
        batch_size: Images per step.
        flip: Whether half of the images are mirrored, anew in each pass.
        ema: Momentum of a moving average of the weights, which takes the
            place of the weights at the end; 0 for none.
    """

    epochs: int = 5
    learning_rate: float = 1e-3
    batch_size: int = 10
    flip: bool = False
    ema: float = 0.0

    def optimizer(self, steps: int) -> Any:
        """Return a new Keras optimizer for a run of `steps` steps in all."""
        average = {"use_ema": True, "ema_momentum": self.ema}
        return keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(self.learning_rate, steps),
            **(average if self.ema else {}),
        )


@dataclasses.dataclass(frozen=True)
class StoppedSGD(Recipe):
    """Plain SGD that ends where the validation images no longer gain.

    The weights are those after the pass whose CC on them was best.

    Args:
        epochs: The most passes over the training images.
        learning_rate: The rate, which stays as it is.
        batch_size: Images per step.
        flip: As in `Recipe`.
        ema: As in `Recipe`; must be 0.
        patience: Passes without a gain after which it ends.

    Raises:
        ValueError: If a number is impossible.
    """

    epochs: int = 200
    batch_size: int = 60
    patience: int = 10

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            whole_number("StoppedSGD", name, getattr(self, name))
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(
                "StoppedSGD: learning_rate must be above 0 and finite; "
                f"received {self.learning_rate}."
            )
        if self.ema:
            raise ValueError(
                "StoppedSGD: ema must be 0, as the weights are those after "
                f"the best pass; received {self.ema}."
            )

    def optimizer(self, steps: int) -> Any:
        """Return a new Keras optimizer."""
        return keras.optimizers.SGD(self.learning_rate)


# The recipe of every head, chosen on the validation part (docs/study.md).
RECIPE = Recipe()
# The paper's (section 3.1), which says neither how long nor by what it stopped.
PAPER_RECIPE = StoppedSGD()
# Networks that are trained whole need a lower learning rate.
NETWORK_RECIPE = Recipe(learning_rate=1e-4)
