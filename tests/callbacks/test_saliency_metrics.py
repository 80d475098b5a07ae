"""The validation callback, with models of one weight."""

import csv

import keras
import numpy as np
import pytest

from keras_saliency import evaluation, images
from keras_saliency.callbacks import SaliencyMetrics
from keras_saliency.datasets import Affine, SaliencySequence, generate
from keras_saliency.features import cache_features
from keras_saliency.images import resize

SIZE = (24, 36)
COUNT = 6


class Fading(keras.layers.Layer):
    """Predicts the input times a weight, that training moves."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer="ones")

    def call(self, x):
        return x * self.scale


def make_model(loss):
    inputs = keras.Input((*SIZE, 1))
    model = keras.Model(inputs, Fading()(inputs))
    # Eager: most tests run for a few batches only.
    model.compile(keras.optimizers.SGD(0.01), loss, run_eagerly=True)
    return model


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    x = rng.random((COUNT, *SIZE, 1)).astype("float32")
    density = rng.random((COUNT, *SIZE, 1)).astype("float32")
    fixations = rng.poisson(0.05, (COUNT, *SIZE, 1)).astype("float32")
    fixations[:, 3, 4] = 2
    return x, np.concatenate([density, fixations], -1)


def expected(x, y):
    maps = {"density": y[..., 0], "fixations": y[..., 1]}
    means = {}
    for name in evaluation.SEVEN:
        metric = evaluation.METRICS[name]
        (need,) = metric.needs
        values = metric.function(prediction=x, **{need: maps[need]})
        means["val_" + name] = values.mean()
    return means


def density_only(y_true, y_pred):
    return keras.ops.mean((y_true[..., :1] - y_pred) ** 2, axis=(1, 2, 3))


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size=4):
        super().__init__()
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, b):
        part = slice(b * self.batch_size, (b + 1) * self.batch_size)
        return self.x[part], self.y[part]


class MapsOnly:
    """A data set, as far as the callback looks at it."""

    has_fixations = True

    def __init__(self, y):
        self.y, self.made = y, 0
        self.names = [f"folder/{i}" for i in range(len(y))]

    def __len__(self):
        return len(self.y)

    def density(self, i, size=None, sigma=None):
        self.made += 1
        assert size == SIZE
        return self.y[i, ..., 0]

    def fixation_map(self, i, size=None):
        return self.y[i, ..., 1]


class Endless(Batches):
    @property
    def num_batches(self):
        return None


class InputsOnly(Batches):
    def __getitem__(self, b):
        return super().__getitem__(b)[:1]


class Sequence(Batches):
    """As a SaliencySequence whose model is a quarter of the images' size."""

    image_size = SIZE

    def __init__(self, x, y, order=None, flipped=False):
        super().__init__(x, y)
        self.dataset = MapsOnly(y)
        self.order = list(range(len(x))) if order is None else order
        self.flipped = flipped

    def samples(self, b):
        part = slice(b * self.batch_size, (b + 1) * self.batch_size)
        return [(i, self.flipped) for i in self.order[part]]

    def __getitem__(self, b):
        return self.x[[i for i, _ in self.samples(b)]], None


def fit(model, x, y, callbacks, epochs=2, **options):
    options = {"verbose": 0, "batch_size": 4, **options}
    return model.fit(x, y, epochs=epochs, callbacks=callbacks, **options)


def test_writes_the_means_of_the_seven(arrays):
    x, y = arrays
    model = make_model(density_only)
    callback = SaliencyMetrics((x, y), batch_size=4)
    logs = fit(model, x, y, [callback], epochs=1).history
    # All but EMD and KL know no scale, and these two divide by the sum.
    for key, value in expected(x, y).items():
        assert logs[key] == [pytest.approx(value, rel=1e-4)], key
    assert callback.per_image["nss"].shape == (COUNT,)


