"""Which data set a folder in the compact form holds, and what reports use.

A folder can be called anything, so what is in it decides.
"""

from collections.abc import Sequence
from typing import Any

from keras_saliency._utils.types import Array
from keras_saliency.datasets.splits import paper_split
from keras_saliency.images import stem

# The blur of MIT1003's published maps, whose first fixation is the forced one
# on the central cross, and 24 pixels for OSIE's 800x600. Other sets blur by 24
# pixels per 1024 of the longer side and use all fixations.
DEFAULTS: dict[str, dict[str, Any]] = {
    "mit1003": {
        "default_sigma": 24.0,
        "first_order": 1,
        "pixels_per_degree": 35.0,
    },
    "osie": {"default_sigma": 24.0},
}

_OSIE_NAMES = {str(number) for number in range(1001, 1701)}
_OSIE_SIZE = (600, 800)


def identify(names: Sequence[str], sizes: Array) -> str | None:
    """Return "MIT1003" or "OSIE" if the images are theirs, or some of them.

    Args:
        names: Name per image.
        sizes: `(height, width)` of the originals.
    """
    if all(name in _OSIE_NAMES for name in names):
        return "OSIE" if (sizes == _OSIE_SIZE).all() else None
    return "MIT1003" if is_mit1003(names, part=True) else None


def is_mit1003(names: Sequence[str], *, part: bool = False) -> bool:
    """Return whether these are the names of MIT1003's images.

    Args:
        names: Name per image.
        part: Whether some of its images suffice.
    """
    known = {name for names in paper_split().values() for name in names}
    found = {stem(name) for name in names}
    return found <= known if part else found == known
