"""What the callbacks share."""

from typing import Any

import keras

from keras_saliency._utils.checks import whole_number


class PeriodicCallback(keras.callbacks.Callback):
    """A callback that works after each n-th epoch.

    They are counted from epoch 0, the first of all: a training that goes on
    after a break works after the same epochs as one without.

    Args:
        every: The n.

    Raises:
        ValueError: If it is not a whole number, at least 1.
    """

    def __init__(self, every: int) -> None:
        super().__init__()
        self.every = whole_number(type(self).__name__, "every", every)

    def is_due(self, epoch: int) -> bool:
        """Return whether there is work after an epoch, the first being 0."""
        return epoch % self.every == 0


def knows_images(data: Any) -> bool:
    """Return whether batches tell which images of a data set they hold.

    `SaliencySequence` and `CachedFeatures` do.
    """
    return hasattr(data, "dataset") and hasattr(data, "samples")
