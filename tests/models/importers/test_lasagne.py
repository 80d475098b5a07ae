"""Weights of SalGAN and ShallowNet from files in Lasagne's format."""

import pickle
import tracemalloc
import zipfile

import keras
import numpy as np
import pytest
from scipy import signal

from keras_saliency import models
from keras_saliency.models import importers

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 32, 48, 3)).astype("uint8")


def salgan():
    return models.SalGAN(
        (32, 48, 3), backbone_weights=None, filters=(3, 4, 5, 6, 7)
    )


def shallow_net():
    return models.ShallowNet((32, 48, 3), filters=(3, 4, 5))


CASES = {
    "salgan": (salgan, importers.load_salgan_weights),
    "shallow_net": (shallow_net, importers.load_shallow_net_weights),
}


def lasagne_values(model):
    """The model's weights as Lasagne's `get_all_param_values` gives them."""
    values = []
    if isinstance(model, models.SalGAN):
        for layer in model.layers:
            if isinstance(layer, keras.layers.Conv2D):
                kernel, bias = layer.get_weights()
                kernel = kernel.transpose(3, 2, 0, 1)
                if layer.name.startswith(("decoder", "saliency")):
                    kernel = kernel[:, :, ::-1, ::-1]
                values += [kernel, bias]
        return values
    for name in ("conv1", "conv2", "conv3"):
        kernel, bias = model.network.get_layer(name).get_weights()
        values += [kernel.transpose(3, 2, 0, 1)[:, :, ::-1, ::-1], bias]
    hidden, bias = model.network.get_layer("hidden4").get_weights()
    pixels = model.network.get_layer("pool3").output.shape[1:]
    # A row for each feature, in Lasagne channel by channel.
    order = np.arange(len(hidden)).reshape(pixels).transpose(2, 0, 1).ravel()
    values += [hidden[order], bias]
    return values + model.network.get_layer("output").get_weights()


def randomized(model):
    """Also the biases, which are zero in a new model."""
    model.set_weights(
        [w + 0.1 * RNG.standard_normal(w.shape) for w in model.get_weights()]
    )
    return model


@pytest.mark.parametrize("name", CASES)
@pytest.mark.quick("shallow_net")
def test_a_file_of_our_weights_gives_our_predictions(name, tmp_path):
    make, load = CASES[name]
    model, path = randomized(make()), tmp_path / "weights.npz"
    np.savez(path, *lasagne_values(model))
    fresh = make()
    assert load(fresh, path) is fresh
    for a, b in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(
        *(m.predict(IMAGES, verbose=0) for m in (model, fresh))
    )


@pytest.mark.further
def test_the_full_salgan_has_the_released_file_s_54_arrays(tmp_path):
    model = models.SalGAN((32, 48, 3), backbone_weights=None)
    values = lasagne_values(model)
    assert len(values) == 54
    # The released file has 127 MB.
    assert 4 * sum(v.size for v in values) == 127_148_036
    assert values[0].shape == (64, 3, 3, 3)
    assert values[26].shape == (512, 512, 3, 3)
    assert values[52].shape == (1, 64, 1, 1)


@pytest.mark.parametrize(
    ("flip_filters", "flipped"),
    [
        ("decoder", {"block2_conv1": False, "decoder2_conv1": True}),
        ("all", {"block2_conv1": True, "decoder2_conv1": True}),
        ("none", {"block2_conv1": False, "decoder2_conv1": False}),
    ],
)
@pytest.mark.quick("decoder")
def test_flipped_filters_convolve(flip_filters, flipped, tmp_path):
    """A layer against SciPy's convolution and correlation."""
    values = lasagne_values(randomized(salgan()))
    np.savez(tmp_path / "weights.npz", *values)
    model = importers.load_salgan_weights(
        salgan(), tmp_path / "weights.npz", flip_filters=flip_filters
    )
    names = [
        layer.name
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    for name, flip in flipped.items():
        index = 2 * names.index(name)
        kernel, bias = values[index], values[index + 1]
        x = RNG.standard_normal((kernel.shape[1], 6, 7))
        two = signal.convolve2d if flip else signal.correlate2d
        expected = [
            sum(two(x[c], filters[c], mode="same") for c in range(len(x))) + b
            for filters, b in zip(kernel, bias, strict=True)
        ]
        layer = model.get_layer(name)
        y = layer(x.transpose(1, 2, 0)[None].astype("float32"))
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(y)[0].transpose(2, 0, 1),
            np.maximum(expected, 0),
            atol=1e-4,
        )


