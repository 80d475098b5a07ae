"""What the authors of a model do to images before and to maps after."""

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

    keep_proportions: bool = True
    blur: float = 0.0

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
