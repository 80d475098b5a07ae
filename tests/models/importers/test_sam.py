"""Weights of SAM and ML-Net from files as Keras 1 on Theano wrote them."""

import pickle
import re

import h5py
import keras
import keras1_files
import numpy as np
import pytest
from scipy import signal

from keras_saliency import models
from keras_saliency.models import importers

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 32, 48, 3)).astype("uint8")
SMALL = {"backbone_weights": None, "depth": 3}
SAM = {**SMALL, "steps": 3, "gaussians": 2}


def sam_vgg():
    return models.SAMVGG((32, 48, 3), filters=(2, 3, 4, 5, 6), **SAM)


def sam_resnet():
    return models.SAMResNet(
        (32, 48, 3), filters=(2, 3, 4, 5), blocks=(2, 1, 3, 1), **SAM
    )


def ml_net():
    return models.MLNet((96, 160, 3), filters=(2, 3, 4, 5, 6), **SMALL)


CASES = {
    "sam_vgg": (sam_vgg, importers.load_sam_weights, keras1_files.sam_layers),
    "sam_resnet": (
        sam_resnet,
        importers.load_sam_weights,
        keras1_files.sam_layers,
    ),
    "ml_net": (
        ml_net,
        importers.load_ml_net_weights,
        keras1_files.ml_net_layers,
    ),
}


def randomized(model):
    """Also what is zero in a new model; variances stay positive."""
    model.set_weights(
        [
            np.abs(w + 0.3 * RNG.standard_normal(w.shape))
            if "variance" in variable.path or "prior" in variable.path
            else w + 0.3 * RNG.standard_normal(w.shape)
            for w, variable in zip(
                model.get_weights(), model.weights, strict=True
            )
        ]
    )
    return model


@pytest.mark.parametrize("whole_model", [False, True])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.quick("sam_vgg-False")
def test_a_file_of_our_weights_gives_our_predictions(
    name, whole_model, tmp_path
):
    make, load, layers = CASES[name]
    model, path = randomized(make()), tmp_path / "weights.pkl"
    keras1_files.write(path, layers(model), whole_model)
    fresh = make()
    options = {}
    if name == "sam_resnet":
        # Of ours, so that the variances stay as they are.
        options["epsilon"] = fresh.get_layer("conv1_bn").epsilon
    assert load(fresh, path, **options) is fresh
    for a, b, weight in zip(
        model.get_weights(), fresh.get_weights(), model.weights, strict=True
    ):
        np.testing.assert_array_equal(a, b, err_msg=weight.path)
    images = RNG.integers(0, 256, (1, *model.input_shape[1:])).astype("uint8")
    np.testing.assert_array_equal(
        *(keras.ops.convert_to_numpy(m(images)) for m in (model, fresh))
    )


@pytest.mark.parametrize(
    ("cls", "filters", "count"),
    [
        (models.SAMVGG, (2,) * 5, 13 * 2 + 21 + 2 * 3 + 2),
        (
            models.SAMResNet,
            (2,) * 4,
            53 * 2 + 53 * 4 + 2 + 21 + 2 * 3 + 2,
        ),
    ],
)
def test_the_model_has_the_released_file_s_arrays(cls, filters, count):
    """Of all layers, however narrow."""
    model = cls(backbone_weights=None, filters=filters, depth=2)
    layers = keras1_files.sam_layers(model)
    arrays = [array for _, weights in layers for _, array in weights]
    assert len(arrays) == count
    names = [name for name, weights in layers if weights]
    assert len(set(names)) == len(names)
    if cls is models.SAMResNet:
        assert {"conv1", "bn_conv1", "res2a_branch1", "bn5c_branch2c"} <= set(
            names
        )
        assert "res4f_branch2b" in names and "res4g_branch2a" not in names


