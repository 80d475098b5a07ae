"""The output that is a density: blur, center bias, softmax."""

import keras
import numpy as np
import pytest
from autodiff import gradient
from keras import ops
from scipy import ndimage

from keras_saliency import layers, losses, models

MAPS = np.random.default_rng(0).normal(size=(2, 11, 15, 1)).astype("float32")


def numpy(x):
    return ops.convert_to_numpy(x)


def test_a_map_of_zeros_is_the_center_bias():
    density = numpy(layers.DensityOutput()(np.zeros((1, 30, 40, 1))))[0, ..., 0]
    y, x = ((np.arange(n) + 0.5) / n - 0.5 for n in (30, 40))
    expected = np.exp(
        -0.5 * (x / 0.184) ** 2 - 0.5 * (y[:, np.newaxis] / 0.183) ** 2
    )
    np.testing.assert_allclose(density, expected / expected.max(), rtol=1e-4)


def test_without_center_bias_it_is_the_exponential_of_the_blurred_map():
    layer = layers.DensityOutput(size=9, initial_sigma=1.2)
    layer.build(MAPS.shape)
    layer.center_weight.assign([0.0, 0.0])
    x = np.arange(9) - 4
    profile = np.exp(-(x**2) / (2 * 1.2**2))
    kernel = np.outer(profile, profile) / profile.sum() ** 2
    for map_, density in zip(MAPS, numpy(layer(MAPS)), strict=True):
        blurred, inside = (
            ndimage.convolve(part.astype(float), kernel, mode="constant")
            for part in (map_[..., 0], np.ones(map_.shape[:2]))
        )
        logs = blurred / inside
        np.testing.assert_allclose(
            density[..., 0], np.exp(logs - logs.max()), rtol=1e-4
        )


def test_three_numbers_train_and_are_saved(tmp_path):
    layer = layers.DensityOutput()
    inputs = keras.Input(MAPS.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    assert layer.count_params() == 3
    layer.center_weight.assign([0.5, 2.0])
    layer.log_sigma.assign(0.4)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        *(m.predict_on_batch(MAPS) for m in (model, loaded))
    )
    assert loaded.output_shape == (None, 11, 15, 1)


def test_likelihood_has_a_gradient_for_each_number():
    layer = layers.DensityOutput()
    fixations = np.zeros((2, 11, 15, 1), "float32")
    fixations[:, 2, 3] = fixations[:, 8, 10] = 1
    loss = losses.NegativeLogLikelihood()
    target = np.concatenate([fixations, fixations], axis=-1)
    layer.build(MAPS.shape)

    def of(maps):
        return loss(target, layer(maps))

    assert np.abs(gradient(of, MAPS)[1]).max() > 0
    model = keras.Sequential([keras.Input(MAPS.shape[1:]), layer])
    model.compile(keras.optimizers.SGD(0.1), loss)
    before = [numpy(weight) for weight in layer.trainable_variables]
    model.fit(MAPS, target, epochs=3, verbose=0)
    for old, new in zip(before, layer.trainable_variables, strict=True):
        assert (old != numpy(new)).all()


@pytest.mark.parametrize("value", [0.0, 1e4, -1e4])
def test_finite_for_extreme_maps(value):
    maps = np.full((1, 5, 7, 1), value, "float32")
    maps[0, 0, 0] = -value
    density = numpy(layers.DensityOutput()(maps))
    assert np.isfinite(density).all() and density.max() == 1


@pytest.mark.parametrize(
    "wrong", [{"size": 4}, {"initial_sigma": 0.1}, {"initial_sigma": 9}]
)
def test_bad_arguments(wrong):
    with pytest.raises(ValueError, match="DensityOutput"):
        layers.DensityOutput(**wrong)


@pytest.mark.once
def test_baseline_that_ends_in_a_density(tmp_path):
    model = models.Baseline((48, 64, 3), backbone="tiny", activation="density")
    plain = models.Baseline((48, 64, 3), backbone="tiny")
    assert model.head.count_params() == plain.head.count_params() + 3
    images = np.random.default_rng(1).integers(0, 256, (2, 48, 64, 3))
    maps = model.predict(images, verbose=0)
    # Before training it is the center bias, up to small noise.
    np.testing.assert_allclose(maps.max(axis=(1, 2, 3)), 1)
    assert maps[:, 0, 0].max() < 0.01
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), maps)


def test_more_than_one_map_is_refused():
    with pytest.raises(ValueError, match="one map per image"):
        layers.DensityOutput()(np.zeros((1, 6, 8, 4)))
