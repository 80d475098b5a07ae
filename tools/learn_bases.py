"""Learn the filters of AIM and SUN from photos that anybody may use.

    pip install scikit-learn scikit-image opencv-python-headless
    pip download scipy==1.11.4 --no-deps
    python tools/learn_bases.py --scipy-wheel scipy-1.11.4-*.whl

The photos are those that these packages hold; `natural_bases.txt` beside the
written file has their licenses. Writes `natural_bases.npz` of
`keras_saliency/models/classic`, float16 arrays:

- `aim`: `(filters, 21, 21, 3)`, independent components of 21x21 patches that
  are first reduced to the principal components with 95 % of the variance;
- `sun`: `(362, 11, 11, 3)`, all independent components of 11x11 patches less
  their mean, at variance 1;
- `sun_scale` and `sun_shape`: `(362,)`, sigma and theta of the generalized
  Gaussian of each, by maximum likelihood.
"""

import argparse
import bz2
import zipfile
from pathlib import Path

import numpy as np
from scipy import optimize, special
from skimage import data
from sklearn.datasets import load_sample_image
from sklearn.decomposition import PCA, FastICA

from keras_saliency.images import resize

FILE = "keras_saliency/models/classic/natural_bases.npz"
# Longer side in pixels of the photos whose patches are taken.
LONGEST = 512


def main():
    """Learn both sets of filters and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scipy-wheel", type=Path, required=True)
    parser.add_argument("--patches", type=int, default=40000)
    parser.add_argument("--output", type=Path, default=Path(FILE))
    arguments = parser.parse_args()
    images = [reduced(image) for image in photos(arguments.scipy_wheel)]
    rng = np.random.default_rng(0)
    aim = components(patches(images, 21, arguments.patches, rng), 0.95)
    small = patches(images, 11, arguments.patches, rng)
    small -= small.mean(axis=1, keepdims=True)
    sun = components(small, 362)
    fits = [generalized_gaussian(values) for values in sun @ small.T]
    scale, shape = np.transpose(fits)
    np.savez_compressed(
        arguments.output,
        aim=aim.reshape(-1, 21, 21, 3).astype(np.float16),
        sun=sun.reshape(-1, 11, 11, 3).astype(np.float16),
        sun_scale=scale.astype(np.float16),
        sun_shape=shape.astype(np.float16),
    )
    print(f"{arguments.output}: {arguments.output.stat().st_size} bytes")
    print(f"{len(aim)} filters of AIM, {len(sun)} of SUN")
    print("quartiles of theta:", np.percentile(shape, (0, 25, 50, 75, 100)))


def photos(wheel):
    """Yield the photos, `(height, width, 3)` in 0..255."""
    yield data.astronaut()
    yield data.chelsea()
    yield data.coffee()
    yield data.rocket()
    yield load_sample_image("china.jpg")
    yield load_sample_image("flower.jpg")
    with zipfile.ZipFile(wheel) as file:
        raw = bz2.decompress(file.read("scipy/misc/face.dat"))
    yield np.frombuffer(raw, np.uint8).reshape(768, 1024, 3)


def reduced(image):
    """Return an image in [0, 1] whose longer side is at most `LONGEST`."""
    factor = min(1, LONGEST / max(image.shape))
    size = tuple(round(factor * side) for side in image.shape[:2])
    return resize(image.astype(np.float32), size) / 255


def patches(images, side, count, rng):
    """Return patches as rows, as many of each image, half of them mirrored."""
    rows = []
    for image in images:
        height, width = image.shape[:2]
        for i in range(count // len(images)):
            y = rng.integers(height - side + 1)
            x = rng.integers(width - side + 1)
            patch = image[y : y + side, x : x + side]
            rows.append((patch[:, ::-1] if i % 2 else patch).ravel())
    return np.array(rows, np.float64)


def components(rows, kept):
    """Return filters whose responses to the rows are independent.

    Args:
        rows: Patches, `(count, numbers)`.
        kept: Principal components to keep: their number, or the share of the
            variance.

    Returns:
        Array `(filters, numbers)`; responses have variance 1.
    """
    pca = PCA(kept, whiten=True, svd_solver="full")
    white = pca.fit_transform(rows)
    ica = FastICA(
        whiten=False, random_state=0, max_iter=400, tol=1e-3, fun="logcosh"
    ).fit(white)
    print(f"{white.shape[1]} components, {ica.n_iter_} iterations")
    whitening = pca.components_ / np.sqrt(pca.explained_variance_)[:, None]
    return ica.components_ @ whitening


def generalized_gaussian(values):
    """Return sigma and theta of exp(-|x / sigma| ** theta), most likely."""
    size = np.abs(values) + 1e-9
    logs = np.log(size)

    def slope(theta):
        powers = size**theta
        total = powers.sum()
        return (
            1
            + special.digamma(1 / theta) / theta
            - (powers @ logs) / total
            + np.log(theta * total / len(size)) / theta
        )

    theta = optimize.brentq(slope, 0.1, 4)
    return (theta * np.mean(size**theta)) ** (1 / theta), theta


if __name__ == "__main__":
    main()
