import keras
import numpy as np
import pytest
from backbones import SIZE, make_backbone, make_cache, make_sequence

from keras_saliency.datasets import SaliencyDataset, generate
from keras_saliency.features import cache_features
from keras_saliency.features.cache import _flatten


@pytest.fixture(scope="module")
def dataset():
    return generate(10, SIZE)


@pytest.fixture
def sequence(dataset):
    return make_sequence(dataset)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("outputs", ["tensor", "list", "dict"])
def test_features_are_those_of_the_images(dataset, tmp_path, outputs, flip):
    sequence = make_sequence(dataset, flip=flip)
    backbone = make_backbone(outputs=outputs)
    cached = make_cache(backbone, sequence, tmp_path, dtype="float32")
    assert cached.computed == (20 if flip else 10)
    assert cached.dataset is dataset
    samples = cached.samples(1)
    np.testing.assert_array_equal(cached.images(samples), sequence[1][0])
    for _ in range(2):
        for batch in range(len(cached)):
            images, targets = sequence[batch]
            features, same_targets = cached[batch]
            np.testing.assert_array_equal(same_targets, targets)
            expected = backbone.predict_on_batch(images)
            if outputs == "tensor":
                features, expected = [features], [expected]
            elif outputs == "dict":
                assert list(features) == list(expected)
                features, expected = features.values(), expected.values()
            for a, b in zip(features, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
        cached.on_epoch_end()


def test_float16_on_disk(sequence, tmp_path):
    backbone = make_backbone()
    half = make_cache(backbone, sequence, tmp_path)
    whole = make_cache(backbone, sequence, tmp_path, dtype="float32")
    assert half.directory != whole.directory
    assert half[0][0].dtype == np.float16
    np.testing.assert_allclose(half[0][0], whole[0][0], rtol=1e-3, atol=1e-6)
    (file,) = half.directory.glob("*.npy")
    assert file.stat().st_size == 128 + 10 * 12 * 16 * 4 * 2


def _train(head, data, validation):
    keras.utils.set_random_seed(1)
    head.compile(keras.optimizers.Adam(0.01), "mse")
    history = head.fit(data, validation_data=validation, epochs=3, verbose=0)
    return history.history


@pytest.mark.parametrize(
    "outputs",
    ["tensor", pytest.param("list", marks=pytest.mark.slow)],
)
@pytest.mark.further
def test_training_equals_training_through_the_backbone(
    dataset, tmp_path, outputs
):
    """Losses of three epochs, with shuffling and mirroring."""
    backbone = make_backbone(outputs=outputs)
    backbone.trainable = False
    shapes = backbone.output if outputs == "list" else [backbone.output]

    def make_head():
        keras.utils.set_random_seed(5)
        inputs = [keras.Input(shape.shape[1:]) for shape in shapes]
        x = inputs[0]
        if len(inputs) > 1:
            x = keras.layers.Concatenate()(inputs)
        x = keras.layers.Conv2D(2, 3, padding="same")(x)
        return keras.Model(inputs if len(inputs) > 1 else inputs[0], x)

    head = make_head()
    image = keras.Input((*SIZE, 3))
    whole = keras.Model(image, head(backbone(image)))
    train = dict(shuffle=True, flip=True, seed=3)
    validation = make_sequence(dataset, shuffle=False)
    through = _train(whole, make_sequence(dataset, **train), validation)
    alone = make_head()
    cached = [
        make_cache(backbone, sequence, tmp_path, dtype="float32")
        for sequence in (make_sequence(dataset, **train), validation)
    ]
    on_cache = _train(alone, *cached)
    for key in ("loss", "val_loss"):
        np.testing.assert_allclose(on_cache[key], through[key], rtol=1e-5)
    for a, b in zip(alone.weights, head.weights, strict=True):
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(a),
            keras.ops.convert_to_numpy(b),
            atol=1e-5,
        )


def test_training_on_float16(sequence, tmp_path):
    cached = make_cache(make_backbone(), sequence, tmp_path)
    head = keras.Sequential([keras.layers.Conv2D(2, 1)])
    history = _train(head, cached, cached)
    assert np.isfinite(history["loss"]).all()
    assert (
        keras.backend.standardize_dtype(head(cached[0][0]).dtype) == "float32"
    )


def test_found_again(sequence, tmp_path):
    first = make_cache(make_backbone(), sequence, tmp_path)
    # The same network with other automatic names, and frozen.
    again = make_backbone()
    again.trainable = False
    assert again.layers[2].name != make_backbone().layers[2].name
    second = make_cache(again, sequence, tmp_path)
    assert (first.computed, second.computed) == (10, 0)
    assert second.directory == first.directory
    np.testing.assert_array_equal(first[0][0], second[0][0])


def test_changed_file_is_computed_anew(tmp_path, dataset):
    import cv2

    paths = []
    for i in range(4):
        paths.append(tmp_path / f"p{i}.png")
        assert cv2.imwrite(str(paths[-1]), dataset.image(i))
    images = SaliencyDataset(
        "files", paths, densities=[dataset.density(i) for i in range(4)]
    )
    sequence = make_sequence(images)
    backbone = make_backbone()
    assert make_cache(backbone, sequence, tmp_path).computed == 4
    assert make_cache(backbone, sequence, tmp_path).computed == 0
    assert cv2.imwrite(str(paths[2]), 255 - dataset.image(2))
    assert make_cache(backbone, sequence, tmp_path).computed == 4


def test_too_large_for_float16(sequence, tmp_path):
    inputs = keras.Input((*SIZE, 3))
    outputs = keras.layers.Rescaling(1000.0)(inputs)
    backbone = keras.Model(inputs, outputs)
    with pytest.raises(
        ValueError, match=r"'generated_0000'.*dtype=\"float32\""
    ):
        make_cache(backbone, sequence, tmp_path)
    cached = make_cache(backbone, sequence, tmp_path, dtype="float32")
    assert cached[0][0].max() > 65504


def test_features_that_are_not_finite(sequence, tmp_path):
    inputs = keras.Input((*SIZE, 3))
    backbone = keras.Model(inputs, keras.layers.Rescaling(np.nan)(inputs))
    with pytest.raises(ValueError, match="NaN or infinite .*'generated_0000'"):
        make_cache(backbone, sequence, tmp_path)


def test_image_that_cannot_be_read(tmp_path, dataset):
    path = tmp_path / "broken.png"
    path.write_bytes(b"nothing")
    images = SaliencyDataset(
        "broken",
        [dataset.image(0)] * 5 + [path],
        names="abcdef",
        sizes=[SIZE] * 6,
        densities=[np.ones(SIZE)] * 6,
    )
    with pytest.raises(ValueError, match=r"broken\.png cannot be read"):
        make_cache(make_backbone(), make_sequence(images), tmp_path)


def test_place_from_the_environment(sequence, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_SALIENCY_CACHE", str(tmp_path / "here"))
    cached = cache_features(make_backbone(), sequence, verbose=0)
    assert cached.directory.parent == tmp_path / "here"


def test_progress_is_shown(sequence, tmp_path, capsys):
    cache_features(make_backbone(), sequence, directory=tmp_path)
    shown = capsys.readouterr().out
    assert "Features of 10 images" in shown and "10/10" in shown


def test_bad_dtype(sequence, tmp_path):
    with pytest.raises(ValueError, match='"float16" or "float32"'):
        make_cache(make_backbone(), sequence, tmp_path, dtype="int8")


def test_nested_outputs_are_refused():
    with pytest.raises(ValueError, match="nested"):
        _flatten([[1], 2])