@pytest.mark.parametrize("with_validation", [False, True])
def test_sees_the_weights_of_the_epoch(arrays, with_validation):
    x, y = arrays
    x = x + 0.5 * keras.ops.convert_to_numpy(x > 0.5)
    inputs = keras.Input((*SIZE, 1))
    shifted = keras.layers.Conv2D(1, 3, padding="same", use_bias=False)
    model = keras.Model(inputs, keras.layers.ReLU()(shifted(inputs)))
    model.compile(keras.optimizers.SGD(0.1), density_only)
    options = {"validation_data": (x, y)} if with_validation else {}
    callback = SaliencyMetrics((x, y), metrics=["sim", "nss"])
    logs = fit(model, x, y, [callback], epochs=3, **options).history
    prediction = model.predict(x, verbose=0)
    last = evaluation.sim(prediction=prediction, density=y[..., 0]).mean()
    assert logs["val_sim"][-1] == pytest.approx(last, abs=1e-6)
    assert len(set(logs["val_sim"])) == 3
    assert ("val_loss" in logs) == with_validation


def test_batches_and_sequence_agree_with_arrays(arrays):
    x, y = arrays
    model = make_model(density_only)
    order = [3, 1, 5, 0, 2, 4]
    sequence = Sequence(x, y, order)
    sources = {
        "a_": SaliencyMetrics((x, y), prefix="a_"),
        "b_": SaliencyMetrics(Batches(x, y), prefix="b_"),
        "c_": SaliencyMetrics(sequence, prefix="c_"),
    }
    logs = fit(model, x, y, list(sources.values())).history
    for name in evaluation.SEVEN:
        for prefix in "b_", "c_":
            assert logs[prefix + name] == pytest.approx(
                logs["a_" + name], rel=1e-9
            )
    np.testing.assert_array_equal(
        sources["c_"].per_image["cc"], sources["a_"].per_image["cc"][order]
    )
    # Two epochs, but each map is made once.
    assert sequence.dataset.made == COUNT


def test_predictions_are_resized_to_the_sequence(arrays):
    x, y = arrays
    inputs = keras.Input((*SIZE, 1))
    model = keras.Model(inputs, keras.layers.AveragePooling2D(4)(inputs))
    model.compile("sgd", density_only)
    callback = SaliencyMetrics(Sequence(x, y), metrics=["cc"])
    callback.set_model(model)
    # Without `fit`, no list of callbacks is found.
    callback.on_train_begin()
    logs = {}
    callback.on_epoch_end(0, logs)
    assert 0 < abs(logs["val_cc"]) < 1


def test_information_gain_over_a_baseline(arrays):
    x, y = arrays
    model = make_model(density_only)
    baseline = np.linspace(1, 2, 12).reshape(3, 4)
    options = {"information_gain": {"minmax": False}}
    callback = SaliencyMetrics((x, y), metrics=options, baseline=baseline)
    logs = fit(model, x, y, [callback]).history
    expected = evaluation.information_gain(
        prediction=model.predict(x, verbose=0),
        fixations=y[..., 1],
        baseline=images.resize(baseline.astype("float32"), SIZE),
        minmax=False,
    )
    assert logs["val_information_gain"][-1] == pytest.approx(
        expected.mean(), abs=1e-6
    )
    with pytest.raises(ValueError, match="baseline"):
        SaliencyMetrics((x, y), baseline=-baseline)


def test_density_alone(arrays):
    x, y = arrays
    with pytest.warns(UserWarning, match="leaves out auc_judd, auc_borji, nss"):
        callback = SaliencyMetrics((x, y[..., :1]))
    assert callback.keys == ["val_cc", "val_sim", "val_emd", "val_kl"]
    with pytest.raises(ValueError, match="nss needs fixations"):
        SaliencyMetrics((x, y[..., :1]), metrics=["nss"])
    with pytest.raises(ValueError, match="needs other_fixations"):
        SaliencyMetrics((x, y), metrics=["auc_shuffled"])


def test_metric_options(arrays):
    x, y = arrays
    model = make_model(density_only)
    callback = SaliencyMetrics((x, y), metrics={"emd": {"downsize": 4}})
    logs = fit(model, x, y, [callback], epochs=1).history
    value = evaluation.emd(prediction=x, density=y[..., 0], downsize=4).mean()
    assert logs["val_emd"] == [pytest.approx(value, rel=1e-4)]


