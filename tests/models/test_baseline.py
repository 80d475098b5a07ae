"""The paper's network."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_saliency import cache_features, datasets, losses, models, targets

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 64, 96, 3)).astype("uint8")


def tiny(**options):
    return models.Baseline(input_shape=(64, 96, 3), backbone="tiny", **options)


def batch(model, seed=1):
    generator = np.random.default_rng(seed)
    shape = (len(IMAGES), *model.map_size)
    return IMAGES, targets.pack(
        generator.random(shape), generator.integers(0, 2, shape)
    )


def test_the_paper_s_sizes():
    model = models.Baseline(backbone_weights=None)
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert trainable == 1_622_401
    assert model.head.count_params() == 1_622_401
    assert model.map_size == (37, 50)
    assert [shape[1:] for shape in model.backbone.output_shape] == [
        (37, 50, 256),
        (18, 25, 512),
        (18, 25, 512),
    ]
    smoothing = model.head.get_layer("saliency").smoothing
    assert (smoothing.size, smoothing.sigma) == (5, 1.0)


@pytest.mark.once
@pytest.mark.further
def test_features_are_keras_own_vgg16(vgg16_weights):
    images = RNG.integers(0, 256, (1, 64, 96, 3)).astype("uint8")
    model = models.Baseline((64, 96, 3), backbone_weights=vgg16_weights)
    vgg = keras.applications.VGG16(
        include_top=False,
        weights=str(vgg16_weights),
        input_shape=(64, 96, 3),
    )
    direct = keras.Model(
        vgg.input,
        [
            vgg.get_layer(name).output
            for name in ("block3_pool", "block4_pool", "block5_conv3")
        ],
    )
    bgr = images[..., ::-1].astype("float32") - [103.939, 116.779, 123.68]
    for ours, theirs in zip(
        model.backbone.predict(images, verbose=0),
        direct.predict(bgr, verbose=0),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-2)


@pytest.mark.once
def test_head_on_features_is_the_whole():
    model = tiny(activation="sigmoid")
    whole = model.predict(IMAGES, verbose=0)
    parts = model.head.predict(
        model.backbone.predict(IMAGES, verbose=0), verbose=0
    )
    np.testing.assert_allclose(whole, parts, rtol=1e-5)
    assert whole.shape == (4, *model.map_size, 1)


@pytest.mark.slow
def test_training_the_head_trains_the_model_and_the_backbone_stays():
    model = tiny()
    before = [np.array(w) for w in model.backbone.get_weights()]
    first = model.predict(IMAGES, verbose=0)
    model.head.compile("adam", losses.MeanSquaredError())
    features = model.backbone.predict(IMAGES, verbose=0)
    model.head.fit(features, batch(model)[1], epochs=3, verbose=0)
    assert np.abs(model.predict(IMAGES, verbose=0) - first).max() > 1e-4
    model.compile("adam", losses.MeanSquaredError())
    model.fit(*batch(model), verbose=0)
    for a, b in zip(before, model.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_terms_show_in_the_logs_by_themselves():
    model = tiny()
    loss = 10 * losses.KLDivergence() + 2 * losses.CorrelationCoefficient()
    for part, x in (
        (model, IMAGES),
        (model.head, model.backbone.predict(IMAGES, verbose=0)),
    ):
        part.compile(keras.optimizers.SGD(0.0), loss=loss, metrics=["mae"])
        y = batch(model)[1][..., :1]
        logs = part.fit(x, y, validation_data=(x, y), verbose=0).history
        assert {"kld", "neg_cc", "val_kld", "val_neg_cc"} < set(logs)
        assert "mae" in logs or "mean_absolute_error" in logs
        assert logs["val_loss"][0] == pytest.approx(
            10 * logs["val_kld"][0] + 2 * logs["val_neg_cc"][0], rel=1e-5
        )
        # Another loss leaves nothing of the first in the logs.
        part.compile("sgd", losses.MeanSquaredError())
        logs = part.fit(x, y, verbose=0).history
        assert set(logs) == {"loss"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("MSE", marks=pytest.mark.slow),
        "LC1",
        pytest.param("LC2", marks=pytest.mark.slow),
    ],
)
@pytest.mark.further
def test_saved_while_training_it_continues(name, tmp_path):
    model = tiny(activation="sigmoid")
    loss = losses.get(name, prior=RNG.random(model.map_size), vgg_weights=None)
    model.compile(keras.optimizers.Adam(1e-3), loss)
    x, y = batch(model)
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, models.Baseline)
    np.testing.assert_array_equal(
        loaded.predict(x, verbose=0), model.predict(x, verbose=0)
    )
    assert loaded.optimizer.iterations == 2
    assert loaded.backbone.trainable_weights == []
    first, second = (
        m.evaluate(x, y, verbose=0, return_dict=True) for m in (model, loaded)
    )
    assert set(first) == set(second)
    if name != "LC2":  # Its VGG-16 has random weights here.
        assert first == pytest.approx(second, rel=1e-5)


@pytest.mark.slow
def test_loads_in_a_fresh_process_bit_for_bit(tmp_path):
    model = tiny(activation="sigmoid")
    loss = losses.get("LC2", prior=RNG.random(model.map_size), vgg_weights=None)
    model.compile("adam", loss)
    x, y = batch(model)
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "expected.npy", model.predict(x, verbose=0))
    script = (
        "import keras, numpy as np, sys\n"
        "import keras_saliency\n"
        "folder = sys.argv[1]\n"
        "model = keras.models.load_model(folder + '/model.keras')\n"
        "result = model.predict(np.load(folder + '/x.npy'), verbose=0)\n"
        "expected = np.load(folder + '/expected.npy')\n"
        "assert np.array_equal(result, expected), abs(result - expected).max()"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=True, timeout=300
    )


@pytest.mark.once
@pytest.mark.further
def test_perceptual_network_is_no_part_of_a_saved_model(tmp_path):
    model = tiny()
    x, y = batch(model)
    model.compile("sgd", losses.get("Deep Features (DF)", vgg_weights=None))
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    assert (tmp_path / "model.keras").stat().st_size < 10e6


@pytest.mark.once
def test_a_model_of_the_user_s_own_as_backbone(tmp_path):
    images = keras.Input((64, 96, 3))
    own = keras.Model(
        images,
        keras.layers.Conv2D(8, 3, strides=8, padding="same")(images),
        name="own",
    )
    model = models.Baseline((64, 96, 3), backbone=own)
    assert model.map_size == (8, 12)
    assert own.trainable_weights == []
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0)
    )


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_images_of_any_size(run_eagerly):
    model = models.Baseline((None, None, 3), backbone="tiny")
    model.run_eagerly = run_eagerly
    # A second size is where TensorFlow makes a graph of unknown sizes.
    for size in ((32, 48), (50, 70), (33, 37)):
        images = np.random.default_rng(0).integers(0, 256, (2, *size, 3))
        own = models.Baseline((*size, 3), backbone="tiny")
        own.set_weights(model.get_weights())
        np.testing.assert_allclose(
            model.predict_on_batch(images.astype("uint8")),
            own.predict_on_batch(images.astype("uint8")),
            atol=1e-6,
        )


def test_unknown_arguments_are_not_swallowed():
    with pytest.raises(TypeError, match="dropout"):
        tiny(dropout=0.5)
    with pytest.raises(ValueError, match="droput"):
        tiny(head={"droput": 0.5})


def test_frozen_stays_frozen(tmp_path):
    model = tiny(trainable=False)
    assert model.trainable_weights == []
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.trainable_weights == []


@pytest.mark.parametrize("backbone", ["MobileNetV2", "mobilenetv3small"])
@pytest.mark.further
def test_any_application_can_be_named(backbone):
    model = models.Baseline(
        (64, 96, 3), backbone=backbone, backbone_weights=None
    )
    assert model.map_size == (8, 12)
    assert len(model.backbone.outputs) == 3
    assert np.isfinite(model.predict(IMAGES, verbose=0)).all()


def test_the_tiny_backbone_is_the_same_everywhere():
    weights = tiny().backbone.get_weights()
    np.testing.assert_array_equal(weights[0], tiny().backbone.get_weights()[0])
    assert weights[0][0, 0, 0, 0] == pytest.approx(0.034219, rel=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "vgg61"}, "no backbone 'vgg61'.*VGG16"),
        ({"backbone": "tiny", "backbone_weights": "w.h5"}, "of its own"),
        ({"backbone_weights": "missing.h5"}, "missing.h5"),
        ({"input_shape": (64, 96, 1)}, r"\(height, width, 3\)"),
        ({"backbone_weights": None, "feature_layers": ["nope"]}, "nope"),
        ({"backbone": "tiny", "activation": "softmax"}, "activation"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        models.Baseline(**{"input_shape": (64, 96, 3), **options})


@pytest.mark.once
def test_the_same_backbone_made_twice_finds_the_same_cache(tmp_path):
    dataset = datasets.generate(count=2, size=(64, 96))
    batches = datasets.SaliencySequence(
        dataset, batch_size=2, image_size=(64, 96)
    )
    first, second = (
        models.Baseline((64, 96, 3), backbone_weights=None).backbone
        for _ in range(2)
    )
    second.set_weights(first.get_weights())
    computed = [
        cache_features(
            backbone, batches, directory=tmp_path, verbose=0
        ).computed
        for backbone in (first, second)
    ]
    assert computed == [2, 0]


BLOCK5 = ("block5_conv1", "block5_conv2", "block5_conv3")


@pytest.mark.once
@pytest.mark.further
def test_tuned_layers_of_vgg16_have_its_weights(vgg16_weights):
    shape = (64, 96, 3)
    frozen = models.Baseline(shape, backbone_weights=vgg16_weights)
    tuned = models.Baseline(
        shape, backbone_weights=vgg16_weights, tuned_layers=BLOCK5
    )
    assert [s[1:] for s in tuned.backbone.output_shape] == [
        (8, 12, 256),
        (4, 6, 512),
    ]
    assert tuned.head.count_params() == 1_622_401 + 7_079_424
    trained = tuned.head.get_layer("saliency")
    trained.set_weights(frozen.head.get_weights())
    np.testing.assert_allclose(
        tuned.predict(IMAGES, verbose=0),
        frozen.predict(IMAGES, verbose=0),
        atol=1e-5,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tuned", "channels"),
    [
        # The input of conv4 is a level; that of conv2 is none.
        (["conv4"], [32, 64]),
        (["conv4", "conv3"], [32]),
        (["conv2", "conv3", "conv4"], [16]),
    ],
)
def test_tuned_layers_train_in_the_head_and_are_saved(
    tuned, channels, tmp_path
):
    model = tiny(tuned_layers=tuned)
    assert [x.shape[-1] for x in model.backbone.outputs] == channels
    plain = tiny()
    plain.head.get_layer("saliency").set_weights(
        model.head.get_layer("saliency").get_weights()
    )
    first = model.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(
        first, plain.predict(IMAGES, verbose=0), rtol=1e-4, atol=1e-6
    )
    kernel = np.array(model.head.get_layer(tuned[0]).kernel)
    model.head.compile("adam", losses.MeanSquaredError())
    features = model.backbone.predict(IMAGES, verbose=0)
    model.head.fit(features, batch(model)[1], verbose=0)
    changed = np.array(model.head.get_layer(tuned[0]).kernel) - kernel
    assert np.abs(changed).max() > 1e-5
    expected = model.predict(IMAGES, verbose=0)
    assert np.abs(expected - first).max() > 1e-4

    model.save(tmp_path / "model.keras")
    model.head.save(tmp_path / "head.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    head = keras.models.load_model(tmp_path / "head.keras")
    np.testing.assert_array_equal(loaded.predict(IMAGES, verbose=0), expected)
    np.testing.assert_allclose(
        head.predict(features, verbose=0), expected, rtol=1e-5, atol=1e-7
    )
    for read in (loaded, loaded.head, head):
        assert len(read.trainable_weights) == len(model.trainable_weights)
    assert loaded.backbone.trainable_weights == []


def test_tuned_layers_of_a_frozen_model_are_frozen(tmp_path):
    model = tiny(tuned_layers=["conv4"], trainable=False)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        assert each.trainable_weights == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tuned_layers": ["conv3"]}, "last layers of conv1, .*conv4"),
        ({"tuned_layers": ["nope"]}, "nope"),
        ({"tuned_layers": ["conv2", "conv4"]}, "without a gap"),
        (
            {
                "backbone": "MobileNetV2",
                "backbone_weights": None,
                "tuned_layers": ["Conv_1"],
            },
            "follow each other, such as VGG-16",
        ),
        (
            {
                "backbone": keras.Sequential([keras.layers.ReLU()]),
                "tuned_layers": ["conv4"],
            },
            "name of an architecture",
        ),
    ],
)
@pytest.mark.once
def test_layers_that_cannot_be_tuned(options, message):
    with pytest.raises(ValueError, match=message):
        models.Baseline(
            **{"input_shape": (64, 96, 3), "backbone": "tiny", **options}
        )
