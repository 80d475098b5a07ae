"""What validation data and models the callbacks take, and what they refuse."""

import importlib.util

import keras
import numpy as np
import pytest

from keras_saliency import targets
from keras_saliency.callbacks import MapSnapshots, SaliencyMetrics, reading
from keras_saliency.datasets import SaliencySequence, generate

SIZE = (24, 36)
COUNT = 5


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    x = rng.random((COUNT, *SIZE, 1)).astype("float32")
    return x, targets.pack(
        rng.random((COUNT, *SIZE)), rng.poisson(0.05, (COUNT, *SIZE))
    )


def model_of(activation=None, size=SIZE, kernel=1.0):
    model = keras.Sequential(
        [
            keras.Input((*size, 1)),
            keras.layers.Conv2D(
                1,
                1,
                activation=activation,
                kernel_initializer=keras.initializers.Constant(kernel),
            ),
        ]
    )
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True)
    return model


def logs_of(callback, model=None):
    callback.set_model(model_of() if model is None else model)
    callback.on_train_begin()
    logs = {}
    for epoch in (0, 1):
        callback.on_epoch_end(epoch, logs)
    return logs


def batches(x, y, size=2):
    return [(x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)]


def of_tensorflow(x, y):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(2)


def of_torch(x, y):
    torch = pytest.importorskip("torch")
    pairs = torch.utils.data.TensorDataset(
        torch.from_numpy(x), torch.from_numpy(y)
    )
    return torch.utils.data.DataLoader(pairs, batch_size=2)


KINDS = {
    "generator": lambda x, y: (batch for batch in batches(x, y)),
    "function": lambda x, y: lambda: iter(batches(x, y)),
    "list of batches": batches,
    "two batches": lambda x, y: batches(x, y, 3),
    "lists of images": lambda x, y: (list(x), list(y)),
    "tensors": lambda x, y: (
        keras.ops.convert_to_tensor(x),
        keras.ops.convert_to_tensor(y),
    ),
    "tensorflow": of_tensorflow,
    "torch": of_torch,
}


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_any_kind(arrays, kind, tmp_path):
    expected = logs_of(SaliencyMetrics(arrays))
    callback = SaliencyMetrics(KINDS[kind](*arrays))
    assert logs_of(callback) == pytest.approx(expected, rel=1e-6)
    assert len(callback.per_image["cc"]) == COUNT
    if kind in ("lists of images", "tensors"):
        return
    snapshots = MapSnapshots(KINDS[kind](*arrays), tmp_path, count=3)
    snapshots.set_model(model_of())
    snapshots.on_epoch_end(0)
    files = sorted(path.parent.name for path in tmp_path.rglob("*.png"))
    assert files == ["image_0000", "image_0001", "image_0002"]


def test_snapshots_of_a_pair_of_arrays(arrays, tmp_path):
    snapshots = MapSnapshots(arrays, tmp_path, count=2)
    snapshots.set_model(model_of())
    snapshots.on_epoch_end(0)
    assert len(list(tmp_path.iterdir())) == 2


def test_images_of_varying_size(arrays):
    x, y = arrays
    model = model_of(size=(None, None))
    whole = SaliencyMetrics((x, y), metrics=["cc", "nss", "emd"])
    logs_of(whole, model)
    cut = [slice(None), slice(10), slice(20), slice(15), slice(11)]
    pair = tuple(
        [array[rows] for array, rows in zip(arrays_, cut, strict=True)]
        for arrays_ in (x, y)
    )
    callback = SaliencyMetrics(pair, metrics=["cc", "nss", "emd"])
    logs_of(callback, model)
    assert callback.per_image["cc"][0] == whole.per_image["cc"][0]
    assert callback.per_image["cc"][1] != whole.per_image["cc"][1]
    singles = ((a[None], b[None]) for a, b in zip(*pair, strict=True))
    generated = SaliencyMetrics(singles, metrics=["cc", "nss", "emd"])
    logs_of(generated, model)
    for name, values in callback.per_image.items():
        np.testing.assert_array_equal(values, generated.per_image[name])


