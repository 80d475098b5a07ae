"""Packing and checking of targets."""

import numpy as np
import pytest

from keras_saliency import targets


def test_pack_puts_density_first_and_fixations_second():
    density = np.random.default_rng(0).random((2, 3, 4))
    counts = np.arange(24).reshape(2, 3, 4)
    packed = targets.pack(density, counts)
    assert packed.shape == (2, 3, 4, 2) and packed.dtype == np.float32
    np.testing.assert_allclose(packed[..., 0], density, rtol=1e-6)
    np.testing.assert_array_equal(packed[..., 1], counts)
    np.testing.assert_array_equal(
        targets.pack(density[..., None], counts[..., None]), packed
    )
    assert targets.pack(density).shape == (2, 3, 4, 1)
    np.testing.assert_array_equal(targets.density(packed), packed[..., :1])
    np.testing.assert_array_equal(
        targets.fixations(packed, "nss"), packed[..., 1:]
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_bad_values_are_refused_and_the_image_named(bad):
    density = np.ones((3, 4, 5))
    density[1, 2, 3] = bad
    with pytest.raises(ValueError, match="density must be finite.*image 1"):
        targets.pack(density)
    with pytest.raises(ValueError, match="fixations must be finite.*image 1"):
        targets.pack(np.ones((3, 4, 5)), density)


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 5\)"):
        targets.pack(np.ones((4, 5)))
    with pytest.raises(ValueError, match="same shape"):
        targets.pack(np.ones((1, 4, 5)), np.ones((1, 5, 4)))
    with pytest.raises(ValueError, match="density map|height, width"):
        targets.pack(np.ones((1, 4, 5, 2)))
