"""Videos, frame by frame: read, and written whole or not at all."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from keras_saliency._utils.atomic import replacing
from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency._utils.types import Array, PathName
from keras_saliency.images.headers import MAX_PIXELS

EXTENSIONS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
# Where a file does not tell how fast it is, or tells nonsense.
_RATE = 25.0
_HIGHEST_RATE = 1000.0
# Parts of an MP4 or MOV file. Anything else may be what a phone appends.
_PARTS = {b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide"}
_MOST_PARTS = 100_000


def is_video(path: PathName) -> bool:
    """Return whether a file's name is that of a video."""
    return Path(path).suffix.lower() in EXTENSIONS


def open_video(path: PathName) -> tuple[Iterator[Array], float]:
    """Open a video to read its frames one after the other.

    Args:
        path: A file that OpenCV can read.

    Returns:
        An iterator over uint8 arrays `(height, width, 3)`, RGB; and the
        number of frames per second.

    Raises:
        DatasetError: If there is no such file, if it is no video or has no
            frame, or if its end is missing, as after a broken download. The
            last is seen in MP4, MOV, AVI, Matroska and WebM.
    """
    path = Path(path)
    if not path.is_file():
        raise DatasetNotFoundError(f"There is no file {path}.")
    if _is_cut(path):
        raise DatasetError(
            f"The video {path} is damaged: its end is missing. Copy or "
            "download it anew."
        )
    capture = cv2.VideoCapture(str(path))
    size = [
        capture.get(side)
        for side in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH)
    ]
    whole, frame = False, None
    if size[0] * size[1] <= MAX_PIXELS:
        whole, frame = _next(capture)
    if not whole:
        capture.release()
        raise DatasetError(
            f"The file {path} cannot be read as a video: it is damaged, has no "
            "frames, or is of a format that OpenCV does not know."
        )
    rate = capture.get(cv2.CAP_PROP_FPS)
    return _frames(capture, frame), rate if 0 < rate <= _HIGHEST_RATE else _RATE


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
            if frame.shape[1::-1] != size:
                # OpenCV would leave it out without a word.
                frame = cv2.resize(frame, size)
            if frame.ndim == 2:
                frame = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
            else:
                frame = np.ascontiguousarray(frame[..., ::-1])
            writer.write(frame)
            count += 1
    finally:
        if writer is not None:
            writer.release()
    return count


def _count(path: Path) -> int:
    """Return how many frames a written video has, 0 if it cannot be read."""
    if not path.is_file() or not path.stat().st_size or _is_cut(path):
        return 0
    capture = cv2.VideoCapture(str(path))
    try:
        if not _next(capture)[0]:
            return 0
        return round(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        capture.release()


def _frames(capture: cv2.VideoCapture, frame: Array | None) -> Iterator[Array]:
    try:
        while frame is not None:
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            frame = _next(capture)[1]
    finally:
        capture.release()


def _next(capture: cv2.VideoCapture) -> tuple[bool, Array | None]:
    try:
        whole, frame = capture.read()
    except cv2.error:
        return False, None
    return (True, frame) if whole else (False, None)


def _is_cut(path: Path) -> bool:
    """Return whether a file claims to be longer than it is."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(64)
        if head[4:8] in _PARTS:
            return _mp4_is_cut(file, size)
        if head[:4] == b"RIFF":
            length = int.from_bytes(head[4:8], "little")
            # Unknown while a program still writes it. A byte fills it up.
            return length not in (0, 2**32 - 1) and length + 8 > size + 1
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return _matroska_is_cut(head, size)
    return False


def _mp4_is_cut(file: BinaryIO, size: int) -> bool:
    at = 0
    for _ in range(_MOST_PARTS):
        if at + 8 > size:
            break
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8 or head[4:8] not in _PARTS and at + length > size:
            break
        at += length
    return at > size


def _matroska_is_cut(head: bytes, size: int) -> bool:
    start, length = _matroska_number(head, 4)
    at = start + length
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        return False
    start, length = _matroska_number(head, at + 4)
    bits = 7 * (start - at - 4)
    # All ones: unknown, as of a stream.
    return length != 2**bits - 1 and start + length > size


def _matroska_number(head: bytes, at: int) -> tuple[int, int]:
    """Return where a number of varying length ends, and the number."""
    first = head[at] if at < len(head) else 0
    width = 9 - first.bit_length()
    number = int.from_bytes(head[at : at + width], "big")
    return at + width, number & (2 ** (7 * width) - 1)
