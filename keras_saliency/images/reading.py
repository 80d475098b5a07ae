"""Images and maps from files, with errors that name the file."""

import contextlib
import hashlib
import io
import os
import re
import unicodedata
from pathlib import Path

import cv2
import numpy as np

from keras_saliency._utils.checks import check_regular
from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency._utils.types import Array, PathName, Size
from keras_saliency.images import headers
from keras_saliency.images.checks import check_map

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
    ".avif",
    ".gif",
)

# No image of a saliency data set comes near it.
_MAX_BYTES = 2**28
# Decodes to RGB at once where OpenCV can, without a second pass.
_RGB = getattr(cv2, "IMREAD_COLOR_RGB", None)


def stem(name: PathName) -> str:
    """Return the name of an image without its extension.

    Only the extensions of image files (and `.npy`) are taken off, so a name
    with dots in it stays whole. Letters with accents are composed (NFC), so
    that the names of macOS and of other systems are the same.
    """
    name = normal(str(name))
    lower = name.lower()
    for extension in (*EXTENSIONS, ".npy"):
        if lower.endswith(extension) and len(name) > len(extension):
            return name[: -len(extension)]
    return name


def normal(name: str) -> str:
    """Return a name with its accents composed (NFC), as names are compared."""
    return unicodedata.normalize("NFC", name)


def read_bytes(path: PathName, *, limit: int = _MAX_BYTES) -> bytes:
    """Return a file's bytes.

    Args:
        path: The file.
        limit: Most bytes that a file of this kind may have.

    Returns:
        The bytes, at least one.

    Raises:
        DatasetError: If the file is missing, empty, too large or cannot be
            read.
    """
    try:
        check_regular(path)
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


def read_image(
    path: PathName, *, exif: bool = True, at_least: Size | None = None
) -> Array:
    """Read an image as RGB.

    Gray images are repeated to three channels, transparency is dropped, 16
    bits become 8, and a rotation stored in EXIF is applied, all as OpenCV
    does. Of moving images it is the first. What follows a whole JPEG in its
    file, such as the film of a phone, is passed over.

    Args:
        path: A JPEG, PNG, BMP, TIFF, WebP or PNM file; GIF and AVIF where
            OpenCV was built with them.
        exif: Whether a rotation stored in EXIF is applied.
        at_least: `(height, width)` that suffices. A JPEG that is twice, four
            or eight times as large in both directions is decoded at a half,
            a quarter or an eighth, in a fraction of the time.

    Returns:
        uint8 array `(height, width, 3)`.

    Raises:
        DatasetError: If the file is missing, damaged or no image.
    """
    return decode_image(read_bytes(path), path, exif=exif, at_least=at_least)


def decode_image(
    data: bytes,
    name: PathName | None = None,
    *,
    exif: bool = True,
    at_least: Size | None = None,
) -> Array:
    """Return the image that a file's bytes hold; see `read_image`.

    Args:
        data: The bytes.
        name: What an error calls the file.
        exif: As for `read_image`.
        at_least: As for `read_image`.

    Returns:
        uint8 array `(height, width, 3)`.

    Raises:
        DatasetError: If they are damaged or of no image.
    """
    path = f"of {len(data)} bytes" if name is None else name
    if not data:
        raise DatasetError(f"The file {path} is empty.")
    flags = cv2.IMREAD_COLOR
    peak = headers.pnm_peak(data)
    if peak is not None:
        # OpenCV takes the numbers as if they went to 255, or to 65535.
        deep = _decode(path, flags | cv2.IMREAD_ANYDEPTH, data)
        image = np.rint(np.minimum(deep / peak, 1) * 255).astype("uint8")
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)
    if at_least is not None and data[:2] == b"\xff\xd8":
        size = headers.checked_size(path, data)
        if exif and headers.has_exif(data):
            # May be turned: suffice either way.
            side = max(at_least)
            size, at_least = (min(size), min(size)), (side, side)
        flags = _reduction(size, at_least)
    turn = 0 if exif else cv2.IMREAD_IGNORE_ORIENTATION
    if _RGB is not None and flags == cv2.IMREAD_COLOR:
        return _decode(path, _RGB | turn, data)
    image = _decode(path, flags | turn, data)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)


