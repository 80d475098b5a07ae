"""What the authors of a model do to images before and to maps after."""

import math

from keras_saliency._utils.checks import as_number
from keras_saliency.steps import MapSteps, Step


class PaddedImages:
    """Mixin of models whose authors keep an image's proportions.

    The image is laid among zeros, the map is cut out at the image's size,
    blurred and divided by its peak.

    Attributes:
        keep_proportions: Whether to do so. `False` stretches the image to the
            input, as `datasets.SaliencySequence` does in training.
        blur: Sigma of the Gaussian in pixels of the image; 0 for none.
    """

    keep_proportions: bool
    blur: float

    def map_steps(self) -> MapSteps:
        """See `SaliencyModel.map_steps`."""
        blur: list[Step] = [("blur", self.blur)] if self.blur else []
        return MapSteps(
            ("pad",) if self.keep_proportions else ("stretch",),
            (
                ("unpad",) if self.keep_proportions else ("resize",),
                *blur,
                ("divide_by_peak",),
            ),
        )


def check_blur(blur: float) -> float:
    """Return the argument `blur` as Python's number.

    Raises:
        ValueError: If it is no number from 0 on.
    """
    sigma = as_number(blur)
    if sigma is None or not 0 <= sigma < math.inf:
        raise ValueError(
            "blur must be a sigma in pixels of the image, or 0 for none; "
            f"received {blur!r}."
        )
    return sigma
