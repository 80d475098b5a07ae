"""The files that videos are in: whether their end is missing."""

from pathlib import Path
from typing import BinaryIO

# Parts of an MP4 or MOV file. Anything else may be what a phone appends.
_PARTS = {b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide"}
_MOST_PARTS = 100_000


def is_cut(path: Path) -> bool:
    """Return whether a file claims to be longer than it is.

    Args:
        path: A video. The length is known of MP4, MOV, AVI, Matroska and WebM;
            others count as whole.
    """
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
