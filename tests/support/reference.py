"""The formulas once more, in plain NumPy float64, as an oracle for tests.

Written from the paper's equations, image by image, with loops where those
are clearer than what the package does. `density`, `fixations` and
`prediction` are (height, width).
"""

import numpy as np
from scipy.ndimage import correlate1d
from scipy.special import logsumexp


def mse(density, prediction):
    return np.mean((density - prediction) ** 2)


def ead(density, prediction):
    return np.mean(np.exp(np.abs(density - prediction)) - 1)


def ae(density, prediction):
    return np.mean(np.abs(density - prediction))


def mlnet_mse(density, prediction, alpha=1.1):
    return np.mean((density - prediction) ** 2 / (alpha - density))


def sig_mse(density, prediction, threshold=0.55, slope=10.0):
    weight = slope / (1 + np.exp(-slope * (density - threshold)))
    return np.mean(weight * (density - prediction) ** 2)


def kld(density, prediction, reverse=False):
    q, p = density / density.sum(), prediction / prediction.sum()
    if reverse:
        q, p = p, q
    inside = q > 0
    return np.sum(q[inside] * np.log(q[inside] / (p[inside] + 1e-7) + 1e-7))


def bhat(density, prediction):
    q, p = density / density.sum(), prediction / prediction.sum()
    return -np.log(np.sum(np.sqrt(q * p)) + 1e-7)


def w_bce(density, prediction, weight=0.5):
    return -np.mean(
        weight * density * np.log(prediction)
        + (1 - weight) * (1 - density) * np.log(1 - prediction)
    )


def bce(density, prediction):
    return 2 * w_bce(density, prediction)


def focal(density, prediction, gamma=2.0, lin=False):
    hard = (1 - prediction) ** gamma if lin else 1 - prediction**gamma
    return -np.mean(
        hard * density * np.log(prediction)
        + prediction**gamma * (1 - density) * np.log(1 - prediction)
    )


def nll(fixations, prediction):
    p = prediction / prediction.sum()
    return -np.sum(fixations * np.log(p + 1e-7)) / fixations.sum()


def nss(fixations, prediction):
    z = (prediction - prediction.mean()) / prediction.std()
    return np.sum(fixations * z) / fixations.sum()


def cc(density, prediction):
    return np.corrcoef(density.ravel(), prediction.ravel())[0, 1]


def sim(density, prediction):
    a = density - density.min()
    b = prediction - prediction.min()
    return np.minimum(a / a.sum(), b / b.sum()).sum()


def r(prior, prediction, alpha=0.1):
    return alpha * np.mean((prediction - prior) ** 2)


def gram_distance(true_features, pred_features):
    """Eq. 14, 15 for lists of (height, width, channels)."""
    total = 0.0
    for t, p in zip(true_features, pred_features, strict=True):
        grams = []
        for x in (t, p):
            psi = x.reshape(-1, x.shape[-1]).T
            grams.append(psi @ psi.T / x.size)
        total += np.sum((grams[0] - grams[1]) ** 2)
    return total


def feature_distance(true_features, pred_features):
    """Eq. 13 for lists of (height, width, channels)."""
    return sum(
        np.sum((t - p) ** 2) / t.size
        for t, p in zip(true_features, pred_features, strict=True)
    )


def over_sum(x):
    return x / x.sum()


def softmax(x):
    return over_sum(np.exp(x))


def chi2(density, prediction, form=over_sum):
    g, p = form(density), form(prediction)
    return np.sum((p - g) ** 2 / (p + g))


def tv(density, prediction, form=over_sum):
    return 0.5 * np.sum(np.abs(form(prediction) - form(density)))


def cosine(density, prediction, form=over_sum):
    g, p = form(density).ravel(), form(prediction).ravel()
    return 1 - g @ p / np.linalg.norm(g) / np.linalg.norm(p)


def js(density, prediction, form=over_sum):
    g, p = form(density), form(prediction)
    m = (g + p) / 2
    inside = g > 0
    return 0.5 * (
        np.sum(g[inside] * np.log(g[inside] / m[inside]))
        + np.sum(p * np.log(p / m))
    )


def ig(fixations, prediction, prior=None, form=over_sum):
    p = form(prediction)
    b = np.full(p.shape, 1 / p.size) if prior is None else over_sum(prior)
    if form is over_sum:
        p = p * (1 - 1e-6) + 1e-6 / p.size
    b = b * (1 - 1e-6) + 1e-6 / b.size
    return np.sum(fixations * np.log2(p / b)) / fixations.sum()


def z(x):
    return (x - x.mean()) / x.std()


def eml_nss(fixations, prediction):
    difference = z(fixations) - z(prediction)
    return np.sum(fixations * difference) / fixations.sum()


def sfne(density, fixations, prediction):
    error = (z(density) - z(prediction)) ** 2
    at = np.sum(fixations * error) / fixations.sum()
    return at + error[fixations == 0].mean()


def auc_error(fixations, prediction, margin=1.0):
    """Every pair of a fixation and a pixel that is not fixated."""
    s = z(prediction)
    negatives = s[fixations == 0]
    total = 0.0
    for value, count in zip(s.ravel(), fixations.ravel(), strict=True):
        wrong = 0.5 + (negatives - value) / (2 * margin)
        total += count * np.clip(wrong, 0, 1).mean()
    return total / fixations.sum()


def dice(density, prediction):
    squares = np.sum(density**2) + np.sum(prediction**2)
    return 1 - 2 * np.sum(density * prediction) / squares


def iou(density, prediction):
    both = np.sum(density * prediction)
    squares = np.sum(density**2) + np.sum(prediction**2)
    return 1 - both / (squares - both)


def ssim(density, prediction):
    weights = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))

    def mean(x):
        for axis in (0, 1):
            x = correlate1d(x, weights, axis, mode="constant") / correlate1d(
                np.ones_like(x), weights, axis, mode="constant"
            )
        return x

    a, b = mean(density), mean(prediction)
    aa = mean(density**2) - a**2
    bb = mean(prediction**2) - b**2
    ab = mean(density * prediction) - a * b
    luminance = (2 * a * b + 1e-4) / (a**2 + b**2 + 1e-4)
    structure = (2 * ab + 9e-4) / (aa + bb + 9e-4)
    return np.mean(luminance * structure)


def grid_costs(grid, height, width):
    """City-block distances of the cells' centers, over the longer side."""
    longer = max(height, width)
    cells = [
        ((i + 0.5) / grid * height / longer, (j + 0.5) / grid * width / longer)
        for i in range(grid)
        for j in range(grid)
    ]
    return np.array(
        [[abs(a - c) + abs(b - d) for c, d in cells] for a, b in cells]
    )


def grid_masses(x, grid):
    """Mass of each cell; pixel i of n belongs to cell i * grid // n."""
    height, width = x.shape
    cells = np.zeros((grid, grid))
    for i in range(height):
        for j in range(width):
            cells[i * grid // height, j * grid // width] += x[i, j]
    return cells.ravel() / x.sum()


def sinkhorn(density, prediction, grid, blur, steps=2000):
    """Debiased entropic cost, iterated until nothing changes."""
    costs = grid_costs(grid, *density.shape)

    def cost(a, b):
        f = np.zeros(len(a))
        for _ in range(steps):
            g = -blur * logsumexp((f - costs) / blur + np.log(a), axis=1)
            f = -blur * logsumexp((g - costs) / blur + np.log(b), axis=1)
        return a @ f + b @ g

    a, b = (
        np.maximum(grid_masses(x, grid), 1e-30) for x in (prediction, density)
    )
    return cost(a, b) - 0.5 * (cost(a, a) + cost(b, b))
