"""Training in mixed precision, and on two replicas."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_saliency import losses, models, targets


@pytest.fixture
def policy():
    before = keras.mixed_precision.dtype_policy()
    yield keras.mixed_precision.set_dtype_policy
    keras.mixed_precision.set_dtype_policy(before)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains(policy, name):
    # Small: convolutions in float16 are slow on a CPU.
    policy(name)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (4, 32, 48, 3)).astype("uint8")
    model = models.Baseline((32, 48, 3), backbone="tiny", activation="sigmoid")
    shape = (4, *model.map_size)
    y = targets.pack(
        generator.random(shape) ** 4, generator.integers(0, 2, shape)
    )
    loss = losses.get("LC1", prior=y[..., 0].mean(axis=0))
    model.compile(keras.optimizers.Adam(1e-3), loss)
    logs = model.fit(images, y, epochs=5, batch_size=2, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    assert logs["loss"][-1] < logs["loss"][0]
    prediction = model.predict(images, verbose=0)
    assert prediction.dtype == np.float32
    assert np.isfinite(prediction).all()


SCRIPT = """
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
import keras
from keras_saliency import losses, models, targets

generator = np.random.default_rng(0)
images = generator.integers(0, 256, (8, 64, 96, 3)).astype("uint8")


def train(devices):
    keras.utils.set_random_seed(0)
    strategy = tf.distribute.MirroredStrategy(devices)
    with strategy.scope():
        model = models.Baseline(
            (64, 96, 3), backbone="tiny", activation="sigmoid",
            head={"dropout": 0.0},
        )
        shape = (8, *model.map_size)
        data = np.random.default_rng(1)
        y = targets.pack(data.random(shape), data.integers(0, 2, shape))
        loss = losses.get("LC1", prior=y[..., 0].mean(axis=0))
        model.compile(keras.optimizers.SGD(1e-3), loss)
    logs = model.fit(images, y, epochs=2, batch_size=4, verbose=0,
                     shuffle=False).history
    return logs, model.head.get_weights()


one, weights_one = train(["CPU:0"])
two, weights_two = train(["CPU:0", "CPU:1"])
for key in one:
    np.testing.assert_allclose(one[key], two[key], rtol=1e-3, atol=1e-5,
                               err_msg=key)
for a, b in zip(weights_one, weights_two):
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="tf.distribute"
)
def test_two_replicas_equal_one():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
