import cv2
import keras
import numpy as np
import pytest

from keras_saliency.callbacks import MapSnapshots


@pytest.fixture
def model():
    inputs = keras.Input((6, 8, 1))
    outputs = keras.layers.Conv2D(1, 1, kernel_initializer="ones")(inputs)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True)
    return model


@pytest.fixture
def x():
    return np.random.default_rng(0).random((5, 6, 8, 1), dtype="float32")


class Batches(keras.utils.PyDataset):
    def __init__(self, x):
        super().__init__()
        self.x, self.dataset = x, self
        self.names = [f"Action/{i}" for i in range(5)]

    def __len__(self):
        return 3

    def samples(self, b):
        return [(i, False) for i in range(2 * b, min(2 * b + 2, 5))]

    def __getitem__(self, b):
        part = self.x[2 * b : 2 * b + 2]
        return part, part


def test_writes_each_map_by_epoch(model, x, tmp_path):
    callback = MapSnapshots(x[:2], tmp_path / "new", every=2)
    model.fit(x, x, epochs=3, callbacks=[callback], verbose=0)
    files = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*.png"))
    assert [str(file) for file in files] == [
        f"new/image_000{i}/epoch_000{e}.png" for i in (0, 1) for e in (1, 3)
    ]
    written = cv2.imread(str(tmp_path / files[0]), cv2.IMREAD_UNCHANGED)
    wanted = np.rint(x[0, ..., 0] / x[0].max() * 255)
    np.testing.assert_array_equal(written, wanted)


def test_takes_the_first_images_of_a_sequence(model, x, tmp_path):
    callback = MapSnapshots(Batches(x), tmp_path, count=3, size=(12, 16))
    model.fit(x, x, epochs=1, callbacks=[callback], verbose=0)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["Action_0", "Action_1", "Action_2"]
    path = tmp_path / "Action_2" / "epoch_0001.png"
    assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape == (12, 16)


def test_other_sequences_know_no_names(model, x, tmp_path):
    class Nameless(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, b):
            return x[2 * b : 2 * b + 2]

    callback = MapSnapshots(Nameless(), tmp_path, count=3)
    callback.set_model(model)
    callback.on_epoch_end(0)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["image_0000", "image_0001", "image_0002"]


def test_dead_and_negative_maps_are_black(model, x, tmp_path):
    for factor in (0.0, -1.0):
        model.layers[-1].set_weights(
            [np.full((1, 1, 1, 1), factor), np.zeros(1)]
        )
        callback = MapSnapshots(x[:1], tmp_path)
        model.fit(x, x, epochs=1, callbacks=[callback], verbose=0)
        path = tmp_path / "image_0000" / "epoch_0001.png"
        assert not cv2.imread(str(path), cv2.IMREAD_UNCHANGED).any()


def test_refuses_what_does_not_fit(x, tmp_path):
    for data, options, message in (
        (x, {"every": 0}, "every"),
        (x, {"count": 0}, "count"),
        (x[0], {}, "images must have"),
        (x[:0], {}, "images must have"),
    ):
        with pytest.raises(ValueError, match=message):
            MapSnapshots(data, tmp_path, **options)


def test_a_file_that_cannot_be_written_does_not_end_the_training(
    model, x, tmp_path
):
    (tmp_path / "image_0000").write_text("a file where a folder should be")
    callback = MapSnapshots(x[:2], tmp_path)
    with pytest.warns(UserWarning, match="image_0000.*could not be written"):
        model.fit(x, x, epochs=1, callbacks=[callback], verbose=0)
    assert (tmp_path / "image_0001/epoch_0001.png").exists()


def test_images_of_like_names_have_a_folder_each(model, x, tmp_path):
    batches = Batches(x)
    batches.names = ["a/b", "a_b", "a/b_0001", "c", "d"]
    callback = MapSnapshots(batches, tmp_path, count=3)
    model.fit(x, x, epochs=1, callbacks=[callback], verbose=0)
    assert len(list(tmp_path.rglob("*.png"))) == 3
