"""How the networks of the experiments are trained."""

import dataclasses
from typing import Any

import keras


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


# The recipe of every head, chosen on the validation part (docs/study.md).
RECIPE = Recipe()
# Networks that are trained whole need a lower learning rate.
NETWORK_RECIPE = Recipe(learning_rate=1e-4)
