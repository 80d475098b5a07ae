import json

import keras
import numpy as np
import pytest
from backbones import SIZE, make_backbone, make_cache, make_sequence

from keras_saliency.datasets import SaliencyDataset, generate
from keras_saliency.features import keys as cache_keys
from keras_saliency.features.keys import cache_key


@pytest.fixture(scope="module")
def dataset():
    return generate(10, SIZE)


@pytest.fixture
def sequence(dataset):
    return make_sequence(dataset)


def _keys(sequence):
    changed = make_backbone()
    kernel = changed.layers[2].kernel
    kernel.assign(kernel + 1e-4)
    data = sequence.dataset
    images = [data.image(i) for i in range(len(data))]
    images[7][3, 4, 1] ^= 1
    other = SaliencyDataset(
        "other", images, names=data.names, fixations=data.fixations
    )
    backbone = make_backbone()
    flexible = keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3)]
    )
    yield "weights", changed, sequence, "float16"
    yield "image", backbone, make_sequence(other), "float16"
    renamed = SaliencyDataset(
        "other",
        [data.image(i) for i in range(len(data))],
        names=[f"other {name}" for name in data.names],
        fixations=data.fixations,
    )
    yield "names", backbone, make_sequence(renamed), "float16"
    yield (
        "order",
        backbone,
        make_sequence(data.subset(range(9, -1, -1))),
        "float16",
    )
    yield "fewer", backbone, make_sequence(data.subset(range(9))), "float16"
    yield "flip", backbone, make_sequence(data, flip=True), "float16"
    yield "dtype", backbone, sequence, "float32"
    yield "filters", make_backbone(filters=5), sequence, "float16"
    # A layer may be named like its activation.
    yield "activation", make_backbone(activation="tanh"), sequence, "float16"
    yield "outputs", make_backbone(outputs="list"), sequence, "float16"
    yield "flexible", flexible, sequence, "float16"
    size = make_sequence(data, image_size=(12, 16))
    yield "size", flexible, size, "float16"


def test_any_change_gives_another_key(sequence, monkeypatch):
    keys = {"same": cache_key(make_backbone(), sequence, "float16")}
    for name, *arguments in _keys(sequence):
        keys[name] = cache_key(*arguments)
    for owner, name, value in (
        (cache_keys, "FORMAT", cache_keys.FORMAT + 1),
        (keras, "version", lambda: "0.0"),
        (keras.config, "backend", lambda: "other"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, value)
            keys[name] = cache_key(make_backbone(), sequence, "float16")
    assert len(set(keys.values())) == len(keys)


def test_what_does_not_matter_gives_the_same_key(sequence):
    key = cache_key(make_backbone(), sequence, "float16")
    other = make_sequence(sequence.dataset, shuffle=False, seed=9, sigma=2)
    other.on_epoch_end()
    assert cache_key(make_backbone(), other, "float16") == key


def test_mixed_precision_gives_another_key(sequence):
    key = cache_key(make_backbone(), sequence, "float16")
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        assert cache_key(make_backbone(), sequence, "float16") != key
    finally:
        keras.config.set_dtype_policy(policy)


class OwnBackbone(keras.Model):
    """Neither functional nor built before it is called."""

    def __init__(self, size):
        super().__init__()
        self.conv = keras.layers.Conv2D(size, 3)

    def get_config(self):
        return {"size": self.conv.filters}

    def call(self, inputs):
        return self.conv(keras.ops.cast(inputs, "float32"))


def test_backbone_that_is_built_on_use(sequence, tmp_path):
    cached = make_cache(OwnBackbone(2), sequence, tmp_path)
    assert cached[0][0].shape == (4, 22, 30, 2)


def test_backbone_without_configuration(sequence, tmp_path):
    class Secret(OwnBackbone):
        def get_config(self):
            raise NotImplementedError

    with pytest.raises(ValueError, match="no configuration"):
        make_cache(Secret(2), sequence, tmp_path)


@pytest.mark.parametrize("outputs", ["list", "dict"])
def test_several_outputs_are_found_again(sequence, tmp_path, outputs):
    computed = [
        make_cache(make_backbone(outputs=outputs), sequence, tmp_path).computed
        for _ in range(2)
    ]
    assert computed == [10, 0]


def _dict_within():
    """A model with a dictionary of outputs inside another one."""
    inner = make_backbone(outputs="dict")
    inputs = keras.Input((*SIZE, 3))
    out = inner(inputs)
    return keras.Model(inputs, {"sum": keras.ops.mean(out["a"], -1), **out})


def _random_within():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((*SIZE, 3)),
            keras.layers.RandomFlip(seed=None),
            keras.layers.Conv2D(2, 3),
            keras.layers.Dropout(0.5),
        ]
    )


class Configured(OwnBackbone):
    """A model whose configuration is not of JSON's types alone."""

    def __init__(self, value):
        super().__init__(2)
        self.value = value

    def get_config(self):
        return {"value": self.value}


@pytest.mark.parametrize(
    "build",
    [
        _dict_within,
        _random_within,
        lambda: _configured(keras.activations.relu),
        lambda: _configured({"b", "a"}),
        lambda: _configured(np.arange(5000)),
        lambda: _configured(np.float32(2)),
        lambda: _configured(keras.initializers.Ones()),
    ],
)
def test_the_same_model_made_twice_has_one_key(sequence, build):
    keys = set()
    for _ in range(2):
        keys.add(cache_key(build(), sequence, "float16"))
        keras.layers.Conv2D(1, 1)  # Keras counts the layers that it names
    assert len(keys) == 1


def _configured(value):
    keras.utils.set_random_seed(0)
    return Configured(value)


def test_long_arrays_in_a_configuration_count_whole(sequence):
    values = np.arange(5000)
    changed = values.copy()
    changed[2500] = 0
    assert repr(values) == repr(changed)
    keys = {
        cache_key(_configured(v), sequence, "float16")
        for v in (values, changed)
    }
    assert len(keys) == 2


def test_a_configuration_that_tells_nothing(sequence):
    for value in (object(), lambda x: x):
        with pytest.raises(ValueError, match="cannot be told from others"):
            cache_key(_configured(value), sequence, "float16")


def chosen(image, points, density, rng):
    return image if image.ndim in {"a", "b", "c", "d", "e"} else None


def test_the_code_of_a_function_is_the_same_in_each_process():
    # The order of a set of strings is drawn for each process.
    text = json.dumps(cache_keys._code(chosen), default=cache_keys._as_json)
    assert '["a", "b", "c", "d", "e"]' in text
