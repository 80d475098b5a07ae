"""Reading and resizing pictures and maps, with errors that name the file."""

import hashlib
import io
import os
import re
import struct
from pathlib import Path

import cv2
import numpy as np

from keras_saliency.datasets._checks import as_size
from keras_saliency.datasets.errors import DatasetError, DatasetNotFoundError

# Longest first, so that the stem of "a.tiff" is never taken as "a.t".
EXTENSIONS = (
    ".jpeg",
    ".tiff",
    ".webp",
    ".jpg",
    ".jpe",
    ".png",
    ".bmp",
    ".tif",
    ".ppm",
    ".pgm",
)

# No picture of a saliency data set comes near either; a damaged header does.
_MAX_BYTES = 2**28
_MAX_PIXELS = 2**26
# Decodes to RGB at once where OpenCV can, without a second pass.
_RGB = getattr(cv2, "IMREAD_COLOR_RGB", None)


def stem(name):
    """Return a stimulus' name without its picture extension.

    Only the extensions of picture files (and `.npy`) are taken off, so a name
    with dots in it stays whole.
    """
    name = str(name)
    lower = name.lower()
    for extension in (*EXTENSIONS, ".npy"):
        if lower.endswith(extension) and len(name) > len(extension):
            return name[: -len(extension)]
    return name


def read_bytes(path, limit=_MAX_BYTES):
    """Return a file's bytes; a `DatasetError` names it otherwise.

    Args:
        path: The file.
        limit: Most bytes that a file of this kind may have.

    Returns:
        The bytes, at least one.
    """
    try:
        with open(path, "rb") as file:
            # `read` takes memory for all it is asked for.
            size = os.fstat(file.fileno()).st_size
            data = file.read(min(size, limit) + 1)
    except FileNotFoundError:
        raise DatasetNotFoundError(
            f"The file {path} does not exist; it was there, or was named, "
            "when the data set was loaded."
        ) from None
    except OSError as error:
        raise DatasetError(
            f"The file {path} cannot be read: {error}."
        ) from error
    if not data:
        raise DatasetError(f"The file {path} is empty.")
    if len(data) > limit:
        raise DatasetError(
            f"The file {path} has more than {limit >> 20} MiB, which no file "
            "of its kind has; replace it or leave it out."
        )
    return data


def read_image(path, exif=True, at_least=None):
    """Read a picture as RGB.

    Grey pictures are repeated to three channels, transparency is dropped, 16
    bits become 8, and a rotation stored in EXIF is applied, all as OpenCV
    does.

    Args:
        path: A JPEG, PNG, BMP, TIFF, WebP or PNM file.
        exif: Whether a rotation stored in EXIF is applied.
        at_least: `(height, width)` that suffices. A JPEG that is twice, four
            or eight times as large in both directions is decoded at a half,
            a quarter or an eighth, in a fraction of the time.

    Returns:
        uint8 array `(height, width, 3)`.
    """
    data = read_bytes(path)
    flags = cv2.IMREAD_COLOR
    if at_least is not None and data[:2] == b"\xff\xd8":
        size = _checked_size(path, data)
        if exif and _has_exif(data):
            # May be turned: suffice either way.
            size, at_least = [min(size)] * 2, [max(at_least)] * 2
        flags = _reduction(size, at_least)
    turn = 0 if exif else cv2.IMREAD_IGNORE_ORIENTATION
    if _RGB is not None and flags == cv2.IMREAD_COLOR:
        return _decode(path, _RGB | turn, data)
    image = _decode(path, flags | turn, data)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)