def _reduction(size: Size, at_least: Size) -> int:
    """Return the flag of OpenCV by which a JPEG is decoded smaller."""
    factor = min(size[0] // at_least[0], size[1] // at_least[1])
    for least, flag in (
        (8, cv2.IMREAD_REDUCED_COLOR_8),
        (4, cv2.IMREAD_REDUCED_COLOR_4),
        (2, cv2.IMREAD_REDUCED_COLOR_2),
    ):
        if factor >= least:
            return flag
    return cv2.IMREAD_COLOR


def read_map(path: PathName) -> Array:
    """Read a density or fixation map: an image, or an array in `.npy`.

    Args:
        path: Image (color is turned to gray, 16 bits are kept) or `.npy`
            file with an array `(height, width)` or `(height, width, 1)`.

    Returns:
        float32 array `(height, width)`, every value finite and not negative.

    Raises:
        DatasetError: If the file is missing, damaged or holds no map.
    """
    return check_map(read_values(path), path)


def read_values(path: PathName) -> Array:
    """Read the numbers of a map file as they are.

    Args:
        path: As for `read_map`.

    Returns:
        The array of a `.npy` file; of an image `(height, width)`, uint8,
        uint16 or float32.

    Raises:
        DatasetError: If the file is missing or damaged.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        return _read_npy(path)
    return _decode(path, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)


def image_size(path: PathName, *, exif: bool = True) -> tuple[int, int]:
    """Return `(height, width)` of an image or of a `.npy` map.

    The header alone is read where that is certain: PNG, `.npy`, and JPEG
    without EXIF data, whose rotation only the decoder applies.

    Args:
        path: The file.
        exif: Whether a rotation stored in EXIF is applied.
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
    size = headers.checked_size(path, data)
    if data[:2] == b"\xff\xd8":
        certain = not headers.has_exif(data)
    else:
        certain = data[:4] == b"\x89PNG" and b"eXIf" not in data
    # The size in AVIF is that before turning and cropping.
    if certain or (not exif and headers.optional_format(data) != "AVIF"):
        return size
    # In any depth: OpenCV makes no color of 32-bit TIFF files.
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH
    return _decode(path, flags, data).shape[:2]


def digest(source: PathName | Array) -> str:
    """Return a hash of an image's content: of a file's bytes or an array."""
    state = hashlib.blake2b(digest_size=16)
    if isinstance(source, np.ndarray):
        state.update(f"{source.shape}{source.dtype.str}".encode())
        state.update(np.ascontiguousarray(source).data)
    else:
        state.update(read_bytes(source))
    return state.hexdigest()


def _decode(path: PathName, flags: int, data: bytes | None = None) -> Array:
    data = read_bytes(path) if data is None else data
    headers.checked_size(path, data)
    # Some decoders return the rest of a truncated JPEG as gray without a
    # word.
    truncated = data[:2] == b"\xff\xd8" and not headers.jpeg_is_whole(data)
    image = None
    if not truncated:
        with contextlib.suppress(cv2.error):
            image = cv2.imdecode(np.frombuffer(data, "uint8"), flags)
    if image is None:
        _explain_build(path, data)
        raise headers.unreadable(path, truncated=truncated)
    return image


def _explain_build(path: PathName, data: bytes) -> None:
    """Raise if OpenCV was built without the format of a file."""
    name = headers.optional_format(data)
    if name is None:
        return
    line = re.search(rf"^\s*{name}:\s*(.*)$", cv2.getBuildInformation(), re.M)
    if line is None or line[1].strip() in ("", "NO"):
        raise DatasetError(
            f"The file {path} cannot be read as an image: this build of OpenCV "
            f"({cv2.__version__}) has no {name}. Convert it to PNG or JPEG, or "
            "install another build of opencv-python."
        )


def parse_npy(data: bytes) -> Array:
    """Return the array in the bytes of a `.npy` file.

    NumPy would allocate what a header claims, so that is checked first.

    Raises:
        ValueError: If the header claims more or less than there is, or
            Python objects.
    """
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(stream)
    else:
        header = np.lib.format.read_array_header_2_0(stream)
    shape, fortran, dtype = header
    count = 1
    for side in shape:
        if side < 0:
            raise ValueError(f"it claims the shape {shape}")
        count *= side
    if (
        dtype.hasobject
        or count * dtype.itemsize != len(data) - stream.tell()
        or (count and not dtype.itemsize)
    ):
        raise ValueError(
            f"its data have not the size of {dtype} of shape {shape}"
        )
    # Without a copy of the data, which may be large.
    array = np.frombuffer(data, dtype, count, stream.tell())
    if dtype.kind == "U" and count:
        characters = array.view(np.dtype("u4").newbyteorder(dtype.byteorder))
        if characters.max() > 0x10FFFF:
            raise ValueError("it holds characters that there are not")
    return array.reshape(shape, order="F" if fortran else "C")


def _read_npy(path: PathName) -> Array:
    data = read_bytes(path)
    try:
        array = parse_npy(data)
        if array.size > headers.MAX_PIXELS:
            raise ValueError(f"it holds {array.size} values")
        return array
    except Exception as error:  # a damaged header raises nearly anything
        raise DatasetError(
            f"The file {path} cannot be read as a NumPy array: {error}"
        ) from error
