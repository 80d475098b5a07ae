"""Videos, cameras and streams, frame by frame; videos written whole."""

import collections
import contextlib
import dataclasses
import os
import re
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np

from keras_saliency._utils.atomic import replacing
from keras_saliency._utils.containers import is_cut
from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency._utils.types import Array, PathName, Size
from keras_saliency.images import EXTENSIONS as IMAGES
from keras_saliency.images.headers import MAX_PIXELS

EXTENSIONS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
# The schemes that FFmpeg, as OpenCV has it, reads.
_STREAM = re.compile(r"(https?|rtmps?|rtp|rtsps?|srt|tcp|udp)://.", re.I)
# How long an address may take to answer, and to send the next frame.
_WAIT_MILLISECONDS = 10_000
# Where a file does not tell how fast it is, or tells nonsense.
_RATE = 25.0
_HIGHEST_RATE = 1000.0
# Frames that wait for the codec.
_AHEAD = 2
# Frames that a damaged file may lack in one place, of which others follow.
_MOST_MISSING = 250
# A stream without an end tells nonsense.
_MOST_FRAMES = 1e9


@dataclasses.dataclass(frozen=True)
class Video:
    """What `open_video` opened.

    Attributes:
        frames: Generator of uint8 arrays `(height, width, 3)`, RGB.
        rate: Number of frames per second.
        count: Number of frames as the file claims it, `None` if it is not
            known.
        live: Whether the frames come as time goes by and have no end that is
            known: those of a camera, and of most streams.
    """

    frames: Generator[Array, None, None]
    rate: float
    count: int | None = None
    live: bool = False


def is_video(source: PathName | int) -> bool:
    """Return whether it is a video: by a file's name, or a camera, a stream."""
    if is_stream(source) or isinstance(source, int):
        return is_stream(source)
    return Path(source).suffix.lower() in EXTENSIONS


def is_stream(source: object) -> bool:
    """Return whether it is a camera's number, or a stream's address.

    The address of an image, by its ending, is none.
    """
    if isinstance(source, int) and not isinstance(source, bool):
        return source >= 0
    return (
        isinstance(source, str)
        and bool(_STREAM.match(source))
        and not urlsplit(source).path.lower().endswith(IMAGES)
    )


def name_of(source: str | int) -> str:
    """Return a file's name, without extension, for a camera or stream.

    Args:
        source: A number, whose name is `cameraNUMBER`, or an address, whose
            name is its last part without the extension, else the host.
    """
    if isinstance(source, int):
        return f"camera{source}"
    parts = urlsplit(source)
    name = Path(parts.path).stem or parts.hostname or "stream"
    return re.sub(r"[^\w.-]", "_", name)


def shown(source: PathName | int) -> str:
    """Return what a message calls a source: without a password."""
    if isinstance(source, int):
        return f"camera {source}"
    return re.sub(r"(?<=://)[^/@]*@", "", os.fspath(source))


def open_video(source: PathName | int) -> Video:
    """Open a video to read its frames one after the other.

    Args:
        source: A file that OpenCV can read; the number of a camera, from 0;
            or the address of a stream, such as `rtsp://HOST/NAME` or
            `http://HOST/NAME`.

    Returns:
        A `Video`. The camera or stream is released when the iterator ends or
        is closed. In place of frames that are damaged the one before is
        repeated, and a warning at the end says of how many.

    Raises:
        DatasetError: If there is no such file, if it is no video or has no
            frame, or if its end is missing, as after a broken download. The
            last is seen in MP4, MOV, AVI, Matroska and WebM. If a camera or
            stream cannot be opened, or an address does not answer within ten
            seconds.
    """
    if is_stream(source):
        return _open_stream(source)  # type: ignore[arg-type]
    path = Path(source)  # type: ignore[arg-type]
    if not path.is_file():
        raise DatasetNotFoundError(f"There is no file {path}.")
    if is_cut(path):
        raise DatasetError(
            f"The video {path} is damaged: its end is missing. Copy or "
            "download it anew."
        )
    video = _opened(cv2.VideoCapture(str(path)), path)
    if video is None:
        raise DatasetError(
            f"The file {path} cannot be read as a video: it is damaged, has no "
            "frames, or is of a format that OpenCV does not know."
        )
    return video


def _open_stream(source: str | int) -> Video:
    with _quiet():
        if isinstance(source, int):
            capture = cv2.VideoCapture(source)
        else:
            capture = cv2.VideoCapture(
                source,
                cv2.CAP_FFMPEG,
                [
                    cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                    _WAIT_MILLISECONDS,
                    cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                    _WAIT_MILLISECONDS,
                ],
            )
        video = _opened(capture)
    if video is None and isinstance(source, int):
        raise DatasetError(
            f"The camera {source} cannot be opened: it is not there, another "
            "program has it, or this user may not use it."
        )
    if video is None:
        raise DatasetError(
            f"The stream {shown(source)} cannot be opened: nothing answers "
            f"there within {_WAIT_MILLISECONDS // 1000} s, or what it sends is "
            "no video that OpenCV knows."
        )
    return dataclasses.replace(video, live=video.count is None)


