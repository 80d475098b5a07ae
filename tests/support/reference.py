"""The formulas once more, in plain NumPy float64, as an oracle for tests.

Written from the paper's equations, image by image, with loops where those
are clearer than what the package does. `density`, `fixations` and
`prediction` are (height, width).
"""

import numpy as np


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
