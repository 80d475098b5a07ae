"""DeepConvNet."""

import cv2
import keras
import numpy as np
import pytest

from keras_saliency import models

RNG = np.random.default_rng(0)
FILTERS = (3, 4, 4, 4, 4, 4, 4, 4)


def small(shape=(16, 24, 3), **options):
    return models.DeepConvNet(shape, filters=FILTERS, **options)


def images(height=16, width=24):
    return RNG.integers(0, 256, (2, height, width, 3)).astype("uint8")


def reference(model, image):
    """The network by Caffe's definitions, and y from it, for one image."""
    x = (image[..., ::-1].astype("float64") - [100, 110, 118]) / 127.5
    for index in range(1, 10):
        kernel, bias = model.get_layer(f"conv{index}").get_weights()
        size = kernel.shape[0]
        padded = np.pad(x, [(size // 2, size // 2)] * 2 + [(0, 0)])
        patches = np.lib.stride_tricks.sliding_window_view(
            padded, (size, size), axis=(0, 1)
        )
        x = np.einsum("hwcij,ijcf->hwf", patches, kernel) + bias
        if index < 9:
            x = np.maximum(x, 0)
        if index == 1:
            squares = np.pad(x**2, [(0, 0), (0, 0), (2, 2)])
            energy = sum(squares[..., k : k + x.shape[-1]] for k in range(5))
            x = x / (1 + 1e-4 / 5 * energy) ** 0.75
        if index <= 2:
            x = caffe_pool(x)
    kernel = model.get_layer("deconv1").get_weights()[0][:, :, 0, 0]
    height, width = x.shape[:2]
    y = np.zeros((4 * height + 4, 4 * width + 4))
    for i in range(height):
        for j in range(width):
            y[4 * i : 4 * i + 8, 4 * j : 4 * j + 8] += x[i, j, 0] * kernel
    return y[2:-2, 2:-2]


def caffe_pool(x):
    """3x3 with stride 2, sizes rounded up, windows cut at the border."""
    sides = [-(-(side - 3) // 2) + 1 for side in x.shape[:2]]
    return np.array(
        [
            [
                x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((0, 1))
                for j in range(sides[1])
            ]
            for i in range(sides[0])
        ]
    )


def randomized(model):
    """Weights that show any mistake in the layers."""
    generator = np.random.default_rng(1)
    model.set_weights(
        [
            generator.standard_normal(w.shape)
            * (1.5 / np.sqrt(np.prod(w.shape[:-1])) if w.ndim == 4 else 0.1)
            for w in model.get_weights()
        ]
    )
    return model


def test_the_original_s_parameters_and_shapes():
    model = models.DeepConvNet()
    assert model.count_params() == 25_806_209
    assert model.map_size == (240, 320)
    assert model.get_layer("conv9").output.shape[1:] == (60, 80, 1)


@pytest.mark.parametrize("size", [(16, 24), (17, 27), (19, 22)])
@pytest.mark.quick("size0")
def test_equals_caffe_s_definitions_at_any_size(size):
    image = images(*size)[0]
    model = randomized(small((*size, 3)))
    y = reference(model, image)
    expected = np.clip((128 * y + 127) / 255, 0, 1)
    assert 0.05 < ((expected > 0) & (expected < 1)).mean()
    assert model.map_size == y.shape
    np.testing.assert_allclose(
        model.predict(image[None], verbose=0)[0, :, :, 0], expected, atol=1e-4
    )


@pytest.mark.further
def test_takes_any_size():
    model = randomized(small((None, None, 3)))
    assert model.map_size == (None, None)
    for height, width in ((16, 24), (20, 8)):
        batch = images(height, width)
        fixed = small((height, width, 3))
        fixed.set_weights(model.get_weights())
        np.testing.assert_allclose(
            model.predict(batch, verbose=0),
            fixed.predict(batch, verbose=0),
            atol=1e-6,
        )
    image = images(60, 640)[0]
    # The image is shrunk to fit 320x320.
    shrunk = cv2.resize(image, (320, 30), interpolation=cv2.INTER_AREA)
    map_ = model.predict(shrunk[None], verbose=0)[0, :, :, 0]
    map_ = cv2.resize(map_, (640, 60), interpolation=cv2.INTER_CUBIC)
    map_ = np.clip(cv2.GaussianBlur(map_, (5, 5), 0), 0, 1)
    np.testing.assert_allclose(
        model.saliency_map(image), map_ / map_.max(), atol=1e-6
    )


def test_untrained_it_returns_the_mean_map():
    maps = models.DeepConvNet((32, 48, 3), filters=(8,) * 8).predict(
        images(32, 48), verbose=0
    )
    # The transposed convolution adds up to one, but for the border.
    assert maps[:, 4:-4, 4:-4].mean() == pytest.approx(31 / 255, abs=0.05)


def test_the_transposed_convolution_starts_bilinear():
    kernel = small().get_layer("deconv1").get_weights()[0][:, :, 0, 0]
    profile = np.array([1, 3, 5, 7, 7, 5, 3, 1]) / 8
    np.testing.assert_allclose(kernel, np.outer(profile, profile))


def test_saliency_map_is_the_original_s():
    model = randomized(small())
    image = images(40, 50)[0]
    resized = cv2.resize(image, (24, 16), interpolation=cv2.INTER_AREA)
    p = np.clip(128 * reference(model, resized) + 127, 0, 255)
    p = cv2.resize(p, (50, 40), interpolation=cv2.INTER_CUBIC)
    p = np.clip(cv2.GaussianBlur(p, (5, 5), 0), 0, 255)
    map_ = model.saliency_map(image)
    assert (map_.shape, map_.dtype) == ((40, 50), np.float32)
    np.testing.assert_allclose(map_, p / p.max(), atol=1e-3)


def test_the_recommended_rate_makes_the_authors_steps():
    """The step of half the sum of squares over y, at their rate."""
    model = models.DeepConvNet((240, 320, 3), filters=FILTERS)
    rate = float(model.recommended_optimizer().learning_rate)
    assert rate == pytest.approx(0.02, rel=0.02)
    y, target = RNG.random((2, 240, 320))
    theirs = 1.3e-7 * (y - target)
    # Derivative of the mean square of maps 128/255 y + 127/255.
    ours = rate * 2 * (128 / 255) ** 2 * (y - target) / y.size
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@pytest.mark.further
def test_saved_and_read_it_is_the_same(tmp_path):
    for shape in ((16, 24, 3), (None, None, 3)):
        model = small(shape, trainable=False)
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        assert isinstance(loaded, models.DeepConvNet)
        assert loaded.trainable_weights == []
        batch = images()
        np.testing.assert_array_equal(
            *(m.predict(batch, verbose=0) for m in (model, loaded))
        )


@pytest.mark.parametrize("shape", [(7, 24, 3), (16, 24, 1), (None, 24)])
def test_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="sides of at least 8"):
        models.DeepConvNet(shape)
