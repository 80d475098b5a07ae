"""Twenty densities, the same wherever they are made: NumPy alone."""

import numpy as np

# Of the density maps, in pixels, and fixations in an image.
SIGMA, FIXATIONS = 4.0, 60
NAMES = [f"d{i:02d}" for i in range(20)]
# Pixels whose values are compared, as shares of height and width.
PROBES = [(0.03, 0.04), (0.5, 0.5), (0.2, 0.7), (0.81, 0.33), (0.97, 0.96)]


def log_density(i):
    """Logarithm of density number i, `(height, width)`, its sum 1."""
    rng = np.random.default_rng([16, i])
    height, width = [(60, 80), (80, 60), (64, 64), (48, 72)][i % 4]
    y, x = np.mgrid[:height, :width]
    density = np.full((height, width), 10.0 ** rng.uniform(-5, -2))
    for _ in range(rng.integers(1, 6)):
        row, column = rng.uniform(0, height), rng.uniform(0, width)
        sigma = rng.uniform(2, 12)
        density += rng.uniform(0.2, 1) * np.exp(
            -((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2)
        )
    return np.log(density / density.sum())


def probes(map_):
    """The values of a map at `PROBES`."""
    return [
        float(map_[int(y * map_.shape[0]), int(x * map_.shape[1])])
        for y, x in PROBES
    ]


def expected_sim(map_, logs, blur, draws=500, seed=5):
    """Mean SIM of a map and blurred draws of fixations from a density."""
    rng = np.random.default_rng(seed)
    map_ = map_ / map_.sum()
    values = []
    for counts in rng.multinomial(FIXATIONS, np.exp(logs).ravel(), draws):
        truth = blur(counts.reshape(map_.shape).astype(float))
        values.append(np.minimum(map_, truth / truth.sum()).sum())
    return float(np.mean(values))