def _reduction(size, at_least):
    factor = min(size[0] // at_least[0], size[1] // at_least[1])
    for least, flag in (
        (8, cv2.IMREAD_REDUCED_COLOR_8),
        (4, cv2.IMREAD_REDUCED_COLOR_4),
        (2, cv2.IMREAD_REDUCED_COLOR_2),
    ):
        if factor >= least:
            return flag
    return cv2.IMREAD_COLOR


def read_map(path):
    """Read a density or fixation map: a picture, or an array in `.npy`.

    Args:
        path: Picture (colour is turned to grey, 16 bits are kept) or `.npy`
            file with an array `(height, width)` or `(height, width, 1)`.

    Returns:
        float32 array `(height, width)`, every value finite and not negative.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        array = _read_npy(path)
    else:
        array = _decode(path, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    return check_map(array, path)


def check_map(array, name):
    """Return a map as float32 `(height, width)`, or raise naming it."""
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 2 or array.dtype.kind not in "buif" or not array.size:
        raise DatasetError(
            f"The map {name} must be an array of numbers of shape "
            f"(height, width); it has shape {array.shape} and type "
            f"{array.dtype}."
        )
    array = array.astype("float32")
    if not np.isfinite(array).all():
        raise DatasetError(
            f"The map {name} holds {int((~np.isfinite(array)).sum())} NaN or "
            "infinite values; replace them (by 0 where nobody looked) or "
            "leave the image out."
        )
    if array.min() < 0:
        raise DatasetError(
            f"The map {name} holds negative values (minimum "
            f"{array.min():.4g}); a map of fixations or of their density has "
            "none."
        )
    return array


def image_size(path, exif=True):
    """Return `(height, width)` of a picture or of a `.npy` map.

    The header alone is read where that is certain: PNG, `.npy`, and JPEG
    without EXIF data, whose rotation only the decoder applies.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        shape = _read_npy(path).shape
        if len(shape) == 3 and shape[-1] == 1:
            shape = shape[:2]
        if len(shape) != 2:
            raise DatasetError(
                f"The map {path} must have shape (height, width), it has "
                f"{shape}."
            )
        return shape
    data = read_bytes(path)
    size = _checked_size(path, data)
    if data[:2] == b"\xff\xd8":
        certain = not _has_exif(data)
    else:
        certain = data[:4] == b"\x89PNG" and b"eXIf" not in data
    if certain or not exif:
        return size
    return _decode(path, cv2.IMREAD_COLOR, data).shape[:2]


def resize(array, size, out=None):
    """Resize a picture or map: area average to shrink, linear to enlarge.

    A picture (uint8, three channels) that shrinks by less than two in both
    directions is interpolated linearly too, at a quarter of the cost and with
    a mean difference below one grey level.

    Args:
        array: Array `(height, width)` or `(height, width, channels)`.
        size: `(height, width)` wanted.
        out: Array of that size and the same type to write to.

    Returns:
        Array of that size and the same type: `out` if given, else `array`
        where it has the size already.
    """
    height, width = as_size(size)
    old_height, old_width = array.shape[:2]
    shape = (height, width, *array.shape[2:])
    if out is not None and not (
        out.shape == shape
        and out.dtype == array.dtype
        and out.flags.c_contiguous
    ):
        # OpenCV would write elsewhere without a word.
        raise ValueError(
            f"out must be a contiguous array of {array.dtype} and shape "
            f"{shape}; received {out.dtype} of shape {out.shape}."
        )
    if (height, width) == (old_height, old_width):
        if out is None:
            return array
        out[...] = array
        return out
    if height > old_height and width < old_width:
        # OpenCV averages areas only where both sides shrink.
        array = resize(array, (old_height, width))
    elif height < old_height and width > old_width:
        array = resize(array, (height, old_width))
    area = height <= old_height and width <= old_width
    if array.dtype == np.uint8 and array.shape[2:] == (3,):
        area = area and not (old_height < 2 * height and old_width < 2 * width)
    resized = cv2.resize(
        array,
        (width, height),
        dst=out,
        interpolation=cv2.INTER_AREA if area else cv2.INTER_LINEAR,
    )
    return resized.reshape(shape)


def digest(source):
    """Return a hash of a picture's content: of a file's bytes or an array."""
    state = hashlib.blake2b(digest_size=16)
    if isinstance(source, np.ndarray):
        state.update(f"{source.shape}{source.dtype.str}".encode())
        state.update(np.ascontiguousarray(source))
    else:
        state.update(read_bytes(source))
    return state.hexdigest()


def _decode(path, flags, data=None):
    data = read_bytes(path) if data is None else data
    _checked_size(path, data)
    # Some decoders return the rest of a truncated JPEG as grey without a
    # word. Inside the compressed data neither marker can occur.
    truncated = False
    if data[:2] == b"\xff\xd8":
        end = data.rfind(b"\xff\xd9")
        truncated = end < 0 or data.find(b"\xff\xda", end) >= 0
    try:
        image = cv2.imdecode(np.frombuffer(data, "uint8"), flags)
    except cv2.error:
        image = None
    if image is None or truncated:
        raise _unreadable(path, truncated)
    return image


def _unreadable(path, truncated=False):
    return DatasetError(
        f"The file {path} cannot be read as a picture: it is "
        + ("truncated" if truncated else "damaged or of another format")
        + ". Replace it or leave it out."
    )


def _checked_size(path, data):
    """Height and width that a picture's header claims, if credible."""
    try:
        size = _header_size(data)
    except (struct.error, ValueError, IndexError):
        size = None
    if size is None or min(size) < 1:
        raise _unreadable(path)
    if size[0] * size[1] > _MAX_PIXELS:
        raise DatasetError(
            f"The picture {path} claims to be {size[0]} high and {size[1]} "
            f"wide, more than {_MAX_PIXELS >> 20} million pixels: it is "
            "damaged, or must be reduced first."
        )
    return size


def _header_size(data):
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        _check_chunks(data)
        return struct.unpack(">II", data[16:24])[::-1]
    if data[:2] == b"BM":
        width, height = struct.unpack("<ii", data[18:26])
        return abs(height), abs(width)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size(data)
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _tiff_size(data)
    if data[:1] == b"P" and data[1:2] in b"123456":
        # Magic, width and height, with comments up to the end of their line.
        words = re.sub(rb"#[^\n]*", b"", data[:1024]).split(None, 3)
        return int(words[2]), int(words[1])
    return None


def _check_chunks(data):
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


def _jpeg_size(data):
    for marker, position in _jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return struct.unpack(">HH", data[position + 5 : position + 9])
    return None


def _has_exif(data):
    return any(
        marker == 0xE1 and data[position + 4 : position + 8] == b"Exif"
        for marker, position in _jpeg_segments(data)
    )


def _jpeg_segments(data):
    position = 2
    while position + 9 < len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # padding
            position += 1
            continue
        yield marker, position
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")


def _webp_size(data):
    if data[12:16] == b"VP8X":
        sides = data[24:27], data[27:30]
        width, height = (int.from_bytes(s, "little") + 1 for s in sides)
    elif data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (v & 0x3FFF for v in struct.unpack("<HH", data[26:30]))
    return height, width


def _tiff_size(data):
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


def parse_npy(data):
    """Return the array in the bytes of a `.npy` file.

    NumPy would allocate what a header claims, so that is checked first.
    """
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(stream)
    else:
        header = np.lib.format.read_array_header_2_0(stream)
    shape, _, dtype = header
    size = dtype.itemsize
    for side in shape:
        size *= side
    if dtype.hasobject or size != len(data) - stream.tell():
        raise ValueError(
            f"its data have not the size of {dtype} of shape {shape}"
        )
    stream.seek(0)
    return np.load(stream, allow_pickle=False)


def _read_npy(path):
    data = read_bytes(path)
    try:
        array = parse_npy(data)
        if array.size > _MAX_PIXELS:
            raise ValueError(f"it holds {array.size} values")
        return array
    except Exception as error:  # a damaged header raises nearly anything
        raise DatasetError(
            f"The file {path} cannot be read as a NumPy array: {error}"
        ) from error
