"""Maps of a video of which the network sees only some frames."""

import collections
from collections.abc import Iterable, Iterator

import cv2

from keras_saliency import images
from keras_saliency._utils.checks import whole_number
from keras_saliency._utils.types import Array
from keras_saliency.prediction.outcome import Outcome
from keras_saliency.prediction.predictor import Predictor


def outcomes_of_frames(
    predictor: Predictor,
    frames: Iterable[Array],
    every: int = 1,
    *,
    live: bool = False,
) -> Iterator[Outcome]:
    """Return an iterator over what becomes of each frame.

    The network sees frames 0, N, 2N, ... of the video, where N is `every`.
    Frame kN + j between two of them shows `m / max(m)`, where
    `m = (1 - j/N) m[kN] + (j/N) m[kN + N]`; frames after the last that it
    saw show the map of that one. Scenes that are cut dissolve within N
    frames.

    Args:
        predictor: Makes the maps.
        frames: uint8 arrays `(height, width, 3)`, RGB, in their order. Up to
            32 are taken ahead, or 4N where that is more: 330 MB of 1280x720
            with N = 30.
        every: N, a whole number from 1 on; 1 shows each frame's own map.
        live: Whether they come from a camera. The network then gets them one
            by one, so that no map waits for a batch of later frames.

    Raises:
        ValueError: If `every` is another number.
    """
    count = whole_number("predict", "every", every)
    # As many frames wait for the network as if it saw all of them.
    batch_size = 1 if live else max(1, predictor.batch_size // count)
    if batch_size != predictor.batch_size:
        predictor = Predictor(predictor, batch_size=batch_size)
    if count == 1:
        return predictor.outcomes(frames)
    return _with_mixed(predictor, frames, count)


def _with_mixed(
    predictor: Predictor, frames: Iterable[Array], every: int
) -> Iterator[Outcome]:
    unseen: collections.deque[Array] = collections.deque()

    def seen() -> Iterator[Array]:
        for number, frame in enumerate(frames):
            if number % every:
                unseen.append(frame)
            else:
                yield frame

    before: Outcome | None = None
    for after in predictor.outcomes(seen()):
        if before is not None:
            for step in range(1, every):
                yield _mixed(unseen.popleft(), before, after, step / every)
        before = after
        # Whoever takes a map may change it.
        yield (
            after if after.map is None else after._replace(map=after.map.copy())
        )
    for frame in unseen:
        assert before is not None
        yield _mixed(frame, before, before, 0.0)


def _mixed(
    frame: Array, before: Outcome, after: Outcome, share: float
) -> Outcome:
    """Return the outcome of a frame between two, by the share of the later."""
    if before.map is None or after.map is None:
        nearer = before if share < 0.5 else after
        before = after = nearer
    if before.map is None or after.map is None:
        return before._replace(image=frame)
    size = frame.shape[:2]
    mean = cv2.addWeighted(
        images.resize(before.map, size),
        1 - share,
        images.resize(after.map, size),
        share,
        0,
    )
    return Outcome(frame, images.divide_by_peak(mean))
