import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_saliency.datasets import SaliencyDataset, SaliencySequence, generate
from keras_saliency.features import cache as features
from keras_saliency.features.cache import cache_features

SIZE = (24, 32)


def make_backbone(seed=0, outputs="tensor", filters=4, activation="relu"):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(x)
    x = keras.layers.Activation(activation, name=activation)(x)
    y = keras.layers.Conv2D(filters, 3, padding="same")(x)
    made = {"tensor": y, "list": [x, y], "dict": {"b": y, "a": x}}
    return keras.Model(inputs, made[outputs])


class CountingBackbone:
    """Counts the images that go through a backbone."""

    def __init__(self, backbone, fail_after=None):
        self._backbone = backbone
        self.images = 0
        self.fail_after = fail_after

    def __getattr__(self, name):
        return getattr(self._backbone, name)

    def predict_on_batch(self, images):
        if self.fail_after is not None and self.images >= self.fail_after:
            raise KeyboardInterrupt
        self.images += len(images)
        return self._backbone.predict_on_batch(images)


@pytest.fixture(scope="module")
def dataset():
    return generate(10, SIZE)


@pytest.fixture
def sequence(dataset):
    return make_sequence(dataset)


def make_sequence(dataset, **options):
    options = {"image_size": SIZE, "map_size": (12, 16), **options}
    return SaliencySequence(dataset, batch_size=4, **options)


def make_cache(backbone, sequence, directory, **options):
    return cache_features(backbone, sequence, directory, verbose=0, **options)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("outputs", ["tensor", "list", "dict"])
def test_features_are_those_of_the_images(dataset, tmp_path, outputs, flip):
    sequence = make_sequence(dataset, flip=flip)
    backbone = make_backbone(outputs=outputs)
    cached = make_cache(backbone, sequence, tmp_path, dtype="float32")
    assert cached.computed == (20 if flip else 10)
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


@pytest.mark.parametrize("outputs", ["tensor", "list"])
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


def _keys(sequence):
    changed = make_backbone()
    kernel = changed.layers[2].kernel
    kernel.assign(kernel + 1e-4)
    data = sequence.dataset
    pictures = [data.image(i) for i in range(len(data))]
    pictures[7][3, 4, 1] ^= 1
    other = SaliencyDataset(
        "other", pictures, names=data.names, fixations=data.fixations
    )
    backbone = make_backbone()
    flexible = keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3)]
    )
    yield "weights", changed, sequence, "float16"
    yield "image", backbone, make_sequence(other), "float16"
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
    keys = {"same": features._key(make_backbone(), sequence, "float16")}
    for name, *arguments in _keys(sequence):
        keys[name] = features._key(*arguments)
    monkeypatch.setattr(features, "FORMAT", features.FORMAT + 1)
    keys["format"] = features._key(make_backbone(), sequence, "float16")
    assert len(set(keys.values())) == len(keys)


def test_what_does_not_matter_gives_the_same_key(sequence):
    key = features._key(make_backbone(), sequence, "float16")
    other = make_sequence(sequence.dataset, shuffle=False, seed=9, sigma=2)
    other.on_epoch_end()
    assert features._key(make_backbone(), other, "float16") == key


def test_mixed_precision_gives_another_key(sequence):
    key = features._key(make_backbone(), sequence, "float16")
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        assert features._key(make_backbone(), sequence, "float16") != key
    finally:
        keras.config.set_dtype_policy(policy)


def test_changed_file_is_computed_anew(tmp_path, dataset):
    import cv2

    paths = []
    for i in range(4):
        paths.append(tmp_path / f"p{i}.png")
        assert cv2.imwrite(str(paths[-1]), dataset.image(i))
    pictures = SaliencyDataset(
        "files", paths, densities=[dataset.density(i) for i in range(4)]
    )
    sequence = make_sequence(pictures)
    backbone = make_backbone()
    assert make_cache(backbone, sequence, tmp_path).computed == 4
    assert make_cache(backbone, sequence, tmp_path).computed == 0
    assert cv2.imwrite(str(paths[2]), 255 - dataset.image(2))
    assert make_cache(backbone, sequence, tmp_path).computed == 4


