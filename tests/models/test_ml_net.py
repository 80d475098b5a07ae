"""ML-Net, and how images are padded for it."""

import tracemalloc

import keras
import numpy as np
import pytest
from autodiff import gradient

from keras_saliency import images, models, steps, targets
from keras_saliency.models.backbones import vgg16

RNG = np.random.default_rng(0)
SIZE = (32, 48)
IMAGES = RNG.integers(0, 256, (4, *SIZE, 3)).astype("uint8")


def small(**options):
    return models.MLNet(
        **{
            "input_shape": (*SIZE, 3),
            "backbone_weights": None,
            "filters": (4, 4, 5, 6, 7),
            "depth": 3,
            **options,
        }
    )


def test_the_original_s_parameters_and_sizes():
    model = models.MLNet(backbone_weights=None)
    assert model.count_params() == 15_452_145
    assert model.non_trainable_weights == []
    assert model.map_size == (60, 80)
    assert model.get_layer("levels").output.shape == (None, 60, 80, 1280)
    assert model.get_layer("prior").prior.shape == (6, 8)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((32, 48), (4, 6)), ((33, 41), (5, 6)), ((8, 8), (1, 1))],
)
def test_any_size_gives_an_eighth_rounded_up(size, expected):
    model = small(input_shape=(*size, 3))
    assert model.map_size == expected
    assert model(np.zeros((1, *size, 3), "uint8")).shape == (1, *expected, 1)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("size", [(6, 8), (5, 7)])
def test_pooling_is_padded_above_and_to_the_left(strides, size):
    x = RNG.random((1, *size, 2)).astype("float32")
    inputs = keras.Input((*size, 2))
    model = keras.Model(inputs, vgg16.pool(inputs, strides, "pool"))
    padded = np.pad(x[0], ((1, 0), (1, 0), (0, 0)))
    expected = [
        [
            padded[i : i + 2, j : j + 2].max(axis=(0, 1))
            for j in range(0, size[1], strides)
        ]
        for i in range(0, size[0], strides)
    ]
    np.testing.assert_array_equal(model.predict(x, verbose=0)[0], expected)


@pytest.mark.further
def test_the_backbone_is_vgg16(vgg16_weights):
    model = models.MLNet((32, 48, 3), backbone_weights=vgg16_weights)
    vgg = keras.applications.VGG16(
        include_top=False, weights=str(vgg16_weights), input_shape=(32, 48, 3)
    )
    for layer in vgg.layers:
        for ours, own in zip(
            model.get_layer(layer.name).get_weights() if layer.weights else [],
            layer.get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, own)
    # Before the first pooling, where the networks part, with its input.
    bgr = IMAGES[..., ::-1].astype("float32") - [103.939, 116.779, 123.68]
    ours, own = (
        keras.Model(m.input, m.get_layer("block1_conv2").output)
        for m in (model, vgg)
    )
    np.testing.assert_allclose(
        ours.predict(IMAGES, verbose=0),
        own.predict(bgr, verbose=0),
        rtol=1e-4,
        atol=1e-2,
    )


def test_how_much_is_frozen():
    assert len(small(frozen_blocks=2).non_trainable_weights) == 2 * 4
    assert len(small(frozen_blocks=5).trainable_weights) == 4 + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (7, 48, 3)}, "sides of at least 8"),
        ({"input_shape": (None, 48, 3)}, "sides of at least 8"),
        ({"input_shape": (32, 48, 1)}, r"\(height, width, 3\)"),
        ({"frozen_blocks": 6}, "frozen_blocks"),
        ({"filters": (4, 4)}, "5 numbers"),
        ({"backbone_weights": "w.h5"}, "w.h5.*filters"),
        (
            {"filters": vgg16.FILTERS, "backbone_weights": "missing.h5"},
            "missing.h5",
        ),
    ],
)
def test_refuses_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_the_loss_divides_by_the_peak():
    loss = models.MLNetLoss()
    density = RNG.random((2, 5, 6, 1)).astype("float32")
    maps = RNG.random((2, 5, 6, 1)).astype("float32")
    expected = [
        np.mean((p / p.max() - y) ** 2 / (1.1 - y))
        for p, y in zip(maps, density, strict=True)
    ]
    for scale in (1e-4, 1.0, 1e4):
        np.testing.assert_allclose(
            loss.call(density, scale * maps), expected, rtol=1e-5
        )
    again = models.MLNetLoss.from_config(
        models.MLNetLoss(alpha=1.5).get_config()
    )
    assert again.alpha == 1.5


def test_large_numbers_below_zero_leave_a_finite_gradient():
    density = RNG.random((1, 5, 6, 1)).astype("float32")
    maps = 1e-6 * RNG.random((1, 5, 6, 1)).astype("float32")
    maps[0, :, :3] = -1e20
    value, slope = gradient(lambda p: models.MLNetLoss().call(density, p), maps)
    assert np.isfinite(value) and np.isfinite(slope).all()


