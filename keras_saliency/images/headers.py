"""The headers of image files, read before the images are decoded."""

import contextlib
import math
import re
import struct
from collections.abc import Iterator

from keras_saliency._utils.errors import DatasetError
from keras_saliency._utils.types import PathName

# No image of a saliency data set comes near it; a damaged header does.
MAX_PIXELS = 2**26

# What ends, or interrupts, the compressed data of a JPEG: a marker that is
# neither a stuffed zero, nor padding, nor a restart.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
# The markers that may stand there: tables, scans, comments, applications'.
_KNOWN_MARKERS = {0xC4, 0xCC, *range(0xD8, 0xE0), *range(0xE0, 0xF0), 0xFE}
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA


def unreadable(path: PathName, *, truncated: bool = False) -> DatasetError:
    """Return the error for a file that is no image, or is truncated."""
    return DatasetError(
        f"The file {path} cannot be read as an image: it is "
        + ("truncated" if truncated else "damaged or of another format")
        + ". Replace it or leave it out."
    )


def checked_size(path: PathName, data: bytes) -> tuple[int, int]:
    """Return `(height, width)` by an image's header, or raise if absurd.

    Args:
        path: The file, for errors.
        data: Its bytes.

    Raises:
        DatasetError: If the file has no image's header, or the header claims
            more than `MAX_PIXELS`.
    """
    try:
        size = _header_size(data)
    except (struct.error, ValueError, IndexError):
        size = None
    if size is None or min(size) < 1:
        raise unreadable(path)
    if size[0] * size[1] > MAX_PIXELS:
        raise DatasetError(
            f"The image {path} is {size[0]} high and {size[1]} wide by its "
            f"header; received {size[0] * size[1]} pixels, where at most "
            f"{MAX_PIXELS} (8192 x 8192) are read. Reduce it in an image "
            "editor first; if it is not that large it is damaged."
        )
    return size


def _header_size(data: bytes) -> tuple[int, int] | None:
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        _check_chunks(data)
        width, height = struct.unpack(">II", data[16:24])
        return height, width
    if data[:2] == b"BM":
        width, height = struct.unpack("<ii", data[18:26])
        return abs(height), abs(width)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size(data)
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _tiff_size(data)
    if data[:1] == b"P" and data[1:2] in b"123456":
        words = _pnm_words(data)
        return int(words[2]), int(words[1])
    if optional_format(data) == "GIF":
        width, height = struct.unpack("<HH", data[6:10])
        return height, width
    if optional_format(data) == "AVIF":
        return _avif_size(data)
    return None


def optional_format(data: bytes) -> str | None:
    """Return the name of a format with which OpenCV may not be built."""
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[4:8] == b"ftyp":
        length = min(int.from_bytes(data[:4], "big"), 256)
        if {b"avif", b"avis"} & {data[k : k + 4] for k in range(8, length, 4)}:
            return "AVIF"
    return None


def _pnm_words(data: bytes) -> list[bytes]:
    """Return a PNM file's magic, width, height, peak and what follows."""
    # There are comments, each up to the end of its line.
    return re.sub(rb"#[^\n]*", b"", data[:1024]).split(None, 4)


def pnm_peak(data: bytes) -> int | None:
    """Return the number of white in a PNM file, if it is an unusual one."""
    if data[:2] not in (b"P2", b"P3", b"P5", b"P6"):
        return None
    with contextlib.suppress(ValueError, IndexError):
        peak = int(_pnm_words(data)[3])
        if data[:2] in (b"P2", b"P3") and peak <= 255:
            return None  # OpenCV scales numbers that are written as text
        return None if peak in (255, 65535) or peak < 1 else peak
    return None


def _avif_size(data: bytes) -> tuple[int, int] | None:
    """Return the largest size that an AVIF states, of all images in it."""
    end = data.find(b"mdat")
    sizes: list[tuple[int, int]] = []
    start = data.find(b"ispe")
    while 0 <= start and (start < end or end < 0 or not sizes):
        width, height = struct.unpack(">II", data[start + 8 : start + 16])
        sizes.append((height, width))
        start = data.find(b"ispe", start + 4)
    return max(sizes, key=math.prod, default=None)


def _check_chunks(data: bytes) -> None:
    """Raise if a chunk of a PNG claims more bytes than there are.

    The decoder would allocate them, up to 2 GiB.
    """
    position = 8
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        position += 12 + length
        if position > len(data):
            raise ValueError("a chunk is longer than the file")
        if kind == b"IEND":
            return
    raise ValueError("the end is missing")


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    for marker, position in _jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(
                ">HH", data[position + 5 : position + 9]
            )
            return height, width
    return None


def jpeg_is_whole(data: bytes) -> bool:
    """Return whether the bytes hold a JPEG up to its end.

    The end is looked for segment by segment: what looks like it in an
    embedded thumbnail does not count, and neither does anything behind it.
    """
    position, in_scan = 2, False
    while found := _MARKER.search(data, position):
        marker, position = data[found.start() + 1], found.end()
        if marker == _END_OF_IMAGE:
            return in_scan
        if marker not in _KNOWN_MARKERS and (
            in_scan or not 0xC0 <= marker <= 0xCF
        ):
            return False  # the data are cut, and something else follows
        in_scan = in_scan or marker == _START_OF_SCAN
        position += int.from_bytes(data[position : position + 2], "big")
    return False


def has_exif(data: bytes) -> bool:
    """Return whether the bytes of a JPEG hold EXIF data."""
    return any(
        marker == 0xE1 and data[position + 4 : position + 8] == b"Exif"
        for marker, position in _jpeg_segments(data)
    )


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the marker and the position of each segment of a JPEG."""
    position = 2
    while position + 9 < len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # padding
            position += 1
            continue
        yield marker, position
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")


def _webp_size(data: bytes) -> tuple[int, int]:
    if data[12:16] == b"VP8X":
        sides = data[24:27], data[27:30]
        width, height = (int.from_bytes(s, "little") + 1 for s in sides)
    elif data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (v & 0x3FFF for v in struct.unpack("<HH", data[26:30]))
    return height, width


def _tiff_size(data: bytes) -> tuple[int, int] | None:
    order = "<" if data[:2] == b"II" else ">"
    start = struct.unpack(order + "I", data[4:8])[0]
    count = struct.unpack(order + "H", data[start : start + 2])[0]
    found = {}
    for k in range(count):
        entry = data[start + 2 + 12 * k : start + 14 + 12 * k]
        tag, kind = struct.unpack(order + "HH", entry[:4])
        if tag in (256, 257):
            form = "H" if kind == 3 else "I"
            found[tag] = struct.unpack_from(order + form, entry, 8)[0]
    return (found[257], found[256]) if len(found) == 2 else None
