"""What the callbacks share."""

from typing import Any

import keras


class PeriodicCallback(keras.callbacks.Callback):
    """A callback that works after each n-th epoch, counted from the first.

    Args:
        every: The n.

    Raises:
        ValueError: If it is no positive integer.
    """

    def __init__(self, every: int) -> None:
        super().__init__()
        if int(every) != every or every < 1:
            raise ValueError(f"every must be 1, 2, ...; received {every!r}")
        self.every = int(every)
        self._first_epoch: int | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start to count epochs."""
        self._first_epoch = None

    def is_due(self, epoch: int) -> bool:
        """Return whether there is work after an epoch."""
        if self._first_epoch is None:
            self._first_epoch = epoch
        return (epoch - self._first_epoch) % self.every == 0


def knows_images(data: Any) -> bool:
    """Return whether batches tell which images of a data set they hold.

    `SaliencySequence` and `CachedFeatures` do.
    """
    return hasattr(data, "dataset") and hasattr(data, "samples")