def test_interrupted_work_is_resumed(sequence, tmp_path):
    broken = CountingBackbone(make_backbone(), fail_after=8)
    with pytest.raises(KeyboardInterrupt):
        make_cache(broken, sequence, tmp_path)
    counting = CountingBackbone(make_backbone())
    cached = make_cache(counting, sequence, tmp_path)
    assert cached.computed == 2
    fresh = make_cache(make_backbone(), sequence, tmp_path / "other")
    for batch in range(3):
        np.testing.assert_array_equal(cached[batch][0], fresh[batch][0])


def test_all_computed_but_not_declared_complete(sequence, tmp_path):
    cached = make_cache(make_backbone(), sequence, tmp_path)
    meta = cached.directory / "meta.json"
    meta.write_text(
        json.dumps({**json.loads(meta.read_text()), "complete": False})
    )
    assert make_cache(make_backbone(), sequence, tmp_path).computed == 0
    assert json.loads(meta.read_text())["complete"]


def _truncate(path):
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - 8)


def _append(path):
    with open(path, "ab") as file:
        file.write(b"x")


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(
    "file, damage",
    [
        ("output_0.npy", _truncate),
        ("output_0.npy", _append),
        ("output_0.npy", Path.unlink),
        ("output_0.npy", lambda path: path.write_bytes(b"")),
        ("output_0.npy", lambda path: np.save(path, np.zeros(3))),
        ("meta.json", Path.unlink),
        ("meta.json", lambda path: path.write_text("{")),
        ("meta.json", lambda path: path.write_text('{"rows": 10}')),
    ],
)
def test_damaged_cache_is_computed_anew(
    sequence, tmp_path, file, damage, complete
):
    cached = make_cache(make_backbone(), sequence, tmp_path)
    expected = [cached[batch][0] for batch in range(3)]
    folder = cached.directory
    del cached
    if not complete:
        meta = json.loads((folder / "meta.json").read_text())
        meta["complete"] = False
        (folder / "meta.json").write_text(json.dumps(meta))
    damage(folder / file)
    again = make_cache(make_backbone(), sequence, tmp_path)
    assert again.computed == 10
    for batch in range(3):
        np.testing.assert_array_equal(again[batch][0], expected[batch])


SCRIPT = """
    import sys
    import time

    import keras
    from keras_saliency.features import cache as features
    from keras_saliency.datasets import SaliencySequence, generate

    directory, delay = sys.argv[1], float(sys.argv[2])
    features.FLUSH_SECONDS = 0.0
    inputs = keras.Input((24, 32, 3))
    keras.utils.set_random_seed(0)
    backbone = keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))
    predict = backbone.predict_on_batch

    def slow(images):
        time.sleep(delay)
        return predict(images)

    backbone.predict_on_batch = slow
    sequence = SaliencySequence(generate(24, (24, 32)), 2, (24, 32))
    print("ready", flush=True)
    cached = features.cache_features(backbone, sequence, directory, verbose=0)
    print(cached.computed, cached.directory, flush=True)
"""


def _start(directory, delay):
    root = Path(features.__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), directory, str(delay)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def _result(process):
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    computed, directory = output.splitlines()[-1].split(maxsplit=1)
    return int(computed), Path(directory)


def _marked(directory):
    marks = [p.read_bytes() for p in directory.glob("*/done.bin")]
    return sum(sum(m) for m in marks)