@pytest.mark.parametrize("flip", [True, False])
def test_kernels_of_theano_convolve(flip, tmp_path):
    """A layer against SciPy's convolution, or correlation if converted."""
    layers = keras1_files.sam_layers(randomized(sam_vgg()))
    keras1_files.write(tmp_path / "weights.pkl", layers)
    model = importers.load_sam_weights(
        sam_vgg(), tmp_path / "weights.pkl", flip_filters=flip
    )
    kernel, bias = (array for _, array in dict(layers)["block2_conv1"])
    x = RNG.standard_normal((kernel.shape[1], 6, 7))
    two = signal.convolve2d if flip else signal.correlate2d
    expected = [
        sum(two(x[c], filters[c], mode="same") for c in range(len(x))) + b
        for filters, b in zip(kernel, bias, strict=True)
    ]
    y = model.get_layer("block2_conv1")(
        x.transpose(1, 2, 0)[None].astype("float32")
    )
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(y)[0].transpose(2, 0, 1),
        np.maximum(expected, 0),
        atol=1e-4,
    )


def test_the_gates_of_the_file_are_i_f_c_o(tmp_path):
    """With all kernels zero the biases alone make the result."""
    layers = dict(keras1_files.sam_layers(sam_vgg()))
    lstm = [
        (name, np.zeros_like(a)) for name, a in layers["attentiveconvlstm_1"]
    ]
    biases = {"W_i": 0.3, "U_f": -0.4, "W_c": 0.5, "U_o": 0.7}
    order = [
        *("W_a", "U_a", "V_a", "W_i", "U_i", "W_f", "U_f"),
        *("W_c", "U_c", "W_o", "U_o"),
    ]
    position = 0
    for name in order:
        if name in biases:
            title, array = lstm[position + 1]
            lstm[position + 1] = (title, array + np.float32(biases[name]))
        position += 1 if name == "V_a" else 2
    assert position == len(lstm) == 21
    layers["attentiveconvlstm_1"] = lstm
    keras1_files.write(tmp_path / "weights.pkl", list(layers.items()))
    model = importers.load_sam_weights(sam_vgg(), tmp_path / "weights.pkl")
    y = model.get_layer("attentive_conv_lstm")(np.ones((1, 4, 6, 6), "float32"))

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    memory = 0.0
    for _ in range(3):
        memory = sigmoid(-0.4) * memory + sigmoid(0.3) * np.tanh(0.5)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(y), sigmoid(0.7) * np.tanh(memory), rtol=1e-5
    )


@pytest.mark.further
def test_the_file_s_epsilon_becomes_part_of_the_variance(tmp_path):
    model, path = randomized(sam_resnet()), tmp_path / "weights.pkl"
    keras1_files.write_sam(model, path)
    fresh = importers.load_sam_weights(sam_resnet(), path, epsilon=1e-3)
    name = "conv3_block1_0_bn"
    before, after = (m.get_layer(name).get_weights()[3] for m in (model, fresh))
    np.testing.assert_allclose(after + 1.001e-5, before + 1e-3, rtol=1e-5)


class Trap:
    """Unpickled, it would raise."""

    def __reduce__(self):
        return (exec, ("raise RuntimeError('unpickled')",))


def _text(path, layers):
    path.write_text("no weights")


def _empty(path, layers):
    path.write_bytes(b"")


def _pickle(path, layers):
    path.write_bytes(pickle.dumps(Trap()))


def _truncated(path, layers):
    keras1_files.write(path, layers)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _garbled(path, layers):
    keras1_files.write(path, layers)
    data = bytearray(path.read_bytes())
    data[96:1500] = bytes(len(data[96:1500]))
    path.write_bytes(bytes(data))


def _no_names(path, layers):
    keras1_files.write(path, layers)
    with h5py.File(path, "a") as file:
        del file.attrs["layer_names"]


def _too_many_names(path, layers):
    keras1_files.write(path, layers)
    with h5py.File(path, "a") as file:
        file.attrs["layer_names"] = np.array([b"x"] * 3000)


