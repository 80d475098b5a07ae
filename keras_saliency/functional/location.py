"""Measures at the fixated pixels as published: higher is better."""

from keras_saliency.functional._maps import (
    divide_where_positive,
    map_pair,
    pixel_sum,
    standardise,
)


def normalized_scanpath_saliency(fixations, y_pred):
    """Normalized scanpath saliency (eq. 11).

    The mean, over the fixations, of the prediction standardised to mean 0 and
    population standard deviation 1. The paper divides by the number of pixels
    instead, a misprint of scale: the metric and SAM average over fixations.

    Args:
        fixations: Fixation maps `(batch, height, width, 1)`: counts (each
            fixation counts), or 0/1 (each fixated pixel counts).
        y_pred: Predicted maps, same shape.

    Returns:
        Tensor `(batch,)`; 0 for a constant map or an image without fixations.

    References:
        Peters et al., Components of bottom-up gaze allocation in natural
        images, Vision Research 2005.
    """
    fixations, y_pred = map_pair(fixations, y_pred)
    return divide_where_positive(
        pixel_sum(fixations * standardise(y_pred)), pixel_sum(fixations)
    )
