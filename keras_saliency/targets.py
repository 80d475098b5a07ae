"""The one form of a training target: density and fixations in one array.

Keras compares `y_true` and `y_pred` structure by structure, so a model with
one output cannot take a dictionary of two maps. Both maps travel as channels
of one array instead: channel 0 is the density map in [0, 1] with peak 1,
channel 1 the fixation map (counts, or 0/1). A target with the density channel
alone serves every loss and metric that needs no fixations.
"""

import numpy as np
from keras import ops

DENSITY = 0
FIXATIONS = 1


def pack(density, fixations=None):
    """Pack maps into the target array that losses and metrics take.

    Args:
        density: Density maps, shape `(batch, height, width)` or
            `(batch, height, width, 1)`, finite and not negative.
        fixations: Fixation maps (counts, or 0/1) of the same shape, or `None`
            where only density maps exist.

    Returns:
        float32 NumPy array `(batch, height, width, 2)`, or
        `(batch, height, width, 1)` without fixations.

    Raises:
        ValueError: If the shapes differ, or a value is negative or not finite.
    """
    channels = [_channel(density, "density")]
    if fixations is not None:
        channels.append(_channel(fixations, "fixations"))
        if channels[0].shape != channels[1].shape:
            raise ValueError(
                "density and fixations must have the same shape, received "
                f"{np.shape(density)} and {np.shape(fixations)}."
            )
    return np.concatenate(channels, axis=-1)


def _channel(maps, what):
    maps = np.asarray(maps, dtype="float32")
    if maps.ndim == 3:
        maps = maps[..., None]
    if maps.ndim != 4 or maps.shape[-1] != 1:
        raise ValueError(
            f"{what} must have shape (batch, height, width) or (batch, "
            f"height, width, 1), received {maps.shape}."
        )
    if not np.isfinite(maps).all() or (maps < 0).any():
        image = int(
            np.argmax((~np.isfinite(maps) | (maps < 0)).any(axis=(1, 2, 3)))
        )
        raise ValueError(
            f"{what} must be finite and not negative; image {image} of the "
            "batch is not."
        )
    return maps


def density(y_true):
    """Density channel of a target, shape `(batch, height, width, 1)`."""
    return y_true[..., DENSITY : DENSITY + 1]


def fixations(y_true, needed_by):
    """Fixation channel of a target, shape `(batch, height, width, 1)`.

    Args:
        y_true: Target `(batch, height, width, 2)`.
        needed_by: Name of the loss or metric, for the error message.

    Raises:
        ValueError: If the target has no fixation channel.
    """
    if y_true.shape[-1] < 2:
        raise ValueError(
            f"{needed_by} needs fixations, but the target has only the "
            "density channel. Give targets of shape (batch, height, width, 2) "
            "with the fixation map as the second channel: "
            "keras_saliency.targets.pack(density, fixations), or a "
            "SaliencySequence over a dataset that has fixations."
        )
    return y_true[..., FIXATIONS : FIXATIONS + 1]


def check(y_true, y_pred, needed_by):
    """Check a target against a prediction.

    Args:
        y_true: Target `(batch, height, width, 1 or 2)`.
        y_pred: Prediction `(batch, height, width, 1)`.
        needed_by: Name of the loss or metric, for the error message.

    Raises:
        ValueError: If a rank, a channel count, or the height and width differ
            from that.
    """
    true, pred = tuple(ops.shape(y_true)), tuple(ops.shape(y_pred))
    if len(pred) != 4 or pred[-1] != 1:
        raise ValueError(
            f"{needed_by}: the prediction must have shape (batch, height, "
            f"width, 1), received {_static(pred)}."
        )
    if len(true) != 4 or true[-1] not in (1, 2):
        raise ValueError(
            f"{needed_by}: the target must have shape (batch, height, width, "
            "2), channels density and fixations, or (batch, height, width, "
            f"1), density alone; received {_static(true)}. "
            "keras_saliency.targets.pack makes it."
        )
    for a, b in zip(true[1:3], pred[1:3], strict=True):
        if isinstance(a, int) and isinstance(b, int) and a != b:
            raise ValueError(
                f"{needed_by}: target and prediction must have the same "
                f"height and width, received target {_static(true)} and "
                f"prediction {_static(pred)}. Make the targets at the size "
                "of the model's output (SaliencySequence(map_size=...))."
            )


def _static(shape):
    return tuple(d if isinstance(d, int) else None for d in shape)
