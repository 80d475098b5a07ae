"""Train, validate and evaluate on one device and on two; print both.

Run as `python two_devices.py`, on the backend of KERAS_BACKEND: two logical
devices of TensorFlow or JAX, two processes of torch.
"""

import contextlib
import json
import os
import sys
import tempfile

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import keras  # noqa: E402
import numpy as np  # noqa: E402

from keras_saliency import (  # noqa: E402
    callbacks,
    datasets,
    evaluation,
    features,
    losses,
    metrics,
    models,
)

SIZE = (48, 64)
IMAGES = datasets.generate(7, SIZE)


def made(drop_last):
    """A compiled model, training and validation batches, the same each time."""
    keras.utils.set_random_seed(0)
    model = models.Baseline(
        input_shape=(*SIZE, 3),
        backbone="tiny",
        activation="sigmoid",
        head={"dropout": 0.0},
    )
    prior = IMAGES.mean_density(model.map_size)
    model.compile(
        keras.optimizers.SGD(1e-2),
        losses.get("LC1", prior=prior),
        metrics=[
            metrics.CorrelationCoefficient(),
            metrics.NormalizedScanpathSaliency(),
        ],
    )
    train, valid = (
        datasets.SaliencySequence(
            IMAGES, 4, SIZE, model.map_size, shuffle=False, drop_last=drop
        )
        for drop in (drop_last, False)
    )
    return model, train, valid


def measured(model, logs, valid):
    """Values to compare, with an odd batch and fewer images than devices."""
    for count in (7, 1):
        table = evaluation.evaluate(
            model, IMAGES.subset(range(count)), ["cc", "nss"], verbose=0
        )
        assert table.scores["cc"].shape == (count,)
        logs[f"evaluate {count}"] = np.concatenate(
            list(table.scores.values())
        ).tolist()
    with tempfile.TemporaryDirectory() as folder:
        cached = features.cache_features(
            getattr(model, "module", model).backbone,
            valid,
            folder,
            dtype="float32",
            verbose=0,
        )
        logs["features"] = [
            float(np.abs(array).mean())
            for batch in cached
            for array in keras.tree.flatten(batch[0])
        ]
    return logs


def fitted(scope, drop_last=True):
    with scope:
        model, train, valid = made(drop_last)
    metric = callbacks.SaliencyMetrics(valid, metrics=["cc", "nss", "emd"])
    logs = model.fit(train, epochs=2, verbose=0, callbacks=[metric]).history
    return measured(model, dict(logs), valid)


def on_tensorflow():
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    both = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    one = fitted(contextlib.nullcontext())
    return one, fitted(both.scope())


def on_jax():
    one = fitted(contextlib.nullcontext())
    devices = keras.distribution.list_devices("cpu")
    assert len(devices) == 2
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=devices)
    )
    return one, fitted(contextlib.nullcontext())


def on_torch():
    import torch

    with tempfile.TemporaryDirectory() as folder:
        results = torch.multiprocessing.spawn(
            _process, (folder,), nprocs=2, join=True
        )
        assert results is None
        two = [
            json.load(open(os.path.join(folder, f"{rank}.json")))
            for rank in (0, 1)
        ]
    assert two[0] == two[1]
    return _loop(None), two[0]


def _process(rank, folder):
    import torch

    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2
    )
    logs = _loop(rank)
    with open(os.path.join(folder, f"{rank}.json"), "w") as file:
        json.dump(logs, file)
    torch.distributed.destroy_process_group()


def _loop(rank):
    """A loop of one's own, in one process or, with a rank, in one of two."""
    import torch

    torch.set_num_threads(1)
    model, train, valid = made(drop_last=True)
    loss_of = model.loss
    wrapped = model
    if rank is not None:
        wrapped = torch.nn.parallel.DistributedDataParallel(model)
    part = slice(None) if rank is None else slice(rank, None, 2)
    weights = [v.value for v in model.trainable_variables]
    optimizer = torch.optim.SGD(weights, lr=1e-2)
    metric = callbacks.SaliencyMetrics(valid, metrics=["cc", "nss", "emd"])
    metric.set_model(wrapped)
    metric.on_train_begin()
    logs = {}
    for epoch in range(2):
        for number in range(len(train)):
            x, y = train[number]
            loss = loss_of(y[part], wrapped(x[part]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss = loss.detach()
            if rank is not None:
                torch.distributed.all_reduce(loss)
                loss = loss / 2
            logs[f"loss {epoch} {number}"] = float(loss)
        epoch_logs = {}
        metric.on_epoch_end(epoch, epoch_logs)
        logs |= {f"{key} {epoch}": v for key, v in epoch_logs.items()}
    return measured(wrapped, logs, valid)


if __name__ == "__main__":
    backend = keras.backend.backend()
    one, two = globals()[f"on_{backend}"]()
    json.dump([one, two], sys.stdout)
