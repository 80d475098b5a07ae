"""What holds for every model in `MODELS`."""

import inspect
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from small_models import SMALL

from keras_saliency import datasets, models

pytestmark = pytest.mark.quick("fast_net")


def build(name, **options):
    if name not in SMALL:
        pytest.fail(
            f"MODELS has {name!r}, which SMALL in support/small_models.py "
            "lacks: add the arguments that make it small and need no weights "
            "from elsewhere."
        )
    return models.MODELS[name](**SMALL[name], **options)


def images_for(model, count=2):
    generator = np.random.default_rng(0)
    shape = (count, *model.input_shape[1:])
    return generator.integers(0, 256, shape).astype("uint8")


# Op by op: tracing costs more than these few images. JAX compiles each op.
EAGERLY = keras.backend.backend() != "jax"


@pytest.fixture(scope="module", params=models.MODELS)
def model(request):
    keras.utils.set_random_seed(0)
    model = build(request.param)
    model.run_eagerly = EAGERLY
    return model


def test_all_small_arguments_belong_to_a_model():
    assert set(SMALL) <= set(models.MODELS)


@pytest.mark.once
def test_names_and_places(model):
    cls = type(model)
    assert issubclass(cls, models.SaliencyModel)
    assert getattr(models, cls.__name__) is cls
    assert cls.__name__ in models.__all__
    assert models.MODELS[model.name] is cls


def test_maps(model):
    images = images_for(model)
    maps = model.predict(images, verbose=0)
    assert maps.shape == (2, *model.map_size, 1)
    assert maps.dtype == np.float32
    assert np.isfinite(maps).all()
    assert maps.min() >= 0
    # The values of the images are not taken for another type, nor changed.
    again = model.predict(images.astype("float32"), verbose=0)
    np.testing.assert_allclose(again, maps, rtol=1e-5, atol=1e-6)


@pytest.mark.quick("fast_net", others="slow")
def test_images_do_not_influence_each_other(model):
    images = images_for(model, 3)
    together = model.predict(images, verbose=0)
    alone = [model.predict(image[None], verbose=0)[0] for image in images]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


def test_every_constructor_argument_is_in_the_configuration(model):
    parameters = inspect.signature(type(model).__init__).parameters
    arguments = set(parameters) - {"self"}
    assert arguments == set(model.get_config())
    for name in arguments:
        assert hasattr(model, name)
        by_keyword = parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert by_keyword == (name != "input_shape")


def test_arguments_are_attributes(model):
    for name, given in SMALL[model.name].items():
        kept = getattr(model, name)
        if name == "input_shape":
            assert kept == (None, *given)
        elif name == "backbone" and model.name == "baseline":
            assert isinstance(kept, keras.Model)
        else:
            assert kept == given


def test_configuration_round_trip(model):
    config = json.loads(json.dumps(model.get_config()))
    again = type(model).from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config
    assert again.count_params() == model.count_params()
    assert len(again.trainable_weights) == len(model.trainable_weights)


@pytest.mark.quick("fast_net", others="slow")
def test_saved_and_read_it_is_the_same(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.run_eagerly = EAGERLY
    assert type(loaded) is type(model)
    images = images_for(model)
    np.testing.assert_array_equal(
        *(m.predict(images, verbose=0) for m in (model, loaded))
    )
    weights = tmp_path / "model.weights.h5"
    model.save_weights(weights)
    loaded.set_weights([np.zeros_like(w) for w in model.get_weights()])
    loaded.load_weights(weights)
    np.testing.assert_array_equal(
        *(m.predict(images, verbose=0) for m in (model, loaded))
    )


LOAD = """
import keras, numpy as np, sys
import keras_saliency
folder = sys.argv[1]
for name in sys.argv[2:]:
    model = keras.models.load_model(f"{folder}/{name}.keras")
    images = np.load(f"{folder}/{name}_images.npy")
    maps = model.predict(images, verbose=0)
    assert np.array_equal(maps, np.load(f"{folder}/{name}_maps.npy")), name
"""


@pytest.mark.slow
def test_loads_in_a_fresh_process_bit_for_bit(tmp_path):
    for name in models.MODELS:
        model = build(name)
        images = images_for(model)
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}_images.npy", images)
        np.save(tmp_path / f"{name}_maps.npy", model.predict(images, verbose=0))
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path), *models.MODELS],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    "eagerly", [EAGERLY, pytest.param(not EAGERLY, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", models.MODELS)
def test_trains_as_recommended(name, eagerly, tmp_path):
    model = build(name)
    dataset = datasets.generate(count=6, size=(32, 48))
    batches = datasets.SaliencySequence(
        dataset,
        batch_size=2,
        image_size=model.input_shape[1:3],
        map_size=model.map_size,
    )
    assert model.recommended_loss() is not model.recommended_loss()
    assert model.recommended_optimizer() is not model.recommended_optimizer()
    model.compile(
        model.recommended_optimizer(),
        model.recommended_loss(),
        run_eagerly=eagerly,
    )
    before = [np.array(w) for w in model.trainable_weights]
    frozen = [np.array(w) for w in model.non_trainable_weights]
    first = model.evaluate(batches, verbose=0, return_dict=True)["loss"]
    logs = model.fit(batches, epochs=1, verbose=0).history
    assert np.isfinite(list(logs.values())).all()
    last = model.evaluate(batches, verbose=0, return_dict=True)["loss"]
    # Three steps say little of what is normalized by moving statistics.
    is_normalized = any("moving" in w.path for w in model.non_trainable_weights)
    # A large step of the first epoch may lead up; it must not lead far.
    assert is_normalized or last < first + 0.1 * abs(first)
    assert any(
        not np.array_equal(a, b)
        for a, b in zip(before, model.trainable_weights, strict=True)
    )
    if not is_normalized:
        for a, b in zip(frozen, model.non_trainable_weights, strict=True):
            np.testing.assert_array_equal(a, b)
    assert np.isfinite(model.predict(batches, verbose=0)).all()
    # Compiled, it is saved and read with its optimizer.
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.iterations == 3
    again = loaded.evaluate(batches, verbose=0, return_dict=True)["loss"]
    assert again == pytest.approx(last, rel=1e-5)


@pytest.mark.parametrize("size", [(40, 60), (75, 31), (32, 48)])
def test_saliency_map_has_the_image_s_size(model, size):
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), "uint8")
    map_ = model.saliency_map(image)
    assert map_.shape == size
    assert map_.dtype == np.float32
    assert np.isfinite(map_).all()
    assert map_.min() >= 0


@pytest.mark.parametrize("shape", [(60,), (40, 60, 4), (0, 60, 3)])
def test_saliency_map_refuses_what_is_no_image(model, shape):
    with pytest.raises(ValueError, match=r"\(height, width, 3\)"):
        model.saliency_map(np.zeros(shape, "uint8"))


@pytest.mark.parametrize("name", models.MODELS)
@pytest.mark.once
@pytest.mark.quick("fast_net", others="slow")
def test_maps_are_float32_in_half_precision(name):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(name)
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    model.run_eagerly = EAGERLY
    assert str(model.outputs[0].dtype) == "float32"
    maps = model.predict(images_for(model), verbose=0)
    assert maps.dtype == np.float32
    assert np.isfinite(maps).all()


@pytest.mark.parametrize("name", models.MODELS)
def test_frozen_it_has_nothing_to_train(name):
    model = build(name, trainable=False)
    assert model.trainable_weights == []
    again = type(model).from_config(model.get_config())
    assert again.trainable_weights == []
