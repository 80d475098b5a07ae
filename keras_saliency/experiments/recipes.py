"""How the networks of the experiments are trained."""

import dataclasses
import math
from typing import Any

import keras

from keras_saliency._utils.checks import as_number, whole_number


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

    Raises:
        ValueError: If a number is impossible.
    """

    epochs: int = 5
    learning_rate: float = 1e-3
    batch_size: int = 10
    flip: bool = False
    ema: float = 0.0

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for name in ("epochs", "batch_size"):
            self._keep(name, whole_number(owner, name, getattr(self, name)))
        rate, ema = as_number(self.learning_rate), as_number(self.ema)
        if rate is None or not 0 < rate < math.inf:
            raise ValueError(
                f"{owner}: learning_rate must be above 0 and finite; received "
                f"{self.learning_rate!r}."
            )
        if ema is None or not 0 <= ema < 1:
            raise ValueError(
                f"{owner}: ema must be 0 or above, and below 1; received "
                f"{self.ema!r}."
            )
        self._keep("learning_rate", rate)
        self._keep("ema", ema)

    def _keep(self, name: str, value: float) -> None:
        """Keep a number as Python's, which a record can hold."""
        object.__setattr__(self, name, value)

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
        super().__post_init__()
        patience = whole_number(type(self).__name__, "patience", self.patience)
        self._keep("patience", patience)
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