def test_data_without_an_end(arrays, monkeypatch, tmp_path):
    def endless():
        while True:
            yield from batches(*arrays)

    monkeypatch.setattr(reading, "_KEPT_BYTES", 2**18)
    with pytest.raises(ValueError, match="islice"):
        SaliencyMetrics(endless())
    MapSnapshots(endless(), tmp_path)
    if importlib.util.find_spec("tensorflow"):
        with pytest.raises(ValueError, match="goes on for ever"):
            SaliencyMetrics(of_tensorflow(*arrays).repeat())
        MapSnapshots(of_tensorflow(*arrays).repeat(), tmp_path)


def test_wrong_targets_are_seen_at_the_start(arrays):
    x, y = arrays
    resized, negative, damaged = y.copy(), y.copy(), y.copy()
    resized[3, 0, 0, 1] = 0.5
    negative[3, 0, 0, 0] = -1
    damaged[3, 0, 0, 0] = np.nan
    unseen = y * np.array([1, 0], "float32")
    for wrong, message in (
        (resized, "image 3: the fixations channel holds no numbers of fix"),
        (negative, "image 3: the density channel holds negative"),
        (damaged, "image 3: the density channel holds NaN"),
        (unseen, "the fixations channel .* is zero in every image"),
    ):
        with pytest.raises(ValueError, match=message):
            SaliencyMetrics((x, wrong))
        if wrong is not unseen:
            with pytest.raises(ValueError, match=message[9:]):
                SaliencyMetrics(batches(x[3:], wrong[3:]))
    SaliencyMetrics((x, resized), metrics=["cc"])
    later = SaliencyMetrics([*batches(x, y), (x, y[..., :1])])
    with pytest.raises(ValueError, match="has no fixations, though the first"):
        logs_of(later)
    later = SaliencyMetrics([*batches(x, y), (x, y[:2])])
    with pytest.raises(ValueError, match="5 inputs but 2 targets"):
        logs_of(later)
    with pytest.raises(ValueError, match="holds no batch"):
        SaliencyMetrics([])
    with pytest.raises(ValueError, match="batch_size"):
        SaliencyMetrics((x, y), batch_size=0)


def test_metrics_in_any_form(arrays):
    for metrics in (
        ("cc", "nss"),
        ["cc", "nss"],
        {"cc": {}, "nss": {"repeats": True}},
        {"cc": None, "nss": None},
        iter(["cc", "nss"]),
    ):
        assert SaliencyMetrics(arrays, metrics=metrics).keys == [
            "val_cc",
            "val_nss",
        ]
    for metrics, message in (
        (
            {"emd": {"downsise": 8}},
            "emd has no option 'downsise'; choose .*down",
        ),
        ({"cc": {"minmax": True}}, "cc has no option 'minmax'; it has none"),
        ({"cc": "minmax"}, "options of cc must be a dictionary"),
        ([], "names no metric"),
    ):
        with pytest.raises(ValueError, match=message):
            SaliencyMetrics(arrays, metrics=metrics)


def test_the_first_maps_are_looked_at_before_training(arrays):
    x, y = arrays
    inputs = keras.Input((*SIZE, 1))
    flat = keras.Model(inputs, keras.layers.Flatten()(inputs))
    for callback, model, message in (
        (SaliencyMetrics((x, y)), flat, "must return maps"),
        (
            SaliencyMetrics((x, y), metrics={"emd": {"downsize": 0}}),
            model_of(),
            "emd: downsize must be",
        ),
    ):
        callback.set_model(model)
        with pytest.raises(ValueError, match=message):
            callback.on_train_begin()


