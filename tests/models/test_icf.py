"""ICF: its features, and what it can learn."""

import cv2
import keras
import numpy as np
import pytest

from keras_saliency import models
from keras_saliency.models import icf

RNG = np.random.default_rng(0)


def features_of(images, scales):
    inputs = keras.Input(images.shape[1:])
    model = keras.Model(inputs, icf._features(inputs, scales))
    maps = model(images.astype("float32"))
    return [keras.ops.convert_to_numpy(map_) for map_ in maps]


@pytest.mark.once
def test_parameters():
    model = models.ICF((32, 48, 3))
    assert model.count_params() == 1112
    assert len(model.trainable_weights) == len(model.weights)
    assert model.map_size == (4, 6)


def test_of_one_color_there_is_intensity_without_contrast():
    color = np.array([200, 100, 40])
    images = np.tile(color, (1, 32, 48, 1))
    red, green, blue = color / 255
    channels = [
        ((red + green + blue) / 3 - 0.42) / 0.27,
        ((red - blue) / 2 - 0.03) / 0.075,
        (green / 2 - (red + blue) / 4) / 0.031,
    ]
    maps = features_of(images, 5)
    assert len(maps) == 10
    for intensity, contrast in zip(maps[::2], maps[1::2], strict=True):
        assert intensity.shape == contrast.shape == (1, 4, 6, 3)
        np.testing.assert_allclose(
            intensity, np.tile(channels, (1, 4, 6, 1)), rtol=1e-3, atol=1e-3
        )
        assert contrast.max() < 0.02


def test_contrast_is_the_deviation_from_the_mean_under_the_window():
    image = np.repeat(RNG.uniform(0, 255, (32, 32, 1)), 3, axis=-1)
    x = np.arange(5) - 2
    window = np.exp(-(x**2) / (2 * 1.25**2))
    window = np.outer(window, window) / window.sum() ** 2

    def smooth(map_):
        return cv2.filter2D(map_, -1, window)

    gray = (image[..., 0] / 255 - 0.42) / 0.27
    contrast = np.sqrt(smooth((gray - smooth(gray)) ** 2))
    maps = features_of(image[np.newaxis], 1)
    # Not at the edges, where a window ends.
    expected = cv2.resize(contrast, (4, 4), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(
        maps[1][0, 1:3, 1:3, 0], expected[1:3, 1:3], rtol=1e-3
    )


@pytest.mark.slow
def test_learns_that_bright_places_are_looked_at():
    keras.utils.set_random_seed(0)
    images = np.full((8, 64, 96, 3), 60, "float32")
    targets = np.zeros((8, 8, 12, 2), "float32")
    for i in range(8):
        y, x = RNG.integers(0, 8), RNG.integers(0, 12)
        images[i, 8 * y : 8 * y + 8, 8 * x : 8 * x + 8] = 230
        targets[i, y, x] = 1
    model = models.ICF((64, 96, 3))
    model.compile(keras.optimizers.Adam(0.01), model.recommended_loss())
    before = model.evaluate(images, targets, verbose=0)
    model.fit(images, targets, batch_size=4, epochs=60, verbose=0)
    assert model.evaluate(images, targets, verbose=0) < before - 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (40, 48, 3)}, "divisible by 16"),
        ({"input_shape": (40, 48, 3), "scales": 6}, "divisible by 32"),
        ({"scales": 0}, "scales must be a whole number"),
    ],
)
def test_impossible_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        models.ICF(**options)
