"""Packing and checking of targets."""

import keras
import numpy as np
import pytest

from keras_saliency import losses, targets


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


def test_packing_one_image_needs_an_axis():
    one = np.ones((4, 5, 1))
    for maps in (one, one[..., 0]):
        with pytest.raises(ValueError, match=r"received.*density\[None\]"):
            targets.pack(maps)
    assert targets.pack(one[None], one[None])[0].shape == (4, 5, 2)
    assert targets.pack([[[0, 1], [1, 0]]]).shape == (1, 2, 2, 1)


def test_pack_takes_the_tensors_of_the_backend():
    ones = keras.ops.ones((2, 3, 4))
    assert targets.pack(ones, ones).shape == (2, 3, 4, 2)
    for dtype in ("float16", "bfloat16", "int32"):
        packed = targets.pack(keras.ops.ones((2, 3, 4), dtype=dtype))
        assert packed.dtype == "float32" and (packed == 1).all()
    if keras.backend.backend() == "jax":
        import jax

        with pytest.raises(ValueError, match="before they enter a compiled"):
            jax.jit(targets.pack)(np.ones((2, 3, 4)))


def test_pack_inside_a_data_pipeline():
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(0)
    density, counts = rng.random((4, 6, 8)), rng.poisson(0.2, (4, 6, 8))
    expected = targets.pack(density, counts)
    maps = tf.data.Dataset.from_tensor_slices((density, counts))
    for batches in (
        maps.batch(2).map(targets.pack),
        maps.batch(2, drop_remainder=True).map(
            lambda d, f: targets.pack(d[..., None], f[..., None])
        ),
        maps.map(lambda d, f: targets.pack(d[None], f[None])[0]).batch(2),
    ):
        assert batches.element_spec.shape[1:] == (6, 8, 2)
        found = np.concatenate([*batches.as_numpy_iterator()])
        np.testing.assert_array_equal(found, expected)
    alone = maps.batch(4).map(lambda d, f: targets.pack(d))
    np.testing.assert_array_equal(next(iter(alone)), expected[..., :1])
    wrong = maps.batch(4).map(lambda d, f: targets.pack(-d, f))
    with pytest.raises(tf.errors.InvalidArgumentError, match="not negative"):
        next(iter(wrong))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"d.*\[None\]"):
        next(iter(maps.map(targets.pack)))


@pytest.mark.parametrize("peak", [255, 2, 65535])
def test_densities_that_are_not_in_0_to_1(peak):
    density = np.random.default_rng(0).random((3, 4, 5))
    density[1, 2, 3] = 1
    density[0] *= 0.5
    scaled = np.rint(density * peak)
    with pytest.raises(
        ValueError, match=f"received {peak} in image 1 .*Divide"
    ):
        targets.pack(scaled)
    with pytest.raises(ValueError, match=f"received {peak}"):
        targets.pack(scaled, np.zeros_like(scaled))
    # As a user's own array, of which a loss sees the first.
    own = np.stack([scaled, 0 * scaled], -1).astype("float32")
    prediction = np.full((3, 4, 5, 1), 0.5, "float32")
    for name in ("BCE", "W-BCE"):
        loss = losses.get(name)
        with pytest.raises(ValueError, match=f"received {peak} in image 1"):
            loss(own, prediction)
    # Rounding does not count, and counts of fixations have no bound.
    targets.pack(density * 1.001, np.full_like(density, 9))
