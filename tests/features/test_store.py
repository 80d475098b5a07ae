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
from backbones import SIZE, make_backbone, make_cache, make_sequence

import keras_saliency
from keras_saliency.datasets import SaliencySequence, generate
from keras_saliency.features import store as stores


@pytest.fixture(scope="module")
def dataset():
    return generate(10, SIZE)


@pytest.fixture(scope="module")
def backbone():
    return make_backbone()


@pytest.fixture
def sequence(dataset):
    return make_sequence(dataset)


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


def test_interrupted_work_is_resumed(backbone, sequence, tmp_path):
    broken = CountingBackbone(backbone, fail_after=8)
    with pytest.raises(KeyboardInterrupt):
        make_cache(broken, sequence, tmp_path)
    counting = CountingBackbone(backbone)
    cached = make_cache(counting, sequence, tmp_path)
    assert cached.computed == 2
    fresh = make_cache(backbone, sequence, tmp_path / "other")
    for batch in range(3):
        np.testing.assert_array_equal(cached[batch][0], fresh[batch][0])


def test_all_computed_but_not_declared_complete(backbone, sequence, tmp_path):
    cached = make_cache(backbone, sequence, tmp_path)
    meta = cached.directory / "meta.json"
    meta.write_text(
        json.dumps({**json.loads(meta.read_text()), "complete": False})
    )
    assert make_cache(backbone, sequence, tmp_path).computed == 0
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
    backbone, sequence, tmp_path, file, damage, complete
):
    cached = make_cache(backbone, sequence, tmp_path)
    expected = [cached[batch][0] for batch in range(3)]
    folder = cached.directory
    del cached
    if not complete:
        meta = json.loads((folder / "meta.json").read_text())
        meta["complete"] = False
        (folder / "meta.json").write_text(json.dumps(meta))
    damage(folder / file)
    again = make_cache(backbone, sequence, tmp_path)
    assert again.computed == 10
    for batch in range(3):
        np.testing.assert_array_equal(again[batch][0], expected[batch])


SCRIPT = """
    import sys
    import time

    import keras
    from keras_saliency.features import cache_features, store
    from keras_saliency.datasets import SaliencySequence, generate

    directory, delay = sys.argv[1], float(sys.argv[2])
    store.FLUSH_SECONDS = 0.0
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
    cached = cache_features(
        backbone, sequence, directory=directory, verbose=0
    )
    print(cached.computed, cached.directory, flush=True)
"""


def _start(directory, delay):
    root = Path(keras_saliency.__file__).parents[1]
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


@pytest.mark.slow
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


def test_folder_that_cannot_be_written(backbone, sequence, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(OSError, match="cannot be written .*directory="):
        make_cache(backbone, sequence, file / "cache")
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o500)
        with pytest.raises(PermissionError, match="cannot be written"):
            make_cache(backbone, sequence, closed)


def test_full_disk(backbone, sequence, tmp_path, monkeypatch):
    usage = stores.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(
        stores.shutil, "disk_usage", lambda path: usage._replace(free=100)
    )
    with pytest.raises(OSError, match="MB are needed .*KERAS_SALIENCY_CACHE"):
        make_cache(backbone, sequence, tmp_path)


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs the device that is full"
)
def test_disk_that_fills_while_writing(
    backbone, sequence, tmp_path, monkeypatch
):
    """The first output goes to the device that refuses every write."""
    create = stores.Store.create

    def full(store, structure, shapes):
        meta = create(store, structure, shapes)
        monkeypatch.setattr(
            stores,
            "open",
            lambda path, *mode: open(_full(path), *mode),
            raising=False,
        )
        return meta

    def _full(path):
        return "/dev/full" if Path(path).name == "output_0.npy" else path

    monkeypatch.setattr(stores.Store, "create", full)
    with pytest.raises(OSError, match="No space left .*KERAS_SALIENCY_CACHE"):
        make_cache(backbone, sequence, tmp_path)
    assert _marked(tmp_path) == 0


def test_read_only_cache_that_is_complete_is_used(
    backbone, sequence, tmp_path, monkeypatch
):
    make_cache(backbone, sequence, tmp_path)
    # A lock is a file.
    monkeypatch.delattr(stores.locks, "hold")
    cached = make_cache(backbone, sequence, tmp_path)
    assert cached.computed == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"shapes": 5},
        {"shapes": [5]},
        {"shapes": [["4"]]},
        {"shapes": []},
        {"structure": 7},
        {"structure": ["a", "b"]},
        {"complete": "yes"},
        {"complete": False},
        "no marks",
        "deep",
    ],
)
def test_a_cache_with_an_odd_description_is_made_anew(tmp_path, changed):
    store = stores.Store(tmp_path, "key", 3, "float16")
    meta = store.create(None, [(2,)])
    with store.writer(meta, 3) as write:
        write(range(3), [np.ones((3, 2), "float16")])
    store.finish(meta)
    assert store.open() is not None
    path = store.folder / "meta.json"
    if changed == "deep":
        path.write_text("[" * 100_000)
    elif changed == "no marks":
        path.write_text(json.dumps(meta))
        (store.folder / "done.bin").unlink()
    else:
        path.write_text(json.dumps({**meta, "complete": True, **changed}))
    assert store.open() is None
    if changed == {"complete": False}:
        assert store.resume() is not None
    else:
        assert store.resume() is None
