"""A training that was broken off goes on as if it had not been."""

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_saliency import datasets, layers, losses, models
from keras_saliency.callbacks import Checkpoint, Resume, SaliencyMetrics
from keras_saliency.features import cache_features

SIZE = (12, 16)


def make_model(optimizer="adam"):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.3)(x)
    x = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x)
    model = keras.Model(inputs, layers.GaussianSmoothing()(x))
    # Without a graph to trace: the tests train for a few steps.
    model.compile(optimizer, losses.get("KLD"), run_eagerly=True)
    return model


def make_data(model):
    dataset = datasets.generate(24, (24, 32))
    sequences = [
        datasets.SaliencySequence(
            dataset.subset(part),
            batch_size=4,
            image_size=SIZE,
            map_size=SIZE,
            shuffle=shuffled,
            flip=shuffled,
        )
        for part, shuffled in ((slice(0, 16), True), (slice(16, 24), False))
    ]
    return sequences


class Interrupt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def train(folder, epochs=3, interrupt_after=None, **options):
    """Weights, history and best value of a training, broken off or not."""
    model = make_model()
    data, validation = make_data(model)
    best = Checkpoint(folder / "best.keras", monitor="val_cc")
    stopping = keras.callbacks.ReduceLROnPlateau(
        "val_loss", patience=1, min_delta=0.5
    )
    resume = Resume(
        folder / "state.npz", data=data, callbacks=[best, stopping], **options
    )
    callbacks = [
        SaliencyMetrics(validation, metrics=["cc"]),
        best,
        stopping,
        resume,
    ]
    if interrupt_after is not None:
        callbacks.append(Interrupt(interrupt_after))
    try:
        model.fit(
            data,
            validation_data=validation,
            epochs=epochs,
            verbose=0,
            callbacks=callbacks,
        )
    except KeyboardInterrupt:
        pass
    return model.get_weights(), resume.history, best.best


