"""What would go on differently is refused; files of before are read."""

import json

import keras
import numpy as np
import pytest

from keras_saliency import datasets, losses
from keras_saliency.callbacks import Resume
from keras_saliency.datasets.image_list import ImageList

SIZE = (12, 16)
MADE = datasets.generate(8, (24, 32))


def data(dataset=MADE, **options):
    return datasets.SaliencySequence(
        dataset, batch_size=4, image_size=SIZE, map_size=SIZE, **options
    )


def fit(path, batches, epochs=1, dtype="float32", **options):
    """A training of one layer, which another call goes on with."""
    keras.utils.set_random_seed(3)
    images = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(images)
    x = keras.layers.Dense(1, dtype=dtype, name="map")(x)
    x = keras.layers.Activation("sigmoid", dtype="float32")(x)
    model = keras.Model(images, x)
    optimizer = keras.optimizers.Adam(1e-3)
    if dtype == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer, losses.get("KLD"), jit_compile=False)
    resume = Resume(path, data=batches)
    model.fit(batches, epochs=epochs, verbose=0, callbacks=[resume], **options)
    return model.get_weights(), resume.history


@pytest.mark.parametrize(
    "changed, message",
    [
        (data(sigma=5), "sigma None, now 5"),
        (data(MADE.with_observers(0)), "truth"),
        (data(drop_last=True), "drop_last False, now True"),
    ],
)
def test_other_targets_are_refused(tmp_path, changed, message):
    path = tmp_path / "state.npz"
    fit(path, data())
    with pytest.raises(ValueError, match=rf"other data \({message}"):
        fit(path, changed, epochs=2)


def test_files_that_say_less_of_the_data_are_read(tmp_path):
    path = tmp_path / "state.npz"
    fit(path, data())
    content = dict(np.load(path))
    state = json.loads(content["state"].item())
    for name in ("sigma", "drop_last", "truth"):
        del state["data"][name]
    content["state"] = np.array(json.dumps(state))
    np.savez(path, **content)
    assert len(fit(path, data(sigma=5), epochs=2)[1]["loss"]) == 2


class Own(keras.utils.PyDataset):
    """Data of one's own, which say how many batches they are otherwise."""

    def __init__(self, dataset):
        super().__init__()
        self.batches = data()
        self.dataset, self.pass_number = dataset, 0

    @property
    def num_batches(self):
        return 2

    def __getitem__(self, number):
        return self.batches[number]


@pytest.mark.parametrize(
    "dataset", [ImageList("own", [np.zeros((4, 4, 3), "uint8")]), [0]]
)
def test_data_of_ones_own(tmp_path, dataset):
    path = tmp_path / "state.npz"
    fit(path, Own(dataset))
    assert len(fit(path, Own(dataset), epochs=2)[1]["loss"]) == 2


def test_epochs_that_are_not_whole_passes_are_refused(tmp_path):
    path = tmp_path / "state.npz"
    for steps in (1, 3, 4):
        with pytest.raises(ValueError, match="not a pass of 2 batches"):
            fit(path, data(), steps_per_epoch=steps)
    assert not path.exists()
    fit(path, data(), steps_per_epoch=2)


def test_a_scaled_loss_goes_on(tmp_path):
    whole = fit(tmp_path / "whole.npz", data(), 3, "mixed_float16")
    path = tmp_path / "state.npz"
    fit(path, data(), 1, "mixed_float16")
    for before, after in zip(
        fit(path, data(), 3, "mixed_float16")[0], whole[0], strict=True
    ):
        np.testing.assert_array_equal(before, after)
