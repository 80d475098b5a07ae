"""Maps that are no fixations, in the forms of a file each."""

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from keras_saliency.datasets import DatasetError, load_folder
from keras_saliency.datasets.formats.writing import write_image


def load(root, extension, map_):
    """Load an image with a fixation map in a file of some form."""
    write_image(root / "images/a.png", np.zeros((*map_.shape, 3), "uint8"))
    (root / "points").mkdir()
    path = root / f"points/a{extension}"
    if extension == ".npy":
        np.save(path, map_)
    elif extension == ".mat":
        savemat(path, {"fixLocs": map_})
    else:
        assert cv2.imwrite(str(path), map_)
    return load_folder(root / "images", fixations=root / "points").fixations


@pytest.mark.parametrize("extension", [".png", ".npy", ".mat", ".bmp"])
def test_an_inverted_map(tmp_path, extension):
    map_ = np.full((40, 60), 255, "uint8")
    map_[[3, 20], [4, 30]] = 0
    with pytest.raises(DatasetError, match=rf"a\{extension} .*100%.*invert it"):
        load(tmp_path, extension, map_)


def test_half_of_the_pixels_are_points(tmp_path):
    map_ = np.zeros((40, 60), "uint8")
    map_[::2] = 255
    assert len(load(tmp_path, ".png", map_)) == 1200


def test_more_counts_than_there_can_be(tmp_path):
    map_ = np.zeros((40, 60))
    map_[3, 4] = 1e12
    with pytest.raises(DatasetError, match=r"a\.npy holds 1e\+12 .*10,000,000"):
        load(tmp_path, ".npy", map_)
