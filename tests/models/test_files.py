"""Files of Keras models that are damaged, or that ask for too much."""

import io
import json
import os
import zipfile

import h5py
import keras
import numpy as np
import pytest

from keras_saliency import cli, models
from keras_saliency._utils import hdf5
from keras_saliency.models import importers


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("keras") / "good.keras"
    image = keras.Input((8, 8, 3))
    keras.Model(image, keras.layers.Conv2D(1, 3, name="c")(image)).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def config(good, **changes):
    content = json.loads(good["config.json"])
    for layer in content["config"]["layers"]:
        for key, value in changes.items():
            if key in layer["config"]:
                layer["config"][key] = value
    return {"config.json": json.dumps(content)}


def weights(good, make):
    stream = io.BytesIO(good["model.weights.h5"])
    with h5py.File(stream, "a") as file:
        name = "layers/conv2d/vars/0"
        shape = file[name].shape
        del file[name]
        make(file, name, shape)
    return {"model.weights.h5": stream.getvalue()}


def ten_gigabytes(good):
    return config(good, filters=90_000_000)


def input_of_ten_gigabytes(good):
    return config(good, batch_shape=[None, 30_000, 30_000, 3])


def local_file(good):
    def make(file, name, shape):
        size = int(np.prod(shape)) * 4
        file.create_dataset(name, shape, "f4", external=[(__file__, 0, size)])

    return weights(good, make)


def claims_a_lot(good):
    return weights(
        good,
        lambda file, name, _: file.create_dataset(
            name, (2**20, 2**10), "f4", chunks=(64, 64)
        ),
    )


def link_to_a_file(good):
    def make(file, name, _):
        file[name] = h5py.ExternalLink(__file__, "x")

    return weights(good, make)


def long_text(good):
    return {"config.json": b" " * (2**26 + 1)}


def no_json(good):
    return {"config.json": b"[1"}


def deep_json(good):
    return {"config.json": b"[" * 100_000}


def a_list(good):
    return {"config.json": b"[]"}


def another_class(good):
    return {"config.json": good["config.json"].replace(b"Conv2D", b"ConvXX")}


def garbled_weights(good):
    return {"model.weights.h5": good["model.weights.h5"][:900]}


@pytest.mark.parametrize(
    "damage",
    [
        *(ten_gigabytes, input_of_ten_gigabytes, local_file, claims_a_lot),
        *(link_to_a_file, long_text, no_json, deep_json, a_list),
        *(another_class, garbled_weights),
    ],
)
def test_what_is_refused(good, tmp_path, damage):
    path = write(tmp_path / "bad.keras", good | damage(good))
    with pytest.raises(ValueError, match=r"bad\.keras cannot be read"):
        models.get(path)


def test_the_good_file_is_read_and_layers_keep_their_names(good, tmp_path):
    path = write(tmp_path / "good.keras", good)
    before = keras.layers.ReLU().name.rpartition("_")[2]
    assert models.get(path).count_params() == 28
    after = keras.layers.ReLU().name.rpartition("_")[2]
    assert int(after) == int(before if before.isdigit() else 0) + 1


def test_the_command_names_the_file(good, tmp_path, capsys):
    path = tmp_path / "bad.keras"
    (tmp_path / "a.png").write_bytes(b"")
    for members in (good | a_list(good), good | ten_gigabytes(good)):
        write(path, members)
        status = cli.main(
            ["predict", str(tmp_path / "a.png"), "-o", str(tmp_path / "o")]
            + ["--model", str(path)]
        )
        assert status == 2
        assert "bad.keras cannot be read" in capsys.readouterr().err


def ml_net():
    return models.MLNet(
        (32, 40, 3), backbone_weights=None, filters=(4, 4, 8, 8, 8), depth=4
    )


def test_weights_that_take_the_library_for_ever(tmp_path, monkeypatch):
    """Stands for damage on which it loops: the limit of time is what counts."""
    path = tmp_path / "a.pkl"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.zeros((20_000, 2)), chunks=(1, 2))
    monkeypatch.setattr(hdf5, "_SECONDS", 0.02)
    monkeypatch.setattr(hdf5, "_PER_OBJECT", 0)
    monkeypatch.setattr(hdf5, "_CLOCK", 1)
    with pytest.raises(ValueError, match=r"a\.pkl .*for ever"):
        importers.load_ml_net_weights(ml_net(), path)
    monkeypatch.undo()
    assert hdf5.check(path, most_bytes=2**20) == 40_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_pipes_are_not_waited_for(tmp_path):
    path = tmp_path / "a.keras"
    os.mkfifo(path)
    with pytest.raises(ValueError, match=r"a\.keras"):
        models.get(path)
    with pytest.raises(ValueError, match=r"a\.keras .*pipe"):
        importers.load_ml_net_weights(ml_net(), path)
    with pytest.raises(ValueError, match=r"a\.keras .*pipe"):
        importers.load_shallow_net_weights(models.ShallowNet(), path)


def test_weights_of_a_backbone_that_lie_elsewhere(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (99,), "u1", external=[(__file__, 0, 99)])
    with pytest.raises(ValueError, match=r"a\.h5.*lies in another file"):
        models.Baseline((64, 64, 3), backbone="vgg16", backbone_weights=path)
