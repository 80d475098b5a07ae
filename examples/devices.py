"""Train on several devices; the losses and terms are those of one.

    KERAS_BACKEND=tensorflow python examples/devices.py --devices 2
    KERAS_BACKEND=jax python examples/devices.py --devices 2
    KERAS_BACKEND=torch python examples/devices.py --devices 2

TensorFlow's MirroredStrategy, Keras' DataParallel on JAX, and PyTorch's
DistributedDataParallel in a loop of one's own: each is one function below.
GPUs are used where there are enough, else the CPU as that many devices, on
which the same is learned and nothing is gained. Logs go to --out, the model
to --model.
"""

import argparse
import contextlib
import json
import os
import tempfile

# Before JAX is imported; without GPUs it shows the CPU as this many devices.
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")

import keras  # noqa: E402

from keras_saliency import callbacks, datasets, losses, models  # noqa: E402
from keras_saliency.metrics import LossTerms  # noqa: E402

SIZE = (48, 64)
RATE = 1e-3


def made(parsed):
    """Return a compiled model, the batches to train on and to validate on."""
    keras.utils.set_random_seed(0)
    # Each device drops other units: without dropout the logs are the same.
    model = models.Baseline(
        input_shape=(*SIZE, 3),
        backbone="tiny",
        activation="sigmoid",
        head={"dropout": 0.0},
    )
    loss = losses.get("KLD + CC + NSS")
    model.compile(optimizer=keras.optimizers.Adam(RATE), loss=loss)
    dataset = datasets.generate(parsed.images + parsed.batch_size, SIZE)
    train, validation = (
        datasets.SaliencySequence(
            dataset.subset(part),
            parsed.batch_size,
            SIZE,
            model.map_size,
            shuffle=training,
            # Each device gets the same number of images.
            drop_last=training,
        )
        for part, training in (
            (slice(0, parsed.images), True),
            (slice(parsed.images, None), False),
        )
    )
    measured = callbacks.SaliencyMetrics(validation, metrics=["cc", "nss"])
    return model, train, measured


def on_tensorflow(parsed):
    """MirroredStrategy: a copy of the model on each device."""
    import tensorflow as tf

    scope, count = contextlib.nullcontext(), 1
    if parsed.devices > 1:
        names = [f"GPU:{i}" for i in range(parsed.devices)]
        if len(tf.config.list_physical_devices("GPU")) < parsed.devices:
            tf.config.set_logical_device_configuration(
                tf.config.list_physical_devices("CPU")[0],
                [tf.config.LogicalDeviceConfiguration()] * parsed.devices,
            )
            names = [f"CPU:{i}" for i in range(parsed.devices)]
        strategy = tf.distribute.MirroredStrategy(names)
        scope, count = strategy.scope(), strategy.num_replicas_in_sync
    print(f"Devices: {count}")
    with scope:
        model, train, measured = made(parsed)
    # The sequence shuffles by its seed; `fit` would shuffle its batches by
    # Python's generator, from which a strategy may draw as well.
    run = model.fit(
        train, epochs=parsed.epochs, shuffle=False, callbacks=[measured]
    )
    model.save(parsed.model)
    return run.history


def on_jax(parsed):
    """DataParallel: each batch is split over the devices."""
    if parsed.devices > 1:
        import jax

        devices = keras.distribution.list_devices(jax.default_backend())
        if len(devices) < parsed.devices:
            devices = keras.distribution.list_devices("cpu")
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=devices[: parsed.devices])
        )
    model, train, measured = made(parsed)
    weight = model.trainable_variables[0].value
    print(f"Devices: {len(weight.sharding.device_set)}")
    run = model.fit(
        train, epochs=parsed.epochs, shuffle=False, callbacks=[measured]
    )
    model.save(parsed.model)
    return run.history


def on_torch(parsed):
    """DistributedDataParallel: a process for each device."""
    import torch

    if parsed.devices == 1:
        return torch_loop(parsed, 0)
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(
            torch_process, (parsed, folder), nprocs=parsed.devices
        )
        with open(os.path.join(folder, "logs.json")) as file:
            return json.load(file)


def torch_process(rank, parsed, folder):
    """Train in one of the processes; the first writes the logs."""
    import torch

    on_gpu = torch.cuda.device_count() >= parsed.devices
    if on_gpu:
        torch.cuda.set_device(rank)
    else:
        torch.set_num_threads(max(1, os.cpu_count() // parsed.devices))
    torch.distributed.init_process_group(
        "nccl" if on_gpu else "gloo",
        init_method=f"file://{folder}/store",
        rank=rank,
        world_size=parsed.devices,
    )
    logs = torch_loop(parsed, rank)
    if rank == 0:
        with open(os.path.join(folder, "logs.json"), "w") as file:
            json.dump(logs, file)
    torch.distributed.destroy_process_group()


def torch_loop(parsed, rank):
    """Train on a part of each batch; return the logs, means of all."""
    import torch

    model, train, measured = made(parsed)
    loss_of = model.loss
    terms = LossTerms(loss_of)
    copy, count = model, 1
    if parsed.devices > 1:
        copy = torch.nn.parallel.DistributedDataParallel(model)
        count = torch.distributed.get_world_size()
    if rank == 0:
        print(f"Devices: {count}", flush=True)
    optimizer = torch.optim.Adam(
        [variable.value for variable in model.trainable_variables], lr=RATE
    )
    measured.set_model(copy)
    measured.on_train_begin()
    part = slice(rank, None, parsed.devices)
    history = {}
    for epoch in range(parsed.epochs):
        terms.reset_state()
        mean = keras.metrics.Mean("loss")
        for number in range(len(train)):
            images, target = train[number]
            images, target = images[part], target[part]
            prediction = copy(images, training=True)
            loss = loss_of(target, prediction)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            mean.update_state(loss.detach())
            # The terms that the loss has just computed.
            terms.update_state(target, prediction)
        train.on_epoch_end()
        logs = {}
        for name, value in {"loss": mean.result(), **terms.result()}.items():
            if parsed.devices > 1:
                # As many images in each process: the mean of the means.
                torch.distributed.all_reduce(value)
            logs[name] = float(value) / parsed.devices
        measured.on_epoch_end(epoch, logs)
        for name, value in logs.items():
            history.setdefault(name, []).append(float(value))
        if rank == 0:
            print(f"Epoch {epoch + 1}: {logs}", flush=True)
    if rank == 0:
        model.save(parsed.model)
    return history


def main(arguments=None):
    """Train, and write the logs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=2)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--out", default="logs.json")
    parser.add_argument("--model", default="devices.keras")
    parsed = parser.parse_args(arguments)
    if parsed.batch_size % parsed.devices:
        parser.error("--batch-size must be a multiple of --devices")
    backend = keras.backend.backend()
    logs = globals()[f"on_{backend}"](parsed)
    with open(parsed.out, "w") as file:
        json.dump({name: list(map(float, v)) for name, v in logs.items()}, file)


if __name__ == "__main__":
    main()