def test_negative_predictions(arrays):
    x, y = arrays
    linear = model_of(kernel=-1.0)
    with pytest.raises(
        ValueError,
        match="negative values, -.*emd and kl are not defined.*relu.*minmax.*"
        "leave out emd and kl",
    ):
        linear.fit(x, y, verbose=0, callbacks=[SaliencyMetrics((x, y))])
    defined = SaliencyMetrics(
        (x, y), metrics={"cc": {}, "sim": {}, "kl": {"minmax": True}}
    )
    assert np.isfinite(list(logs_of(defined, linear).values())).all()
    # A model that begins without any, and is trained to predict them.
    model = model_of(kernel=1.0)
    callback = SaliencyMetrics((x, y))
    callback.set_model(model)
    callback.on_train_begin()
    model.set_weights([-w for w in model.get_weights()])
    logs = {}
    with pytest.warns(UserWarning, match="epoch 3.*emd and kl.*NaN"):
        callback.on_epoch_end(2, logs)
    assert [key for key in logs if np.isnan(logs[key])] == ["val_emd", "val_kl"]


def test_training_is_the_same_with_the_callback(arrays):
    x, y = arrays

    def trained(callbacks):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((*SIZE, 1)),
                keras.layers.Conv2D(4, 3, padding="same"),
                keras.layers.Dropout(0.5),
                keras.layers.Conv2D(1, 1, activation="relu"),
            ]
        )
        model.compile("sgd", density_only)
        model.fit(x, y, batch_size=2, verbose=0, callbacks=callbacks)
        return model.get_weights()

    pairs = zip(trained([]), trained([SaliencyMetrics((x, y))]), strict=True)
    for without, with_ in pairs:
        np.testing.assert_array_equal(without, with_)


def density_only(y_true, y_pred):
    return keras.ops.mean((y_true[..., :1] - y_pred) ** 2, axis=(1, 2, 3))


class Wrapper(keras.callbacks.Callback):
    """Calls another callback, as a user's own may."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def set_model(self, model):
        super().set_model(model)
        self.inner.set_model(model)

    def on_train_begin(self, logs=None):
        self.inner.on_train_begin(logs)

    def on_epoch_end(self, epoch, logs=None):
        self.inner.on_epoch_end(epoch, logs)


def test_inside_other_callbacks_and_loops(arrays):
    x, y = arrays
    model = model_of()

    def metrics():
        return SaliencyMetrics((x, y), metrics=["cc"])

    def stopping():
        return keras.callbacks.EarlyStopping("val_cc", mode="max")

    def fit(*callbacks):
        return model.fit(x, y[..., :1], verbose=0, callbacks=[*callbacks])

    assert "val_cc" in fit(Wrapper(metrics()), stopping()).history
    assert "val_cc" in fit(Wrapper(Wrapper(metrics()))).history
    nested = keras.callbacks.CallbackList([metrics(), stopping()])
    fit(Wrapper(nested))
    for callbacks in (
        [stopping(), Wrapper(metrics())],
        [stopping(), Wrapper(keras.callbacks.CallbackList([metrics()]))],
        [Wrapper(keras.callbacks.CallbackList([stopping(), metrics()]))],
    ):
        with pytest.raises(ValueError, match="stands before"):
            fit(*callbacks)
    late = metrics()
    late.set_model(model)
    fit(keras.callbacks.LambdaCallback(on_train_begin=late.on_train_begin))
    # A loop of one's own, with Keras' list of callbacks and without.
    history = keras.callbacks.History()
    listed = keras.callbacks.CallbackList([metrics(), history], model=model)
    listed.on_train_begin()
    listed.on_epoch_end(0)
    by_hand = metrics()
    by_hand.on_train_begin()
    by_hand.set_model(model)
    same = {}
    by_hand.on_epoch_end(0, same)
    by_hand.on_epoch_end(1)
    assert history.history == {"val_cc": [same["val_cc"]]}


def test_validation_data_are_all_images(tmp_path):
    dataset = generate(5, (24, 32))
    sequence = SaliencySequence(dataset, 2, (24, 32), drop_last=True)
    assert len(sequence) == 2 and len(sequence[1][0]) == 2
    with pytest.raises(ValueError, match="drop_last=False"):
        SaliencyMetrics(sequence)