def _missing_layer(path, layers):
    keras1_files.write(path, [x for x in layers if x[0] != "block3_conv2"])


def _missing_group(path, layers):
    keras1_files.write(path, layers)
    with h5py.File(path, "a") as file:
        del file["block3_conv2"]


def _unknown_layer(path, layers):
    keras1_files.write(path, [*layers, ("dense_1", [("W", np.ones(3))])])


def _one_too_many(path, layers):
    keras1_files.write(path, [*layers, ("convolution2d_9", layers[-1][1])])


def _other_shape(path, layers):
    name, ((title, kernel), bias) = layers[1]
    layers[1] = (name, [(title, kernel[:, :, :, :2]), bias])
    keras1_files.write(path, layers)


def _absurd_shape(path, layers):
    keras1_files.write(path, layers)
    with h5py.File(path, "a") as file:
        del file["block1_conv1"]["block1_conv1_W"]
        file["block1_conv1"].create_dataset(
            "block1_conv1_W", (2**20, 2**20), "f4", chunks=(64, 64)
        )


def _integers(path, layers):
    name, ((title, kernel), bias) = layers[1]
    layers[1] = (name, [(title, kernel.astype("int32")), bias])
    keras1_files.write(path, layers)


def _not_finite(path, layers):
    name, ((title, kernel), bias) = layers[1]
    layers[1] = (name, [(title, kernel * np.nan), bias])
    keras1_files.write(path, layers)


def _fewer_arrays(path, layers):
    name, (kernel, _) = layers[1]
    layers[1] = (name, [kernel])
    keras1_files.write(path, layers)


def _other_file(path, layers):
    other = path.with_name("other.h5")
    keras1_files.write(other, layers)
    keras1_files.write(path, layers)
    with h5py.File(path, "a") as file:
        del file["block1_conv1"]
        file["block1_conv1"] = h5py.ExternalLink(str(other), "block1_conv1")


def _other_model(path, layers):
    keras1_files.write_ml_net(ml_net(), path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_text, "no HDF5 file"),
        (_empty, "no HDF5 file"),
        (_pickle, "pickle is not read"),
        (_truncated, "does not hold"),
        (_garbled, "does not hold"),
        (_no_names, "layer_names"),
        (_too_many_names, r"shape \(3000,\)"),
        (_missing_layer, "0 layers 'block3_conv2'.*not 1"),
        (_missing_group, "no 'block3_conv2'"),
        (_unknown_layer, "'dense_1'"),
        (_one_too_many, "more than 1 layers 'convolution2d'"),
        (_other_shape, r"\(2, 3, 3, 3\) belong"),
        (_absurd_shape, r"\(1048576, 1048576\)"),
        (_integers, "int32"),
        (_not_finite, "not finite"),
        (_fewer_arrays, "1 arrays instead of 2"),
        (_other_file, "another file"),
        (_other_model, "convolution2d"),
    ],
)
@pytest.mark.quick("pickle|truncated|text")
def test_hostile_files_are_refused_and_change_nothing(
    damage, message, tmp_path
):
    model, path = sam_vgg(), tmp_path / "weights.pkl"
    damage(path, keras1_files.sam_layers(randomized(sam_vgg())))
    before = model.get_weights()
    with pytest.raises(ValueError, match=message) as error:
        importers.load_sam_weights(model, path)
    assert re.search(re.escape(str(path)), str(error.value))
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_ml_net_of_another_size_is_refused(tmp_path):
    path = tmp_path / "weights.pkl"
    keras1_files.write_ml_net(ml_net(), path)
    other = models.MLNet((240, 160, 3), filters=(2, 3, 4, 5, 6), **SMALL)
    with pytest.raises(ValueError, match=r"\(1, 2\), where.*\(3, 2\) belong"):
        importers.load_ml_net_weights(other, path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pkl"):
        importers.load_sam_weights(sam_vgg(), tmp_path / "none.pkl")
