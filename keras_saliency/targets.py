"""The one form of a training target: density and fixations in one array.

Keras compares `y_true` and `y_pred` structure by structure, so a model with
one output cannot take a dictionary of two maps. Both maps travel as channels
of one array instead: channel 0 is the density map in [0, 1] with peak 1,
channel 1 the fixation map (counts, or 0/1). A target with the density channel
alone serves every loss and metric that needs no fixations.
"""

import sys
from typing import Any, Literal

import numpy as np
from keras import ops

from keras_saliency._utils.types import Array, ArrayLike, Tensor

# What rounding, also to bfloat16, may make of 1.
_PEAK = 1.01

# What a loss or metric compares the prediction with.
Channel = Literal["density", "fixations"]


def pack(density: ArrayLike, fixations: ArrayLike | None = None) -> Any:
    """Pack maps into the target array that losses and metrics take.

    It also works inside `tf.data.Dataset.map`, on every backend of Keras;
    there a wrong value is TensorFlow's `InvalidArgumentError` with the same
    text. For one image, `pack(density[None], fixations[None])[0]`.

    Args:
        density: Density maps, shape `(batch, height, width)` or
            `(batch, height, width, 1)`, in [0, 1].
        fixations: Fixation maps (counts, or 0/1) of the same shape, or `None`
            where only density maps exist.

    Returns:
        float32 NumPy array `(batch, height, width, 2)`, or
        `(batch, height, width, 1)` without fixations; a tensor inside
        `Dataset.map`.

    Raises:
        ValueError: If the shapes differ, a value is negative or not finite, a
            density is above 1, or fixations are not whole numbers.
    """
    if _is_of_graph(density) or _is_of_graph(fixations):
        return _packed_in_graph(density, fixations)
    channels = [_channel(density, "density")]
    check_peak(channels[0], "targets.pack")
    if fixations is not None:
        channels.append(_channel(fixations, "fixations"))
        _refuse(
            channels[1] != np.floor(channels[1]),
            "fixations must be counts, or 0/1; {image} of the batch is not. It "
            "looks like a density map, or like a map that was resized.",
        )
        if channels[0].shape != channels[1].shape:
            raise ValueError(
                "density and fixations must have the same shape, received "
                f"{np.shape(density)} and {np.shape(fixations)}."
            )
    return np.concatenate(channels, axis=-1)


def check_peak(density: Array, needed_by: str) -> None:
    """Raise if a density is above 1, as maps in 0..255 are.

    Args:
        density: NumPy array whose first axis counts images.
        needed_by: Function or loss, for the error message.
    """
    peak = density.max(initial=0)
    if peak > _PEAK:
        image = int(density.reshape(len(density), -1).max(1).argmax())
        raise ValueError(
            f"{needed_by}: density maps must be in [0, 1], received "
            f"{peak:.6g} in image {image} of the batch. Divide each map by "
            "its largest value (by 255, if it was read from a file of 8 bits)."
        )


def _is_of_graph(maps: Any) -> bool:
    """Return whether maps are a tensor of TensorFlow without values yet."""
    if not type(maps).__module__.startswith("tensorflow."):
        return False
    return not hasattr(maps, "numpy")


def _packed_in_graph(density: Any, fixations: Any) -> Any:
    tf = sys.modules["tensorflow"]
    given = [density] if fixations is None else [density, fixations]
    shape = tf.TensorShape(given[0].shape)
    if shape.rank is None:
        raise ValueError(
            "targets.pack must know how many axes the maps have; call "
            "ensure_shape on them before."
        )
    packed = tf.numpy_function(pack, given, tf.float32)
    return tf.ensure_shape(packed, [*shape[:3], len(given)])


def _channel(maps: Any, what: str) -> Array:
    if hasattr(maps, "detach"):
        # NumPy lacks PyTorch's bfloat16.
        maps = maps.detach().cpu().float()
    try:
        maps = np.asarray(maps, dtype="float32")
    except TypeError as error:
        raise ValueError(
            f"{what} must be an array of numbers, received a "
            f"{type(maps).__name__}. Pack targets before they enter a "
            "compiled function; only tf.data's Dataset.map may call it."
        ) from error
    one = maps.ndim == 2 or (maps.ndim == 3 and maps.shape[-1] == 1)
    if maps.ndim == 3 and not one:
        maps = maps[..., None]
    if maps.ndim != 4 or maps.shape[-1] != 1:
        raise ValueError(
            f"{what} must have shape (batch, height, width) or (batch, "
            f"height, width, 1), received {maps.shape}."
            + " For one image: pack(density[None], fixations[None])[0]."
            * one
        )
    _refuse(
        ~np.isfinite(maps) | (maps < 0),
        f"{what} must be finite and not negative; {{image}} of the batch is "
        "not.",
    )
    return maps


