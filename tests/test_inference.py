"""One map of a model, whoever asks for it."""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from keras_saliency import datasets, evaluation, inference, models, predict

INPUT = (24, 32)


@pytest.fixture(scope="module")
def dataset():
    """Three images, larger than the networks' input and of another shape."""
    return datasets.generate(count=3, size=(60, 48))


def layers():
    inputs = keras.Input((*INPUT, 3))
    x = keras.layers.Conv2D(1, 5, padding="same")(inputs)
    return inputs, keras.layers.AveragePooling2D(2)(x) ** 2


def scores(predictions, dataset, **options):
    table = evaluation.evaluate(
        predictions, dataset, metrics=["cc", "nss"], verbose=0, **options
    )
    return np.stack(list(table.scores.values()))


class Finished(models.SaliencyModel):
    """Looks at a part of the image, and mirrors the map."""

    def prepare_image(self, image):
        return super().prepare_image(image[: len(image) // 2])

    def finish_map(self, map_, size):
        assert tuple(size) == (60, 48)
        return map_[:, ::-1]


@pytest.mark.parametrize("make", [keras.Model, models.SaliencyModel, Finished])
def test_all_make_the_same_map(make, dataset):
    model = make(*layers())
    maps = [
        inference.saliency_map(model, dataset.image(i), (30, 24))
        for i in range(len(dataset))
    ]
    for batch_size in (1, 2):
        np.testing.assert_allclose(
            scores(model, dataset, size=(30, 24), batch_size=batch_size),
            scores(maps, dataset, size=(30, 24)),
            rtol=1e-5,
        )
    image = dataset.image(0)
    map_ = inference.saliency_map(model, image)
    assert map_.shape == (60, 48) and map_.dtype == np.float32
    np.testing.assert_allclose(
        predict(image, model), map_ / map_.max(), rtol=1e-6
    )
    if make is not keras.Model:
        np.testing.assert_array_equal(model.saliency_map(image), map_)
        np.testing.assert_array_equal(
            model.saliency_map(image, (30, 24)), maps[0]
        )


def test_raw_maps_are_what_the_network_returns(dataset):
    model = Finished(*layers())
    stretched = np.stack([dataset.image(i, INPUT) for i in range(3)])
    maps = inference.raw_maps(model, stretched)
    np.testing.assert_array_equal(
        maps, model.predict_on_batch(stretched)[..., 0]
    )
    np.testing.assert_allclose(
        scores(model, dataset, raw=True), scores(maps, dataset), rtol=1e-5
    )
    assert (scores(model, dataset, raw=True) != scores(model, dataset)).all()
    with pytest.raises(ValueError, match="raw=True is for a Keras model"):
        scores(maps, dataset, raw=True)


def test_a_model_with_a_map_of_its_own(dataset):
    class Own(keras.Model):
        def saliency_map(self, image):
            return image[..., 0].astype("float32")

    class Red:
        saliency_map = Own.saliency_map

    model = Own(*layers())
    red = [dataset.image(i)[..., 0] for i in range(len(dataset))]
    np.testing.assert_array_equal(scores(model, dataset), scores(red, dataset))
    np.testing.assert_array_equal(scores(Red(), dataset), scores(red, dataset))
    assert (scores(model, dataset, raw=True) != scores(red, dataset)).all()


def test_models_have_names_in_tables(dataset, tmp_path):
    np.testing.assert_array_equal(
        scores("spectral_residual", dataset),
        scores(models.get("spectral_residual"), dataset),
    )
    model = keras.Model(*layers())
    model.save(tmp_path / "own.keras")
    np.testing.assert_array_equal(
        scores(tmp_path / "own.keras", dataset), scores(model, dataset)
    )
    for name, message in (
        ("nothing", "no folder nothing. There is no model 'nothing'.*gbvs"),
        ("sam_vgg", "without training.*models.SAMVGG"),
    ):
        with pytest.raises(FileNotFoundError, match=message):
            scores(name, dataset)


def test_what_is_no_saliency_model(dataset):
    inputs, output = layers()
    for model, message in (
        (keras.Model(inputs, [output, output]), "2 outputs"),
        (keras.Model(inputs, keras.layers.Flatten()(output)), r"\(1, 192\)"),
        (keras.Sequential([keras.Input((12, 16, 1))]), "call the whole"),
    ):
        with pytest.raises(ValueError, match=message):
            inference.saliency_map(model, dataset.image(0))
    with pytest.raises(ValueError, match="moveaxis"):
        inference.saliency_map(
            keras.Model(inputs, output), np.zeros((3, 20, 30), "uint8")
        )


def test_many_threads(dataset):
    """Models that share their variables, asked at the same time."""
    whole = models.SaliencyModel(*layers())
    part = keras.Model(whole.input, whole.layers[1].output)
    image = dataset.image(0, INPUT)
    maps = [inference.raw_maps(each, image[None]) for each in (whole, part)]

    def work(number):
        if number % 3 == 0:
            return predict(dataset.image(0), whole)
        return inference.raw_maps((whole, part)[number % 2], image[None])

    with ThreadPoolExecutor(8) as pool:
        results = [*pool.map(work, range(48))]
    for number, result in enumerate(results):
        if number % 3:
            np.testing.assert_array_equal(result, maps[number % 2])
        else:
            np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize(
    "words", ["Buffer has been deleted or donated", "else"]
)
def test_training_in_another_thread_is_not_the_images_fault(dataset, words):
    class Model(keras.Model):
        def predict_on_batch(self, x):
            raise ValueError(words)

    model = Model(*layers())
    kind, message = (
        (RuntimeError, "trained.*in another thread")
        if "donated" in words
        else (ValueError, "else")
    )
    with pytest.raises(kind, match=message):
        predict(dataset.image(0), model)


def test_replicas_that_all_return_the_batch(dataset):
    class Model(keras.Model):
        def predict_on_batch(self, x):
            return np.concatenate([super().predict_on_batch(x)] * 3)

    replicated, plain = Model(*layers()), keras.Model(*layers())
    plain.set_weights(replicated.get_weights())
    np.testing.assert_array_equal(
        scores(replicated, dataset, batch_size=2),
        scores(plain, dataset, batch_size=2),
    )


def test_a_model_inside_a_wrapper(dataset):
    class Wrapper:
        def __init__(self, module):
            self.module = module

    model = keras.Model(*layers())
    image = dataset.image(0)
    np.testing.assert_array_equal(
        predict(image, Wrapper(model)), predict(image, model)
    )
    np.testing.assert_array_equal(
        scores(Wrapper(model), dataset), scores(model, dataset)
    )


def test_images_of_any_size():
    inputs = keras.Input((None, None, 3))
    maps = keras.layers.Conv2D(1, 3, padding="same", activation="relu")
    model = keras.Model(inputs, maps(inputs))
    sizes = ((24, 32), (24, 32), (30, 20), (24, 32))
    found = [datasets.generate(1, size).image(0) for size in sizes]
    fixations = datasets.Fixations(
        [0, 1, 2, 3, 0, 1], [3, 4, 5, 6, 1, 2], [1, 2, 3, 4, 5, 6]
    )
    names = ["a", "b", "c", "d"]
    dataset = datasets.SaliencyDataset(
        "mixed", found, names=names, fixations=fixations
    )
    singles = [inference.saliency_map(model, image) for image in found]
    assert [map_.shape for map_ in singles] == [i.shape[:2] for i in found]
    for batch_size in (1, 3):
        many = inference.finished_maps(model, found, batch_size)
        for one, other in zip(singles, many, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        scores(model, dataset), scores(singles, dataset), rtol=1e-5
    )
    np.testing.assert_allclose(
        scores(model, dataset, raw=True), scores(singles, dataset), rtol=1e-5
    )
