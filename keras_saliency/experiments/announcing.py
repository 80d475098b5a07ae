"""What a script is about to do, said before it starts."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from keras_saliency._utils.types import PathName

# Seconds per image that is trained on, on one core of a server: of a head on
# cached features, of whole networks at 192x256 (docs/study.md).
HEAD_SECONDS = 0.03
NETWORK_SECONDS = {
    "deep_conv_net": 1.1,
    "deepgaze1": 0.06,
    "deepgaze2": 0.07,
    "density_net": 0.3,
    "dsclrcn": 0.45,
    "eml_net": 0.35,
    "fast_net": 0.1,
    "icf": 0.005,
    "ml_net": 0.26,
    "pdp": 0.23,
    "salgan": 0.4,
    "salicon_net": 0.3,
    "sam_resnet": 1.6,
    "sam_vgg": 1.2,
    "shallow_net": 0.1,
}
_PIXELS = 192 * 256
# Per image whose map is made and measured.
_MEASURING = 1.0


class Training(NamedTuple):
    """A training that a script will do, or has done.

    Attributes:
        images: Number of images.
        epochs: Passes over them.
        is_done: Whether it is kept.
        seconds: Seconds per image and epoch.
    """

    images: int
    epochs: int
    is_done: bool = False
    seconds: float = HEAD_SECONDS


def network_seconds(name: str, size: Sequence[int]) -> float:
    """Return about how long a network trains on an image.

    Args:
        name: Name in `models.MODELS`.
        size: Height and width of its input.
    """
    return NETWORK_SECONDS.get(name, 1.0) * size[0] * size[1] / _PIXELS


def announce(
    name: str,
    trainings: Sequence[Training],
    *,
    results: PathName,
    measured: int = 0,
) -> None:
    """Print what will be trained and measured, how long, and where it goes.

    Args:
        name: Name of the script.
        trainings: The trainings, those that are done too.
        results: Folder of results.
        measured: Number of images that are measured in all.
    """
    waiting = [training for training in trainings if not training.is_done]
    done = len(trainings) - len(waiting)
    kinds: dict[tuple[int, int], int] = {}
    for training in waiting:
        kind = (training.epochs, training.images)
        kinds[kind] = kinds.get(kind, 0) + 1
    parts = [
        f"{_count(count, 'training')} of {_count(epochs, 'epoch')} on "
        f"{_count(images, 'image')}"
        for (epochs, images), count in kinds.items()
    ]
    if done:
        parts.append(f"{_count(done, 'training')} done before")
    if measured:
        parts.append(f"{_count(measured, 'image')} to measure")
    seconds = measured * _MEASURING + sum(
        training.images * training.epochs * training.seconds
        for training in waiting
    )
    print(
        f"{name}: {'; '.join(parts) or 'all is done before'}.\n"
        f"Roughly {_duration(seconds)} on one core of a server; less on a GPU. "
        f"Results go to {Path(results)}.\n"
        "Control-C stops it; the same command goes on.",
        flush=True,
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return "a minute"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"