def _refuse(bad: Array, message: str) -> None:
    images = bad.any(axis=(1, 2, 3))
    if images.any():
        raise ValueError(message.format(image=f"image {images.argmax()}"))


def density(y_true: Tensor) -> Tensor:
    """Return the density channel of a target, `(batch, height, width, 1)`."""
    return y_true[..., :1]


def fixations(y_true: Tensor, needed_by: str) -> Tensor:
    """Return the fixation channel of a target, `(batch, height, width, 1)`.

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
            "SaliencySequence over a data set that has fixations."
        )
    return y_true[..., 1:]


def select(y_true: Tensor, channel: Channel, needed_by: str) -> Tensor:
    """Return the channel that a loss or metric compares with.

    Args:
        y_true: Target `(batch, height, width, 1 or 2)`.
        channel: `"density"` or `"fixations"`.
        needed_by: Name of the loss or metric, for the error message.

    Returns:
        Tensor `(batch, height, width, 1)`.

    Raises:
        ValueError: If the target has no such channel.
    """
    if channel == "density":
        return density(y_true)
    return fixations(y_true, needed_by)


def average_pool(maps: Tensor, size: int) -> Tensor:
    """Reduce a target, or a prediction, by blocks of pixels.

    Pixels at the right and bottom that do not fill a block are dropped.

    Args:
        maps: Target `(batch, height, width, 1 or 2)`; a prediction is treated
            like a density.
        size: Side of the blocks in pixels.

    Returns:
        The same of the blocks: the mean density and the number of fixations
        in each.
    """
    channels = [
        ops.average_pool(
            maps[..., i : i + 1],
            size,
            strides=size,
            data_format="channels_last",
        )
        for i in range(maps.shape[-1])
    ]
    channels[1:] = [size**2 * mean for mean in channels[1:]]
    return ops.concatenate(channels, axis=-1)


def image_weights(
    sample_weight: Tensor | None, y_pred: Tensor, needed_by: str
) -> Tensor | None:
    """Return the weights of the images.

    Args:
        sample_weight: Array, tensor or list `(batch,)` or `(batch, 1)`, one
            number for all images, or `None`.
        y_pred: Prediction `(batch, height, width, 1)`.
        needed_by: Name of the loss or metric, for the error message.

    Returns:
        float32 tensor `(batch,)`, or `None`.

    Raises:
        ValueError: If there is not one weight per image.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, (list, tuple)):
        sample_weight = np.asarray(sample_weight, dtype="float32")
    weights = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    shape, batch = tuple(weights.shape), y_pred.shape[0]
    if shape == ():
        return ops.broadcast_to(weights, (ops.shape(y_pred)[0],))
    fits = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    if not fits or (None not in (shape[0], batch) and shape[0] != batch):
        count = "batch" if batch is None else batch
        raise ValueError(
            f"{needed_by}: sample_weight must have one weight per image, shape "
            f"({count},) or ({count}, 1), received {shape}."
        )
    return ops.reshape(weights, (-1,))


def check(
    y_true: Tensor, y_pred: Tensor, needed_by: str, *, packed: bool = True
) -> None:
    """Check a target against a prediction.

    Args:
        y_true: Target `(batch, height, width, 1 or 2)`.
        y_pred: Prediction `(batch, height, width, 1)`.
        needed_by: Name of the loss or metric, for the error message.
        packed: Whether the target may have two channels. A formula takes one.

    Raises:
        ValueError: If a rank, a channel count, or the height and width differ
            from that.
    """
    true, pred = tuple(y_true.shape), tuple(y_pred.shape)
    if len(pred) != 4 or pred[-1] != 1:
        raise ValueError(
            f"{needed_by}: the prediction must have shape (batch, height, "
            f"width, 1), received {pred}."
        )
    if len(true) != 4 or true[-1] not in ((1, 2) if packed else (1,)):
        form = "1)"
        if packed:
            form = (
                "2), channels density and fixations, or (batch, height, "
                "width, 1), density alone (keras_saliency.targets.pack makes "
                "it)"
            )
        raise ValueError(
            f"{needed_by}: the target must have shape (batch, height, width, "
            f"{form}, received {true}."
        )
    if packed and None not in (true[0], pred[0]) and true[0] != pred[0]:
        raise ValueError(
            f"{needed_by}: target and prediction must be of as many images, "
            f"received target {true} and prediction {pred}."
        )
    for a, b in zip(true[1:3], pred[1:3], strict=True):
        if None not in (a, b) and a != b:
            raise ValueError(
                f"{needed_by}: target and prediction must have the same "
                f"height and width, received target {true} and prediction "
                f"{pred}. Make the targets at the size of the model's output "
                "(SaliencySequence(map_size=...))."
            )