def test_an_empty_map_has_a_finite_loss_and_a_gradient():
    density = RNG.random((2, 5, 6, 1)).astype("float32")
    empty = np.zeros_like(density)
    value, slope = gradient(
        lambda p: models.MLNetLoss().call(density, p), empty
    )
    expected = 2 * np.mean(density**2 / (1.1 - density))
    assert value == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(slope).all()
    assert (slope < 0).all()


@pytest.mark.slow
def test_a_network_that_starts_dead_trains():
    model = small(dropout=0.0)
    projection = model.get_layer("projection")
    projection.set_weights(
        [-np.abs(projection.get_weights()[0]), np.array([-1.0])]
    )
    assert model.predict(IMAGES, verbose=0).max() == 0
    y = targets.pack(RNG.random((4, *model.map_size)))
    model.compile(keras.optimizers.Adam(0.05), model.recommended_loss())
    losses = model.fit(IMAGES, y, epochs=40, verbose=0).history["loss"]
    assert model.predict(IMAGES, verbose=0).max() > 0
    assert losses[-1] < 0.8 * losses[0]


def test_the_rate_falls_as_keras_1_has_it():
    optimizer = small().recommended_optimizer()
    rate = optimizer.get_config()["learning_rate"]
    rate = keras.optimizers.schedules.deserialize(rate)
    for step in (0, 1, 1000):
        assert float(rate(step)) == pytest.approx(1e-3 / (1 + 5e-4 * step))
    assert optimizer.nesterov and optimizer.momentum == 0.9


@pytest.mark.parametrize(
    ("shape", "inside"),
    [
        ((48, 64), np.s_[:, :]),
        ((50, 100), np.s_[8:40, :]),
        ((90, 60), np.s_[:, 16:48]),
        ((480, 320), np.s_[:, 16:48]),
        ((1, 64), np.s_[23:24, :]),
    ],
)
def test_padding(shape, inside):
    image = np.full((*shape, 3), 200, "uint8")
    padded = steps.pad(image, (48, 64))
    expected = np.zeros((48, 64, 3), "uint8")
    expected[inside] = 200
    assert padded.dtype == np.uint8
    np.testing.assert_array_equal(padded, expected)
    # And back, with the padding left out.
    map_ = np.where(expected[..., 0] > 0, 0.5, 0.0).astype("float32")
    back = steps.unpad(map_, shape)
    assert back.shape == shape
    # At the border, enlarging mixes with the padding.
    np.testing.assert_allclose(np.median(back), 0.5)
    assert back.mean() > 0.45


@pytest.mark.parametrize("shape", [(101, 37), (37, 101), (99, 100), (3, 500)])
def test_a_place_in_the_image_comes_back(shape):
    ramp = np.indices(shape).astype("float32") / np.array(shape)[:, None, None]
    image = np.stack([*ramp, ramp[0]], axis=-1)
    for k in (0, 1):
        back = steps.unpad(steps.pad(image, (60, 80))[..., k], shape)
        middle = tuple(slice(n // 4, n - n // 4) for n in shape)
        inner = min(shape) > 10
        if inner:
            np.testing.assert_allclose(back[middle], ramp[k][middle], atol=0.03)
        assert back.shape == shape


@pytest.mark.parametrize("shape", [(4000, 30), (30, 4000), (400, 3), (3, 400)])
def test_the_map_of_a_strip_takes_no_more_than_it_needs(shape):
    map_ = np.random.default_rng(0).random((30, 40), dtype="float32")
    scale = max(shape[0] / 30, shape[1] / 40)
    whole = [round(30 * scale), round(40 * scale)]
    corner = [(a - b) // 2 for a, b in zip(whole, shape, strict=True)]
    expected = images.resize(map_, whole)[
        corner[0] : corner[0] + shape[0], corner[1] : corner[1] + shape[1]
    ]
    tracemalloc.start()
    cut = steps.unpad(map_, shape)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(cut, expected, atol=1e-5)
    assert peak < 4 * np.prod(shape) * 4 + 4 * 40 * 4 * max(shape)


def test_the_image_lies_among_zeros_and_the_map_has_peak_1(monkeypatch):
    model = small()
    # Random weights may give a map of zeros.
    kernel, bias = model.get_layer("projection").get_weights()
    model.get_layer("projection").set_weights([kernel, bias + 1])
    seen = []
    predict = model.predict_on_batch

    def spy(x):
        seen.append(np.array(x))
        return predict(x)

    monkeypatch.setattr(model, "predict_on_batch", spy)
    image = np.full((40, 30, 3), 255, "uint8")
    map_ = model.saliency_map(image)
    model.keep_proportions = False
    stretched = model.saliency_map(image)
    np.testing.assert_array_equal(seen[0][0, :, :12], 0)
    np.testing.assert_array_equal(seen[0][0, :, 12:36], 255)
    np.testing.assert_array_equal(seen[1], 255)
    for each in (map_, stretched):
        assert each.shape == (40, 30)
        assert each.max() == 1
