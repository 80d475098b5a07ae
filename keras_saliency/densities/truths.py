"""What a data set says of the ground truth that maps are scored by."""

from collections.abc import Sequence

import numpy as np

from keras_saliency._utils.types import Array
from keras_saliency.datasets import SaliencyDataset
from keras_saliency.densities import earth_mover
from keras_saliency.densities.metric_maps import (
    Truth,
    metric_map,
    shuffled_baseline,
)
from keras_saliency.densities.transform import Transform

# Size of the mean density.
_BASELINE = (24, 32)
# Images that the exponents of the EMD's map are fitted to, at most.
_MOST_FOR_EMD = 100


def truth_of(
    dataset: SaliencyDataset,
    numbers: Sequence[int],
    maps: Sequence[Array],
    transform: Transform,
) -> Truth:
    """Return what is known of the ground truth of a data set.

    Args:
        dataset: The data set.
        numbers: Numbers of images that have fixations, at least one.
        maps: Their saliency maps on the grids of `transform.grid_of`.
        transform: The transform that was fitted to them.
    """
    # On the grid, where there is all that is known of them.
    logs = [transform.log_density(map_, map_.shape) for map_ in maps]
    sigmas = [dataset.sigma(i) / float(dataset.sizes[i].max()) for i in numbers]
    baseline = shuffled_baseline(logs, _BASELINE)
    truth = Truth(
        sigma=float(np.mean(sigmas)),
        fixations=max(1, round(np.mean([dataset.count(i) for i in numbers]))),
        baseline=baseline,
    )
    cases = []
    for i, log in list(zip(numbers, logs, strict=True))[:_MOST_FOR_EMD]:
        size = tuple(dataset.sizes[i].tolist())
        cases.append(
            earth_mover.case(
                metric_map(log, "kl", truth),
                baseline,
                dataset.density(i, earth_mover.bins_of(size)),
            )
        )
    power, center = earth_mover.fit_exponents(cases)
    return truth._replace(power=power, center=center)