def test_shallow_net_without_flipping(tmp_path):
    values = lasagne_values(randomized(shallow_net()))
    for index in (0, 2, 4):
        values[index] = values[index][:, :, ::-1, ::-1]
    np.savez(tmp_path / "turned.npz", *values)
    one = importers.load_shallow_net_weights(
        shallow_net(), tmp_path / "turned.npz", flip_filters=False
    )
    other = importers.load_shallow_net_weights(
        shallow_net(), tmp_path / "turned.npz"
    )
    for index in (0, 2, 4):
        kernels = [m.get_weights()[index] for m in (one, other)]
        np.testing.assert_array_equal(kernels[0], kernels[1][::-1, ::-1])


def test_flip_filters_is_checked(tmp_path):
    with pytest.raises(ValueError, match="flip_filters.*'both'"):
        importers.load_salgan_weights(
            salgan(), tmp_path / "x.npz", flip_filters="both"
        )


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_a_pickle_is_never_read_and_the_error_says_how_to_convert(tmp_path):
    path = tmp_path / "JuntingNet_SALICON.pickle"
    path.write_bytes(pickle.dumps(Trap(), 2))
    with pytest.raises(ValueError, match="SALICON.pickle.*savez.*lasagne"):
        importers.load_shallow_net_weights(shallow_net(), path)
    # Nor one within an archive.
    path = tmp_path / "weights.npz"
    values = lasagne_values(shallow_net())
    np.savez(path, *values[:-1], np.array([Trap()] * len(values[-1])))
    with pytest.raises(ValueError, match="weights.npz"):
        importers.load_shallow_net_weights(shallow_net(), path)


def broken(values, path, how):
    if how == "nan":
        values[3] = np.full_like(values[3], np.nan)
    elif how == "shape":
        values[2] = values[2][:, :, :2]
    elif how == "integers":
        values[3] = np.zeros(values[3].shape, "int64")
    elif how == "fewer":
        values = values[:-1]
    elif how == "more":
        values = [*values, np.zeros(3)]
    np.savez(path, *values)
    data = path.read_bytes()
    if how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "bytes changed":
        data = bytearray(data)
        data[len(data) // 3 : len(data) // 3 + 40] = b"\xff" * 40
        path.write_bytes(bytes(data))
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "other":
        path.write_bytes(b"\x89HDF\r\n" + data)


@pytest.mark.parametrize(
    "how",
    [
        "nan",
        "shape",
        "integers",
        "fewer",
        "more",
        "truncated",
        "bytes changed",
        "empty",
        "other",
    ],
)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.quick("shallow_net-(nan|shape)")
def test_other_files_are_refused_and_the_model_stays(name, how, tmp_path):
    make, load = CASES[name]
    path = tmp_path / "damaged.npz"
    broken(lasagne_values(randomized(make())), path, how)
    model = make()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"damaged\.npz"):
        load(model, path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.npz"):
        importers.load_salgan_weights(salgan(), tmp_path / "missing.npz")


def test_an_array_that_inflates_is_read_no_further_than_expected(tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez(path, *lasagne_values(shallow_net()))
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    members["arr_1.npy"] = members["arr_1.npy"] + bytes(2**27)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    del members, data
    model = shallow_net()
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"bomb\.npz.*arr_1.*larger"):
        importers.load_shallow_net_weights(model, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**25
