"""Images and maps: reading, checking, resizing."""

from keras_saliency.images.checks import (
    check_image,
    check_map,
    check_pixels,
    plain_map,
)
from keras_saliency.images.headers import has_exif
from keras_saliency.images.peak import divide_by_peak
from keras_saliency.images.reading import (
    EXTENSIONS,
    decode_image,
    digest,
    image_size,
    normal,
    parse_npy,
    read_bytes,
    read_image,
    read_map,
    read_values,
    stem,
)
from keras_saliency.images.resizing import as_size, imresize, resize

__all__ = [
    "EXTENSIONS",
    "as_size",
    "check_image",
    "check_map",
    "check_pixels",
    "decode_image",
    "digest",
    "divide_by_peak",
    "has_exif",
    "image_size",
    "imresize",
    "normal",
    "parse_npy",
    "plain_map",
    "read_bytes",
    "read_image",
    "read_map",
    "read_values",
    "resize",
    "stem",
]
