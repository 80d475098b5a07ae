"""The types that public signatures name.

A map is `(height, width)`, an image `(height, width, 3)`, RGB in 0..255.
"""

from collections.abc import Sequence
from typing import Any, Literal

from numpy.typing import ArrayLike, NDArray

from keras_saliency._utils.paths import PathName

Array = NDArray[Any]
# (height, width)
Size = Sequence[int]
# Of a tensor: numbers, and None where one is known only at run time.
Shape = Sequence[Any]
# The backends' tensors have no common static type.
Tensor = Any
Verbose = Literal[0, 1]

__all__ = [
    "Array",
    "ArrayLike",
    "PathName",
    "Shape",
    "Size",
    "Tensor",
    "Verbose",
]