def test_early_stopping_checkpoint_and_csv_see_the_keys(arrays, tmp_path):
    x, y = arrays
    model = make_model(density_only)
    history = fit(
        model,
        x,
        y,
        [
            SaliencyMetrics((x, y), metrics=["cc"]),
            # CC does not change with the scale: it never gets better.
            keras.callbacks.EarlyStopping(
                "val_cc", min_delta=0.01, patience=2, mode="max"
            ),
            keras.callbacks.ModelCheckpoint(
                tmp_path / "{epoch:02d}-{val_cc:.2f}.weights.h5",
                monitor="val_cc",
                mode="max",
                save_weights_only=True,
            ),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        ],
        epochs=10,
    )
    assert len(history.epoch) == 3
    value = history.history["val_cc"][0]
    assert (tmp_path / f"01-{value:.2f}.weights.h5").exists()
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_cc"]) for row in rows] == pytest.approx([value] * 3)


def test_a_monitor_in_front_is_an_error(arrays):
    x, y = arrays
    model = make_model(density_only)
    callbacks = [
        keras.callbacks.EarlyStopping("val_cc", mode="max"),
        SaliencyMetrics((x, y)),
    ]
    with pytest.raises(ValueError, match="EarlyStopping monitors 'val_cc'"):
        fit(model, x, y, callbacks)
    fit(model, x, y, callbacks[::-1], epochs=1)
    callbacks[0] = keras.callbacks.ReduceLROnPlateau("loss")
    fit(model, x, y, callbacks, epochs=1)


def test_a_recorder_in_front_is_warned_of(arrays, tmp_path):
    x, y = arrays
    model = make_model(density_only)
    callbacks = [
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        SaliencyMetrics((x, y), metrics=["cc"]),
    ]
    with pytest.warns(UserWarning, match="CSVLogger stands before"):
        fit(model, x, y, callbacks, epochs=1)


def test_every(arrays, tmp_path):
    x, y = arrays
    model = make_model(density_only)
    callback = SaliencyMetrics((x, y), metrics=["cc"], every=3)
    for start, stop, evaluated in ((0, 6, [0, 3, 5]), (2, 5, [1, 2])):
        logs = fit(
            model, x, y, [callback], epochs=stop, initial_epoch=start
        ).history["val_cc"]
        assert np.flatnonzero(~np.isnan(logs)).tolist() == evaluated


def test_nan_says_that_training_diverged(arrays):
    x, y = arrays
    model = make_model(density_only)
    model.set_weights([np.float32(np.nan)])
    callback = SaliencyMetrics((x, y), metrics=["cc"])
    with pytest.raises(ValueError, match="after epoch 1.*diverged"):
        fit(model, x, y, [callback])
    with pytest.warns(UserWarning, match="after epoch 1.*diverged"):
        history = fit(
            model, x, y, [keras.callbacks.TerminateOnNaN(), callback]
        ).history
    assert np.isnan(history["val_cc"]).all()


def test_a_dead_model_gets_the_documented_values(arrays):
    x, y = arrays
    model = make_model(density_only)
    model.set_weights([np.float32(0)])
    model.optimizer.learning_rate = 0
    logs = fit(model, x, y, [SaliencyMetrics((x, y))], epochs=1).history
    for key, value in (
        ("cc", 0),
        ("sim", 0),
        ("nss", 0),
        ("auc_judd", 0.5),
        ("auc_borji", 0.5),
    ):
        assert logs["val_" + key] == [value]
    assert logs["val_kl"][0] > 20


def test_images_without_ground_truth_are_left_out(arrays):
    x, y = arrays
    model = make_model(density_only)
    y = y.copy()
    y[0, ..., 1] = 0
    y[1, ..., 0] = 0
    callback = SaliencyMetrics((x, y), metrics=["nss", "kl", "sim"])
    logs = fit(model, x, y, [callback], epochs=1).history
    assert np.isnan(callback.per_image["nss"][0])
    assert np.isnan(callback.per_image["kl"][1])
    kept = callback.per_image["kl"][[0, 2, 3, 4, 5]]
    assert logs["val_kl"] == [pytest.approx(kept.mean())]


