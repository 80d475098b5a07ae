"""DSCLRCN."""

import keras
import numpy as np
import pytest

from keras_saliency import models

SMALL = {
    "backbone_weights": None,
    "filters": (2, 2, 3, 3),
    "blocks": (1, 1, 1, 1),
    "depth": 3,
    "units": 2,
    "context": 4,
}


@pytest.mark.slow
def test_the_original_s_parameters_and_sizes():
    model = models.DSCLRCN(backbone_weights=None)
    parts = {
        "local4": 1024 * 512 + 512,
        "local5": 2048 * 512 + 512,
        "local": 1024 * 512 + 512,
        "spatial_lstm1": 393_728 + 262_656,
        "spatial_lstm2": 2 * 262_656,
        "projection": 257,
        # Of 2048 features, not of the 9216 of an AlexNet.
        "scene": 2048 * 128 + 128,
    }
    for name, count in parts.items():
        assert model.get_layer(name).count_params() == count, name
    backbone = keras.applications.ResNet50(include_top=False, weights=None)
    scales = 4
    assert model.count_params() == (
        backbone.count_params() + sum(parts.values()) + scales
    )
    assert model.count_params() == 27_130_629
    assert model.map_size == (60, 80)
    assert model.get_layer("levels").output.shape == (None, 60, 80, 1024)


def test_sizes_scales_and_what_trains():
    model = models.DSCLRCN((40, 57, 3), frozen_blocks=5, **SMALL)
    assert model.map_size == (5, 8)
    images = np.random.default_rng(0).integers(0, 256, (2, 40, 57, 3), "uint8")
    outputs = [
        model.get_layer(name).output
        for name in ("local_scaled", "scene_scaled")
    ]
    local, scene = (
        keras.ops.convert_to_numpy(x)
        for x in keras.Model(model.input, outputs)(images)
    )
    # The norms of the authors' maps of 60x80x512, and of 128 numbers.
    for x, norm in (
        (local, 400 / (60 * 80 * 512) ** 0.5),
        (scene, 9 / 128**0.5),
    ):
        rms = np.sqrt(np.mean(np.square(x), axis=(1, 2, 3)))
        np.testing.assert_allclose(rms[rms > 0], norm, rtol=1e-4)
    assert local.any() and scene.any()
    maps = keras.ops.convert_to_numpy(model(images))
    np.testing.assert_array_equal(maps.max(axis=(1, 2, 3)), 1)
    names = {w.path.split("/")[0] for w in model.trainable_weights}
    assert names == {
        *("local4", "local5", "local", "scene", "projection"),
        *("local4_scaled", "local5_scaled", "local_scaled", "scene_scaled"),
        *("spatial_lstm1", "spatial_lstm2"),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (15, 48, 3)}, "sides of at least 16"),
        ({"frozen_blocks": 6}, "frozen_blocks"),
        ({"backbone_weights": "w.h5"}, "w.h5.*filters"),
        ({"units": 0}, "units"),
    ],
)
def test_refuses_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        models.DSCLRCN(**{"input_shape": (32, 48, 3), **SMALL, **options})