def test_killed_then_two_processes_at_once(tmp_path):
    """One is killed half-way; of two started then, one does the rest."""
    killed = _start(str(tmp_path), 0.3)
    deadline = time.monotonic() + 100
    while _marked(tmp_path) < 6:
        assert time.monotonic() < deadline and killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    killed.communicate()
    marked = _marked(tmp_path)
    assert 6 <= marked < 24
    meta = json.loads(next(tmp_path.glob("*/meta.json")).read_text())
    assert not meta["complete"]
    processes = [_start(str(tmp_path), 0.1) for _ in range(2)]
    results = [_result(process) for process in processes]
    assert sorted(computed for computed, _ in results) == [0, 24 - marked]
    assert results[0][1] == results[1][1]
    # Another process sees the same network, whatever its layers are called.
    keras.utils.set_random_seed(0)
    inputs = keras.Input((24, 32, 3))
    backbone = keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))
    sequence = SaliencySequence(generate(24, (24, 32)), 2, (24, 32))
    cached = make_cache(backbone, sequence, tmp_path)
    assert cached.computed == 0
    expected = backbone.predict_on_batch(sequence[3][0])
    np.testing.assert_allclose(cached[3][0], expected, rtol=2e-3, atol=0.1)


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


def test_picture_that_cannot_be_read(tmp_path, dataset):
    path = tmp_path / "broken.png"
    path.write_bytes(b"nothing")
    pictures = SaliencyDataset(
        "broken",
        [dataset.image(0)] * 5 + [path],
        names="abcdef",
        sizes=[SIZE] * 6,
        densities=[np.ones(SIZE)] * 6,
    )
    with pytest.raises(ValueError, match=r"broken\.png cannot be read"):
        make_cache(make_backbone(), make_sequence(pictures), tmp_path)


def test_folder_that_cannot_be_written(sequence, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(OSError, match="cannot be written .*directory="):
        make_cache(make_backbone(), sequence, file / "cache")
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o500)
        with pytest.raises(PermissionError, match="cannot be written"):
            make_cache(make_backbone(), sequence, closed)


def test_full_disk(sequence, tmp_path, monkeypatch):
    usage = features.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(
        features.shutil, "disk_usage", lambda path: usage._replace(free=100)
    )
    with pytest.raises(OSError, match="MB are needed .*KERAS_SALIENCY_CACHE"):
        make_cache(make_backbone(), sequence, tmp_path)


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs the device that is full"
)
def test_disk_that_fills_while_writing(sequence, tmp_path, monkeypatch):
    """The first output goes to the device that refuses every write."""
    create = features._Store.create

    def full(store, structure, shapes):
        meta = create(store, structure, shapes)
        monkeypatch.setattr(
            features,
            "open",
            lambda path, *mode: open(_full(path), *mode),
            raising=False,
        )
        return meta

    def _full(path):
        return "/dev/full" if Path(path).name == "output_0.npy" else path

    monkeypatch.setattr(features._Store, "create", full)
    with pytest.raises(OSError, match="No space left .*KERAS_SALIENCY_CACHE"):
        make_cache(make_backbone(), sequence, tmp_path)
    assert _marked(tmp_path) == 0


def test_place_from_the_environment(sequence, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_SALIENCY_CACHE", str(tmp_path / "here"))
    cached = cache_features(make_backbone(), sequence, verbose=0)
    assert cached.directory.parent == tmp_path / "here"


def test_read_only_cache_that_is_complete_is_used(
    sequence, tmp_path, monkeypatch
):
    make_cache(make_backbone(), sequence, tmp_path)
    # A lock is a file.
    monkeypatch.delattr(features._locks, "hold")
    cached = make_cache(make_backbone(), sequence, tmp_path)
    assert cached.computed == 0


def test_progress_is_shown(sequence, tmp_path, capsys):
    cache_features(make_backbone(), sequence, tmp_path)
    shown = capsys.readouterr().out
    assert "Features of 10 images" in shown and "10/10" in shown


def test_bad_dtype(sequence, tmp_path):
    with pytest.raises(ValueError, match='"float16" or "float32"'):
        make_cache(make_backbone(), sequence, tmp_path, dtype="int8")


def test_nested_outputs_are_refused(sequence, tmp_path):
    with pytest.raises(ValueError, match="nested"):
        features._flatten([[1], 2])


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