@pytest.mark.further
def test_the_result_is_the_same_bit_for_bit(tmp_path):
    wanted = train(tmp_path / "whole")
    train(tmp_path / "broken", interrupt_after=0)
    weights, history, best = train(tmp_path / "broken")
    assert history == wanted[1]
    assert best == wanted[2]
    assert len(history["loss"]) == 3
    # The plateau's count went on too.
    assert history["learning_rate"][-1] < history["learning_rate"][0]
    for a, b in zip(weights, wanted[0], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_on_cached_features(tmp_path):
    backbone = keras.Sequential(
        [keras.Input((*SIZE, 3)), keras.layers.Rescaling(1 / 255)]
    )
    backbone.trainable = False
    data, _ = make_data(None)
    cached = cache_features(
        backbone, data, directory=tmp_path / "cache", verbose=0
    )

    def run(folder, interrupt_after=None):
        model = make_model()
        resume = Resume(folder / "state.npz", data=cached)
        data.pass_number = 0
        extra = [] if interrupt_after is None else [Interrupt(interrupt_after)]
        try:
            model.fit(cached, epochs=3, verbose=0, callbacks=[resume, *extra])
        except KeyboardInterrupt:
            pass
        return model.get_weights()

    wanted = run(tmp_path / "whole")
    run(tmp_path / "broken", interrupt_after=1)
    for a, b in zip(run(tmp_path / "broken"), wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_both_optimizers_of_adversarial_training_are_kept(tmp_path):
    """Their counts of steps decide whose turn it is."""

    def made():
        images, pairs = keras.Input((*SIZE, 3)), keras.Input((*SIZE, 4))
        maps = keras.layers.Conv2D(1, 1, activation="sigmoid")(images)
        judged = keras.layers.GlobalAveragePooling2D()(pairs)
        judged = keras.layers.Dense(1, activation="sigmoid")(judged)
        trainer = models.AdversarialTraining(
            keras.Model(images, maps), keras.Model(pairs, judged)
        )
        trainer.compile()
        return trainer

    def resume(trainer):
        callback = Resume(tmp_path / "state.npz")
        callback.set_params({"epochs": 2})
        callback.set_model(trainer)
        return callback

    trainer, other = made(), made()
    for variable in trainer.discriminator_optimizer.variables:
        variable.assign(keras.ops.ones_like(variable) * 3)
    resume(trainer).on_epoch_end(0)
    resume(other).on_train_begin()
    found = [
        keras.ops.convert_to_numpy(variable)
        for variable in other.discriminator_optimizer.variables
    ]
    assert len(found) > 2 and all((values == 3).all() for values in found)


def test_a_training_that_was_ended_stays_ended(tmp_path):
    """Killed after the last pass, and before what comes after `fit`."""
    path = tmp_path / "state.npz"

    def fit():
        model = make_model()
        train, _ = make_data(model)
        stop = keras.callbacks.EarlyStopping("loss", mode="max", patience=2)
        resume = Resume(path, data=train, callbacks=[stop])
        model.fit(train, epochs=9, verbose=0, callbacks=[stop, resume])
        return model.get_weights(), resume.history

    weights, history = fit()
    # The loss falls, where it should rise.
    assert 3 <= len(history["loss"]) < 9
    again, same = fit()
    assert same == history
    for one, other in zip(weights, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nothing_is_kept_of_an_epoch_that_diverged(tmp_path):
    path = tmp_path / "state.npz"
    x = np.random.default_rng(0).random((8, 3))

    def fit(y, epochs):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        resume = Resume(path)
        stop = keras.callbacks.TerminateOnNaN()
        model.fit(x, y, epochs=epochs, verbose=0, callbacks=[stop, resume])
        return model, resume

    fit(x.sum(axis=1), 2)
    fit(np.full(8, np.nan), 4)
    model, resume = fit(x.sum(axis=1), 4)
    assert len(resume.history["loss"]) == 4
    assert np.isfinite(resume.history["loss"]).all()
    assert all(np.isfinite(values).all() for values in model.get_weights())


def test_the_file_can_be_removed_at_the_end(tmp_path):
    train(tmp_path, epochs=1, delete=True)
    assert not (tmp_path / "state.npz").exists()


def test_the_file_stays_where_the_training_diverged(tmp_path):
    model, path = make_model(), tmp_path / "state.npz"

    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.set_weights(
                    [np.nan * w for w in self.model.get_weights()]
                )

    data, _ = make_data(model)
    history = model.fit(
        data,
        epochs=4,
        verbose=0,
        callbacks=[
            Spoil(),
            keras.callbacks.TerminateOnNaN(),
            Resume(path, data=data, delete=True),
        ],
    ).history["loss"]
    assert len(history) == 3 and np.isnan(history[-1])
    again = make_model()
    data, _ = make_data(again)
    again.fit(data, epochs=3, verbose=0, callbacks=[Resume(path, data=data)])
    assert np.isfinite(again.get_weights()[0]).all()


def test_files_that_do_not_fit(tmp_path):
    path = tmp_path / "state.npz"
    data, _ = make_data(None)
    counting = keras.callbacks.ReduceLROnPlateau("loss")
    make_model().fit(
        data,
        verbose=0,
        callbacks=[counting, Resume(path, data=data, callbacks=[counting])],
    )

    def fit(**options):
        model = make_model(options.pop("optimizer", "adam"))
        model.fit(
            data, epochs=2, verbose=0, callbacks=[Resume(path, **options)]
        )

    with pytest.raises(ValueError, match="state.npz holds the state of an"):
        fit(data=data, optimizer="sgd")
    with pytest.raises(ValueError, match="with 1 callbacks, but there are 0"):
        fit(data=data)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="state.npz is damaged"):
        fit(data=data)
    with pytest.raises(ValueError, match="must end in .npz"):
        Resume(tmp_path / "state.h5")
    with pytest.raises(ValueError, match="data must be a SaliencySequence"):
        Resume(path, data=np.zeros(3))


@pytest.mark.slow
def test_changed_data_and_models(tmp_path):
    train(tmp_path, epochs=1)
    path = tmp_path / "state.npz"

    def fit(data, model=None):
        resume = Resume(
            path, data=data, callbacks=[keras.callbacks.EarlyStopping()] * 2
        )
        model = model or make_model()
        model.fit(data, epochs=2, verbose=0, callbacks=[resume])

    data, _ = make_data(None)

    def other(names=None, **options):
        return datasets.SaliencySequence(
            data.dataset if names is None else data.dataset.subset(names),
            **{
                "batch_size": 4,
                "image_size": SIZE,
                "map_size": SIZE,
                "flip": True,
            }
            | options,
        )

    for changed, message in (
        (other(batch_size=8), "batch_size 4, now 8"),
        (other(range(12)), "images 16, now 12; names"),
        (other(range(15, -1, -1)), "names"),
        (other(seed=np.int64(1)), "seed 0, now 1"),
        (other(flip=False), "flip True, now False"),
        (other(shuffle=False), "shuffle True, now False"),
        (other(image_size=(24, 32)), "image_size 12x16, now 24x32"),
        (other(map_size=(6, 8)), "map_size 12x16, now 6x8"),
        (
            other(augment=datasets.Affine(rotation=5)),
            r"augment None, now Affine\(rotation=5, .*versions None",
        ),
    ):
        with pytest.raises(ValueError, match=rf"state\.npz.*data \({message}"):
            fit(changed)
    # The same shapes, under other names.
    named = keras.models.clone_model(
        make_model(),
        clone_function=lambda layer: layer.__class__.from_config(
            layer.get_config() | {"name": f"my_{layer.name}"}
        ),
    )
    for model, optimizer in ((named, "adam"), (make_model(), "adamax")):
        model.compile(optimizer=optimizer, loss=losses.get("KLD"))
        with pytest.raises(ValueError, match="another model or optimizer"):
            fit(data, model)


@pytest.mark.parametrize(
    "state",
    [
        "[]",
        "5",
        "{}",
        "[" * 100_000,
        '{"format": 1, "epoch": "1"}',
        '{"format": 1, "epoch": 1, "history": []}',
    ],
)
@pytest.mark.quick("{}|5")
def test_a_state_that_is_none(tmp_path, state):
    path = tmp_path / "state.npz"
    np.savez(path, state=np.array(state))
    data, _ = make_data(None)
    with pytest.raises(ValueError, match="state.npz is damaged"):
        make_model().fit(data, verbose=0, callbacks=[Resume(path, data=data)])
    for damage in (bytes(4000), b"PK\x03\x04" + bytes(99), b""):
        path.write_bytes(damage)
        with pytest.raises(ValueError, match="state.npz is damaged"):
            make_model().fit(
                data, verbose=0, callbacks=[Resume(path, data=data)]
            )


class Writing:
    """Writes a file when it is read from a pickle."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_no_object_of_a_file_is_made(tmp_path):
    path, written = tmp_path / "state.npz", tmp_path / "written"
    np.savez(path, state=np.array(Writing(written), dtype=object))
    with pytest.raises(ValueError, match="state.npz is damaged"):
        make_model().fit(
            np.zeros((1, *SIZE, 3)),
            np.zeros((1, *SIZE, 1)),
            verbose=0,
            callbacks=[Resume(path)],
        )
    assert not written.exists()
    with np.load(path, allow_pickle=True) as file:
        assert file["state"].shape == ()
    assert written.exists()


@pytest.mark.slow
def test_a_second_training_in_the_same_process_is_whole(tmp_path):
    """Keras would begin it where the first one went on."""
    train(tmp_path, epochs=2, interrupt_after=0)
    data, _ = make_data(None)
    model = make_model()
    path = tmp_path / "state.npz"
    stops = [keras.callbacks.EarlyStopping()] * 2

    def fit(*callbacks):
        return model.fit(
            data, epochs=2, verbose=0, callbacks=list(callbacks)
        ).epoch

    assert fit(Resume(path, data=data, callbacks=stops)) == [1]
    assert fit() == [0, 1]
    # A training that is done is not continued.
    assert fit(Resume(path, data=data, callbacks=stops)) == []


CHILD = """
import sys
from pathlib import Path
import numpy as np
import killing
killing.arm(sys.argv[2])
sys.path.insert(0, {tests!r})
import test_resume
weights, history, best = test_resume.train(Path(sys.argv[1]), epochs=8)
np.savez(Path(sys.argv[1]) / "result.npz", *weights)
"""


def run_child(folder, moment):
    tests = Path(__file__).parent
    code = CHILD.format(tests=str(tests))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(
            [str(tests.parent / "support"), *filter(None, sys.path)]
        ),
    }
    return subprocess.run(
        [sys.executable, "-c", code, str(folder), moment],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def whole_files(folder):
    for path in folder.glob("[!.]*"):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None, path
        else:
            raise AssertionError(f"{path} is not whole")


def killed_and_continued(tmp_path, moments):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finished = run_child(whole, "never")
    assert finished.returncode == 0, finished.stderr
    kills = 0
    for moment in moments:
        child = run_child(broken, moment)
        kills += child.returncode == -signal.SIGKILL
        if child.returncode == 0:
            (broken / "result.npz").unlink()
            (broken / "state.npz").unlink()
        else:
            assert child.returncode == -signal.SIGKILL, child.stderr
        if broken.exists():
            whole_files(broken)
    assert run_child(broken, "never").returncode == 0
    with (
        np.load(whole / "result.npz") as a,
        np.load(broken / "result.npz") as b,
    ):
        for name in a.files:
            np.testing.assert_array_equal(a[name], b[name])
    return kills


needs_kill = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="needs SIGKILL"
)


@needs_kill
@pytest.mark.manual
def test_three_kills(tmp_path):
    moments = ["write 7", "replace 2", "time 0.4"]
    assert killed_and_continued(tmp_path, moments) >= 2


@needs_kill
@pytest.mark.manual
def test_thirty_kills_ten_of_them_in_a_write(tmp_path):
    moments = [
        *(f"write {n}" for n in (1, 3, 6, 10, 15, 23)),
        *(f"flush {n}" for n in (1, 2)),
        *(f"replace {n}" for n in (1, 2)),
        *(f"time {0.15 * n:.2f}" for n in range(20)),
    ]
    kills = killed_and_continued(tmp_path, moments)
    print(f"{kills} of {len(moments)} moments were reached")
    assert kills >= 25
