"""ShallowNet."""

import cv2
import keras
import numpy as np
import pytest
from scipy import ndimage

from keras_saliency import models

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 24, 32, 3)).astype("uint8")


def small(**options):
    return models.ShallowNet((24, 32, 3), filters=(3, 4, 5), **options)


def test_the_original_s_parameters_and_shapes():
    model = models.ShallowNet()
    assert model.count_params() == 34_864_384
    assert model.map_size == (48, 48)
    network = model.network
    shapes = [
        network.get_layer(name).output.shape[1:]
        for name in ("conv1", "pool1", "conv2", "pool2", "conv3", "pool3")
    ]
    assert [shape[0] for shape in shapes] == [92, 46, 44, 22, 20, 10]
    assert network.get_layer("hidden4").units == 4608
    assert network.get_layer("maxout6").output.shape == (None, 2304)


def test_equals_numpy():
    """Each layer by its definition, for one image."""
    model = small()
    network = model.network
    x = IMAGES[0].astype("float64") / 255
    for index in (1, 2, 3):
        kernel, bias = network.get_layer(f"conv{index}").get_weights()
        size = kernel.shape[0]
        patches = np.lib.stride_tricks.sliding_window_view(
            x, (size, size), axis=(0, 1)
        )
        x = np.maximum(np.einsum("hwcij,ijcf->hwf", patches, kernel) + bias, 0)
        height, width = (side // 2 for side in x.shape[:2])
        x = x[: 2 * height, : 2 * width]
        x = x.reshape(height, 2, width, 2, -1).max((1, 3))
    kernel, bias = network.get_layer("hidden4").get_weights()
    x = np.maximum(x.ravel() @ kernel + bias, 0)
    x = x.reshape(-1, 2).max(1)
    kernel, bias = network.get_layer("output").get_weights()
    y = (x @ kernel + bias).reshape(12, 16)
    np.testing.assert_allclose(
        network.predict(IMAGES[:1], verbose=0)[0, :, :, 0], y, atol=1e-5
    )
    np.testing.assert_allclose(
        model.predict(IMAGES[:1], verbose=0)[0, :, :, 0],
        np.clip((y + 1) / 2, 0, 1),
        atol=1e-5,
    )


@pytest.mark.slow
def test_trained_on_maps_in_0_1_it_gives_maps_scaled_to_minus_1_1():
    target = RNG.random((4, 12, 16, 1)).astype("float32")
    model = small()
    model.compile(keras.optimizers.Adam(0.01), model.recommended_loss())
    # With the map clipped everywhere, it comes back.
    model.network.get_layer("output").bias.assign(np.full(12 * 16, -2.0))
    assert model.predict(IMAGES, verbose=0).max() == 0
    history = model.fit(IMAGES, target, epochs=60, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    np.testing.assert_allclose(
        model.network.predict(IMAGES, verbose=0).mean(),
        2 * target.mean() - 1,
        atol=0.3,
    )


def test_saliency_map_is_that_of_the_authors_demo():
    model = small()
    image = RNG.integers(0, 256, (60, 80, 3)).astype("uint8")
    resized = cv2.resize(image, (32, 24), interpolation=cv2.INTER_AREA)
    y = model.network.predict(resized[None], verbose=0)[0, :, :, 0]
    y = ndimage.gaussian_filter(y, sigma=3)
    y = (y - y.min()) / (y.max() - y.min())
    expected = cv2.resize(y, (80, 60))
    map_ = model.saliency_map(image)
    assert (map_.shape, map_.dtype) == ((60, 80), np.float32)
    np.testing.assert_allclose(map_, expected, atol=1e-5)
    model.network.get_layer("output").set_weights(
        [np.zeros((192, 192)), np.zeros(192)]
    )
    assert np.all(model.saliency_map(image) == 0)


def test_saved_and_read_it_is_the_same(tmp_path):
    model = small(trainable=False)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, models.ShallowNet)
    assert loaded.trainable_weights == []
    np.testing.assert_array_equal(
        *(m.network.predict(IMAGES, verbose=0) for m in (model, loaded))
    )


@pytest.mark.parametrize("shape", [(24, 33, 3), (22, 32, 3), (24, 32, 1)])
def test_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="at least 24, divisible by 2"):
        models.ShallowNet(shape)