def _opened(
    capture: cv2.VideoCapture, path: Path | None = None
) -> Video | None:
    """Return a video whose first frame could be read; `path` is a file's."""
    size = [
        capture.get(side)
        for side in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH)
    ]
    whole, frame = False, None
    if size[0] * size[1] <= MAX_PIXELS:
        whole, frame = _next(capture)
    if not whole:
        capture.release()
        return None
    rate = capture.get(cv2.CAP_PROP_FPS)
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return Video(
        _frames(capture, frame, path),
        rate if 0 < rate <= _HIGHEST_RATE else _RATE,
        round(count) if 0 < count < _MOST_FRAMES else None,
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let OpenCV print nothing: what is wrong is said by us, in a line."""
    log = cv2.utils.logging
    before = log.getLogLevel()
    log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(before)


def noting(
    frames: Iterable[Array],
    times: collections.deque[float],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Array]:
    """Yield frames, and note when each was taken.

    Args:
        frames: Those of a live video.
        times: Where the time of each, in seconds, is added.
        clock: Function that returns the time.
    """
    for frame in frames:
        times.append(clock())
        yield frame


def in_time(
    frames: Iterable[Array], times: collections.deque[float], rate: float
) -> Iterator[Array]:
    """Yield what is shown of frames, so often that it keeps their time.

    A camera seldom sends as many frames as it says, and maps may take longer.
    A frame that came late is repeated for each that is missing; one that was
    early by more than a frame is left out.

    Args:
        frames: What is shown of each frame of a live video, whenever it is
            made.
        times: When each frame came, by `noting`; they are taken from it.
        rate: Number of frames per second.
    """
    begun, given = None, 0
    for frame in frames:
        now = times.popleft()
        begun = now if begun is None else begun
        missing = int((now - begun) * rate) + 1 - given
        # Off by one is nothing but an uneven step.
        repeats = missing if missing > 2 else int(missing > -2)
        for _ in range(repeats):
            yield frame
        given += repeats


def write_video(path: PathName, frames: Iterable[Array], rate: float) -> int:
    """Write a video as MP4; the file gets its name when it is whole.

    Args:
        path: The file, `.mp4`; its folder is made.
        frames: uint8 arrays `(height, width, 3)`, RGB, or `(height, width)`.
            The video has the size of the first, its sides made even; others
            are resized.
        rate: Number of frames per second.

    Returns:
        The number of frames.

    Raises:
        OSError: If it cannot be written, or not read again afterwards, as on
            a full disk; the message names `path`.
        ValueError: If there are no frames.
    """
    with replacing(path) as new:
        count = _write(new, frames, rate)
        if not count:
            raise ValueError(f"The video {path} would have no frames.")
        found = _count(new)
        if found != count:
            raise OSError(
                f"only {found} of {count} frames can be read again; the disk "
                "may be full"
            )
    return count


def _write(path: Path, frames: Iterable[Array], rate: float) -> int:
    writer, size, count = None, (0, 0), 0
    waiting: collections.deque[Future[None]] = collections.deque()
    # Encodes while the next frames are made.
    pool = ThreadPoolExecutor(1, "keras_saliency")
    try:
        for frame in frames:
            if writer is None:
                size = (frame.shape[1], frame.shape[0])
                code = cv2.VideoWriter.fourcc(*"mp4v")
                writer = cv2.VideoWriter(str(path), code, rate, size)
                if not writer.isOpened():
                    raise OSError(
                        f"OpenCV cannot write MP4 of {size[0]}x{size[1]} pixels"
                        f" and {rate:g} frames per second here"
                    )
            waiting.append(pool.submit(_encode, writer, frame, size))
            if len(waiting) > _AHEAD:
                waiting.popleft().result()
            count += 1
        while waiting:
            waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        if writer is not None:
            writer.release()
    return count


def _encode(writer: cv2.VideoWriter, frame: Array, size: Size) -> None:
    if frame.shape[1::-1] != tuple(size):
        # OpenCV would leave it out without a word.
        frame = cv2.resize(frame, size)
    if frame.ndim == 2:
        frame = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
    else:
        frame = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2BGR)
    writer.write(frame)


def _count(path: Path) -> int:
    """Return how many frames a written video has, 0 if it cannot be read."""
    if not path.is_file() or not path.stat().st_size or is_cut(path):
        return 0
    capture = cv2.VideoCapture(str(path))
    try:
        if not _next(capture)[0]:
            return 0
        return round(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        capture.release()


def _frames(
    capture: cv2.VideoCapture, frame: Array | None, path: Path | None
) -> Generator[Array, None, None]:
    """Yield frames; of a file also those that come after damage."""
    damaged = 0
    try:
        while frame is not None:
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            missing, following = 0, _next(capture)[1]
            while following is None and path and missing < _MOST_MISSING:
                missing, following = missing + 1, _next(capture)[1]
            if following is not None:
                damaged += missing
                for _ in range(missing):
                    yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            frame = following
        if damaged:
            warnings.warn(
                f"{damaged} frames of the video {path} are damaged: each "
                "shows the one before.",
                stacklevel=2,
            )
    finally:
        capture.release()


def _next(capture: cv2.VideoCapture) -> tuple[bool, Array | None]:
    try:
        whole, frame = capture.read()
    except cv2.error:
        return False, None
    return (True, frame) if whole else (False, None)
