"""Reading and resizing pictures and maps, with errors that name the file."""

import hashlib
import struct
from pathlib import Path

import cv2
import numpy as np

from keras_saliency.datasets._checks import as_size

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


def read_bytes(path):
    """Return a file's bytes; FileNotFoundError or ValueError name it."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"The file {path} does not exist; it was there, or was named, "
            "when the data set was loaded."
        ) from None
    except OSError as error:
        raise ValueError(f"The file {path} cannot be read: {error}.") from error
    if not data:
        raise ValueError(f"The file {path} is empty.")
    return data


def read_image(path):
    """Read a picture as RGB.

    Grey pictures are repeated to three channels, transparency is dropped, 16
    bits become 8, and a rotation stored in EXIF is applied, all as OpenCV
    does.

    Args:
        path: A file in any format OpenCV reads.

    Returns:
        uint8 array `(height, width, 3)`.
    """
    image = _decode(path, cv2.IMREAD_COLOR)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


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
        raise ValueError(
            f"The map {name} must be an array of numbers of shape "
            f"(height, width); it has shape {array.shape} and type "
            f"{array.dtype}."
        )
    array = array.astype("float32")
    if not np.isfinite(array).all():
        raise ValueError(
            f"The map {name} holds {int((~np.isfinite(array)).sum())} NaN or "
            "infinite values; replace them (by 0 where nobody looked) or "
            "leave the image out."
        )
    if array.min() < 0:
        raise ValueError(
            f"The map {name} holds negative values (minimum "
            f"{array.min():.4g}); a map of fixations or of their density has "
            "none."
        )
    return array


def image_size(path):
    """Return `(height, width)` of a picture or of a `.npy` map.

    The header alone is read where that is certain: PNG, `.npy`, and JPEG
    without EXIF data, whose rotation only the decoder applies.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        shape = _read_npy(path, mmap_mode="r").shape
        if len(shape) == 3 and shape[-1] == 1:
            shape = shape[:2]
        if len(shape) != 2:
            raise ValueError(
                f"The map {path} must have shape (height, width), it has "
                f"{shape}."
            )
        return shape
    data = read_bytes(path)
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
        if b"eXIf" not in data:
            width, height = struct.unpack(">II", data[16:24])
            return height, width
    elif data[:2] == b"\xff\xd8":
        size = _jpeg_size(data)
        if size:
            return size
    return _decode(path, cv2.IMREAD_COLOR, data).shape[:2]


def resize(array, size):
    """Resize a picture or map: area average to shrink, linear to enlarge.

    Args:
        array: Array `(height, width)` or `(height, width, channels)`.
        size: `(height, width)` wanted.

    Returns:
        Array of that size and the same type.
    """
    height, width = as_size(size)
    old_height, old_width = array.shape[:2]
    if (height, width) == (old_height, old_width):
        return array
    if height > old_height and width < old_width:
        # OpenCV averages areas only where both sides shrink.
        array = resize(array, (old_height, width))
    elif height < old_height and width > old_width:
        array = resize(array, (height, old_width))
    shrink = height <= old_height and width <= old_width
    resized = cv2.resize(
        array,
        (width, height),
        interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR,
    )
    return resized.reshape(height, width, *array.shape[2:])


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
    # Some decoders return the rest of a truncated JPEG as grey without a
    # word. Inside the compressed data neither marker can occur.
    truncated = data[:2] == b"\xff\xd8" and data.rfind(
        b"\xff\xd9"
    ) < data.rfind(b"\xff\xda")
    try:
        image = cv2.imdecode(np.frombuffer(data, "uint8"), flags)
    except cv2.error:
        image = None
    if image is None or truncated:
        raise ValueError(
            f"The file {path} cannot be read as a picture: it is "
            + ("truncated" if truncated else "damaged or of another format")
            + ". Replace it or leave it out."
        )
    return image


def _read_npy(path, mmap_mode=None):
    try:
        return np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    except FileNotFoundError:
        raise FileNotFoundError(f"The file {path} does not exist.") from None
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(
            f"The file {path} cannot be read as a NumPy array: {error}"
        ) from error


def _jpeg_size(data):
    position = 2
    while position + 9 < len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == 0xE1 and data[position + 4 : position + 8] == b"Exif":
            return None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return struct.unpack(">HH", data[position + 5 : position + 9])
        position += 2 + length
    return None
