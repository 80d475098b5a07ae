"""Graph-based visual saliency."""

import dataclasses
import functools

import numpy as np

from keras_saliency._utils.types import Array
from keras_saliency.models.classic import _stages
from keras_saliency.models.classic.base import ClassicModel, require

# The reference iterates without end where the graph is bipartite, as that of
# a map with two values is; beyond this the limit is computed directly.
_MOST_STEPS = 200


def color_maps(image: Array) -> list[Array]:
    """Return the magnitudes of the two opponents of channel C."""
    return [np.abs(map_) for map_ in _stages.opponents(image)]


def intensity_maps(image: Array) -> list[Array]:
    """Return the largest of the three channels."""
    return [image.max(axis=-1)]


def orientation_maps(image: Array) -> list[Array]:
    """Return the energy of Gabor filters at 0, 45, 90 and 135 degrees."""
    (intensity,) = intensity_maps(image)
    return [
        _stages.attenuate_borders(
            _stages.gabor_energy(intensity, angle, 2.0, 2.0, np.pi, 13), 13
        )
        for angle in (0, 45, 90, 135)
    ]


# The GBVS package's letters.
CHANNELS = {
    "C": color_maps,
    "D": _stages.dkl,
    "I": intensity_maps,
    "O": orientation_maps,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class GBVS(ClassicModel):
    """Graph-Based Visual Saliency, Harel, Koch & Perona, NIPS 2006.

    Parameters and stages are those of the authors' MATLAB package (its
    function `gbvs`). Feature maps at several levels of a pyramid are brought
    to one small size. On each, a walk over the pixels goes from j to i with a
    probability proportional to

        |A_i - A_j| exp(-d_ij ** 2 / (2 s ** 2)),  s = sigma * mean side,

    and its equilibrium, how often the walk is where, is the activation. The
    activations to a power are summed over all levels, maps and channels.

    Known differences: the package's conversion to DKL uses a table measured
    on its authors' monitor, here sRGB and the cones of Smith & Pokorny; the
    walk's limit is used where power iteration does not converge (the package
    would not return); a constant feature map adds nothing.

    Images below 128 pixels are enlarged; the package refuses them.

    Args:
        channels: Letters of the feature channels, each of weight 1: D color
            (three axes of DKL), C color (two opponents), I intensity, O
            four orientations.
        levels: Levels of the pyramid, level k at 1/2^k of the size.
        map_side: Longer side of the maps that the walks are on.
        sigma: Width of the walk's Gaussian, a share of the maps' mean side.
        power: Exponent of the activations before they are summed: the
            package's normalization 1.
        tolerance: The equilibrium is reached by power iteration from the
            uniform distribution, until a step changes it by no more (in the
            Euclidean norm). 0 takes the limit itself, directly: as the
            weights are symmetric, it is the sum of each pixel's weights.
        border: Pixels of the sum over which it is faded to the edges.
        blur: Sigma of the last blur, a share of the maps' longer side.

    Raises:
        ValueError: If an argument is out of its range.
    """

    channels: str = "DIO"
    levels: tuple[int, ...] = (2, 3, 4)
    map_side: int = 32
    sigma: float = 0.15
    power: float = 1.5
    tolerance: float = 1e-4
    border: int = 4
    blur: float = 0.02

    smallest_side = 128

    def _check(self) -> None:
        check_features(self.channels, self.levels, self.map_side)
        require(self.sigma > 0, "sigma", self.sigma, "positive")
        require(self.power > 0, "power", self.power, "positive")
        require(self.tolerance >= 0, "tolerance", self.tolerance, "0 or more")
        require(self.border >= 0, "border", self.border, "0 or more")
        require(self.blur >= 0, "blur", self.blur, "0 or more")

    def _map(self, image: Array) -> Array:
        size = _stages.map_size(image.shape[:2], self.map_side)
        total = np.zeros(size, np.float32)
        # One piece of memory for all walks: getting it costs half their time.
        weights = np.empty((total.size, total.size), np.float32)
        maps = feature_maps(image / 255, self.channels, self.levels)
        for channel in maps.values():
            for level in channel.values():
                for map_ in level:
                    activation = equilibrium(
                        _stages.resize(map_, size),
                        self.sigma,
                        self.tolerance,
                        weights,
                    )
                    total += activation**self.power
        return _stages.finished(total, self.border, self.blur)


def check_features(
    channels: str, levels: tuple[int, ...], map_side: int
) -> None:
    """Raise a ValueError unless these are valid arguments."""
    require(
        channels and set(channels) <= set(CHANNELS),
        "channels",
        channels,
        f"some of the letters {', '.join(CHANNELS)}",
    )
    require(
        levels and all(1 <= level <= 8 for level in levels),
        "levels",
        levels,
        "numbers from 1 to 8",
    )
    # At 64, the weights between all pixels take 67 MB.
    require(4 <= map_side <= 64, "map_side", map_side, "from 4 to 64")


def feature_maps(
    image: Array, channels: str, levels: tuple[int, ...]
) -> dict[str, dict[int, list[Array]]]:
    """Return feature maps of the GBVS package, each at its level's size.

    Args:
        image: Array `(height, width, 3)`, float32 in [0, 1].
        channels: Letters of `CHANNELS`.
        levels: Levels of the pyramid.

    Returns:
        Dictionary of letter, of level, of a list of maps.
    """
    stages = _stages.pyramid(image, max(levels))
    return {
        letter: {level: CHANNELS[letter](stages[level]) for level in levels}
        for letter in channels
    }


def equilibrium(
    map_: Array, sigma: float, tolerance: float, weights: Array | None = None
) -> Array:
    """Return the equilibrium of the walk over a map's pixels; see `GBVS`.

    Args:
        map_: Map `(height, width)`; it is scaled to [0, 1] first.
        sigma: Width of the Gaussian, a share of the mean side.
        tolerance: Tolerance of the power iteration; 0 for its limit.
        weights: float32 array `(count, count)` to work in, of the number of
            pixels; what it holds is overwritten.

    Returns:
        float32 map `(height, width)` with sum 1; zero for a constant map,
        which has no walk.
    """
    values = _stages.min_max(map_).ravel()
    if not values.any():
        return np.zeros(map_.shape, np.float32)
    near = _proximity(map_.shape, sigma)
    weights = np.subtract(values[:, np.newaxis], values, out=weights)
    np.abs(weights, out=weights)
    np.multiply(weights, near, out=weights)
    sums = weights.sum(axis=0)
    # Where the Gaussian leaves a pixel without neighbors it is never left.
    sums = np.maximum(sums, np.finfo(np.float32).tiny)
    walk = limit = sums / sums.sum()
    if tolerance > 0:
        walk = np.full(values.size, 1 / values.size, np.float32)
        for _ in range(_MOST_STEPS):
            # Not `@`, whose threads wait for each other in each of hundreds of
            # steps: measured, 34 ms an image alone, but up to 6 s beside other
            # work; this takes 60 ms either way.
            before, walk = walk, np.einsum("ij,j->i", weights, walk / sums)
            if np.linalg.norm(walk - before) <= tolerance:
                break
        else:
            walk = limit
    return (walk / walk.sum()).reshape(map_.shape)


@functools.lru_cache(maxsize=4)
def _proximity(shape, sigma):
    """Return exp(-d ** 2 / (2 s ** 2)) between all pixels, `(count, count)`."""
    rows, columns = np.indices(shape).reshape(2, -1).astype(np.float32)
    squared = (rows[:, np.newaxis] - rows) ** 2
    squared += (columns[:, np.newaxis] - columns) ** 2
    near = np.exp(squared / np.float32(-2 * (sigma * np.mean(shape)) ** 2))
    near.setflags(write=False)
    return near