def test_progress_bar(arrays, capsys):
    x, y = arrays
    model = make_model(density_only)
    for verbose, fit_verbose, shown in (
        ("auto", 1, True),
        ("auto", 0, False),
        ("auto", 2, False),
        (1, 0, True),
        (0, 1, False),
    ):
        callback = SaliencyMetrics(
            (x, y), metrics=["cc"], batch_size=2, verbose=verbose
        )
        fit(model, x, y, [callback], epochs=1, verbose=fit_verbose)
        output = capsys.readouterr().out
        assert ("Saliency metrics" in output) == shown
        assert ("3/3" in output) == shown


def test_refuses_what_does_not_fit(arrays):
    x, y = arrays
    for data, options, message in (
        (Sequence(x, y), {"every": 0}, "every"),
        (Sequence(x, y), {"verbose": 2}, "verbose"),
        (Sequence(x, y), {"size": (0, 3)}, "size must be"),
        ((x, y), {"size": (3, 3)}, "size= is for"),
        ((x[:2], y), {}, "2 inputs but 6 targets"),
        ((x, y[..., 0]), {}, "validation targets must have"),
        (x, {}, "validation_data must be"),
        (InputsOnly(x, y), {}, "must give \\(inputs, targets\\)"),
        ((x, y), {"metrics": ["accuracy"]}, "no metric 'accuracy'"),
    ):
        with pytest.raises(ValueError, match=message):
            SaliencyMetrics(data, **options)


def test_refuses_data_without_an_end(arrays):
    with pytest.raises(ValueError, match="must have an end"):
        SaliencyMetrics(Endless(*arrays), metrics=["cc"])


def test_refuses_mirrored_data(arrays):
    x, y = arrays
    sequence = Sequence(x, y, flipped=True)
    with pytest.raises(ValueError, match="flip=False"):
        fit(make_model(density_only), x, y, [SaliencyMetrics(sequence)])
    sequence.flip = True
    with pytest.raises(ValueError, match="flip=False"):
        SaliencyMetrics(sequence)
    sequence.flip, sequence.augment = False, Affine(rotation=5)
    with pytest.raises(ValueError, match="without augment="):
        SaliencyMetrics(sequence)


def test_refuses_models_of_other_outputs(arrays):
    x, y = arrays
    inputs = keras.Input((*SIZE, 1))
    for outputs, message in (
        ([inputs, inputs + 1], "2 outputs"),
        (keras.layers.Flatten()(inputs), "must return maps"),
    ):
        callback = SaliencyMetrics((x, y))
        callback.set_model(keras.Model(inputs, outputs))
        with pytest.raises(ValueError, match=message):
            callback.on_epoch_end(0, {})


@pytest.mark.parametrize("cached", [False, True])
def test_saliency_sequence(cached, tmp_path):
    dataset = generate(count=5, size=(48, 64))
    batches = SaliencySequence(
        dataset, batch_size=2, image_size=(48, 64), map_size=(12, 16)
    )
    inputs = keras.Input((48, 64, 3))
    features = keras.layers.AveragePooling2D(4)(inputs)
    backbone = keras.Model(inputs, features)
    head = keras.Sequential(
        [
            keras.Input((12, 16, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(1, 1, activation="sigmoid"),
        ]
    )
    model = keras.Model(inputs, head(features))
    trained, data = model, batches
    if cached:
        trained = head
        data = cache_features(
            backbone, batches, directory=tmp_path, dtype="float32", verbose=0
        )
    trained.compile(keras.optimizers.SGD(0.0), density_only)
    callback = SaliencyMetrics(data)
    logs = trained.fit(data, callbacks=[callback], verbose=0).history
    assert all(np.isfinite(logs[key]).all() for key in callback.keys)
    # The sequence shuffles anew before each epoch: the images move with
    # their ground truths.
    values = []
    for batch in range(len(batches)):
        samples = batches.samples(batch)
        maps = model.predict(batches[batch][0], verbose=0)
        for (i, _), map_ in zip(samples, maps, strict=True):
            values.append(
                evaluation.cc(
                    prediction=resize(map_[..., 0], (48, 64)),
                    density=dataset.density(i, (48, 64)),
                )
            )
    assert logs["val_cc"] == [pytest.approx(np.mean(values), abs=1e-5)]
