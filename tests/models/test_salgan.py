"""SalGAN: generator, discriminator, and their training in turns."""

import cv2
import keras
import numpy as np
import pytest

from keras_saliency import datasets, losses, models, targets

# Where nothing depends on it: the two branches of a step compile for long.
EAGERLY = keras.backend.backend() != "jax"
RNG = np.random.default_rng(0)
SIZE = (32, 48)
IMAGES = RNG.integers(0, 256, (8, *SIZE, 3)).astype("uint8")
TARGETS = targets.pack(RNG.random((8, *SIZE)), RNG.integers(0, 2, (8, *SIZE)))


def small(**options):
    return models.SalGAN(
        (*SIZE, 3), backbone_weights=None, filters=(4, 4, 6, 6, 6), **options
    )


def adversaries(**options):
    """With a generator of two convolutions: SalGAN's compile for long."""
    images = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(images)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="tanh")(x)
    maps = keras.layers.Conv2D(
        1, 3, padding="same", activation="sigmoid", dtype="float32"
    )(x)
    return against_discriminator(keras.Model(images, maps), **options)


def against_discriminator(generator, **options):
    discriminator = models.SalGANDiscriminator(
        (*SIZE, 4), filters=(4, 5, 6), units=7
    )
    return models.AdversarialTraining(generator, discriminator, **options)


def weights(network):
    return [np.array(w) for w in network.get_weights()]


def change(before, network):
    return max(
        np.abs(a - b).max()
        for a, b in zip(before, weights(network), strict=True)
    )


def count(variables):
    return sum(int(np.prod(v.shape)) for v in variables)


@pytest.mark.once
def test_the_original_s_parameters():
    model = models.SalGAN(backbone_weights=None)
    assert model.count_params() == 31_787_009
    assert model.map_size == (192, 256)
    # conv1_1 to conv3_3 of VGG-16 do not train.
    assert count(model.non_trainable_weights) == 1_735_488
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Conv2D") == 27
    assert kinds.count("MaxPooling2D") == kinds.count("UpSampling2D") == 4


@pytest.mark.further
def test_how_much_is_frozen(tmp_path):
    assert small(frozen_blocks=0).non_trainable_weights == []
    model = small(frozen_blocks=5)
    assert len(model.non_trainable_weights) == 2 * 13
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert len(loaded.non_trainable_weights) == 2 * 13
    assert small(trainable=False).trainable_weights == []


@pytest.mark.once
@pytest.mark.further
def test_the_encoder_is_vgg16(vgg16_weights):
    model = models.SalGAN((32, 48, 3), backbone_weights=vgg16_weights)
    encoder = keras.Model(model.input, model.get_layer("block5_conv3").output)
    vgg = keras.applications.VGG16(
        include_top=False, weights=str(vgg16_weights), input_shape=(32, 48, 3)
    )
    direct = keras.Model(vgg.input, vgg.get_layer("block5_conv3").output)
    bgr = IMAGES[:2, ..., ::-1].astype("float32") - [103.939, 116.779, 123.68]
    np.testing.assert_allclose(
        encoder.predict(IMAGES[:2], verbose=0),
        direct.predict(bgr, verbose=0),
        rtol=1e-4,
        atol=1e-2,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (30, 48, 3)}, "divisible by 16"),
        ({"input_shape": (32, 48, 1)}, r"\(height, width, 3\)"),
        ({"frozen_blocks": 6}, "frozen_blocks"),
        ({"filters": (4, 4)}, "5 numbers"),
        ({"filters": (1, 2, 3, 4, 5), "backbone_weights": "w.h5"}, "w.h5"),
        ({"backbone_weights": "missing.h5"}, "missing.h5"),
    ],
)
def test_refuses_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        models.SalGAN(
            **{"input_shape": (*SIZE, 3), "backbone_weights": None, **options}
        )


@pytest.mark.further
def test_saliency_map_is_the_original_s_up_to_its_rounding():
    model = small()
    image = RNG.integers(0, 256, (70, 101, 3)).astype("uint8")
    # As the original's prediction does it, in 8 bits.
    stretched = cv2.resize(image, SIZE[::-1], interpolation=cv2.INTER_AREA)
    map_ = model.predict(stretched[None], verbose=0)[0, :, :, 0]
    map_ = cv2.resize(
        (map_ * 255).astype("uint8"), (101, 70), interpolation=cv2.INTER_CUBIC
    )
    map_ = np.clip(cv2.GaussianBlur(map_, (5, 5), 0), 0, 255)
    ours = model.saliency_map(image)
    assert (ours.shape, ours.dtype) == ((70, 101), np.float32)
    np.testing.assert_allclose(255 * ours, map_, atol=2)


def test_the_loss_is_the_cross_entropy_of_4x4_means():
    loss = small().recommended_loss()
    assert isinstance(loss, losses.PooledLoss)
    assert loss.pool_size == 4
    assert isinstance(loss.loss, losses.BinaryCrossEntropy)


@pytest.mark.once
def test_the_discriminator_s_parameters_and_layers(tmp_path):
    model = models.SalGANDiscriminator()
    assert model.count_params() == 1_359_424
    assert model.get_layer("flatten").output.shape == (None, 12 * 16 * 64)
    small = models.SalGANDiscriminator((*SIZE, 4), filters=(4, 5, 6), units=7)
    pairs = np.concatenate([TARGETS[..., :1], IMAGES], axis=-1)
    before = small.predict(pairs, verbose=0)
    assert before.shape == (8, 1)
    assert np.all((before > 0) & (before < 1))
    small.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, models.SalGANDiscriminator)
    np.testing.assert_array_equal(loaded.predict(pairs, verbose=0), before)
    with pytest.raises(ValueError, match=r"\(height, width, 4\)"):
        models.SalGANDiscriminator((32, 48, 3))


@pytest.mark.further
def test_batches_train_the_discriminator_and_the_generator_in_turns():
    trainer = adversaries()
    trainer.compile()
    for step in range(4):
        generator = weights(trainer.generator)
        discriminator = weights(trainer.discriminator)
        trainer.train_on_batch(IMAGES[:4], TARGETS[:4])
        changes = (
            change(generator, trainer.generator),
            change(discriminator, trainer.discriminator),
        )
        assert changes[step % 2] == 0
        # Adagrad's first step is its rate, for any gradient but tiny ones.
        assert changes[1 - step % 2] > 1e-6
    assert trainer.optimizer.iterations == 2
    assert trainer.discriminator_optimizer.iterations == 2


@pytest.mark.once
def test_the_losses_are_those_of_the_docstring():
    trainer = adversaries(alpha=0.3)
    trainer.compile(run_eagerly=EAGERLY)
    fake = trainer.predict(IMAGES, verbose=0)
    real, judged = (
        trainer.discriminator.predict(
            np.concatenate([maps, IMAGES], axis=-1), verbose=0
        )
        for maps in (TARGETS[..., :1], fake)
    )
    content = float(small().recommended_loss()(TARGETS, fake))
    logs = trainer.evaluate(IMAGES, TARGETS, verbose=0, return_dict=True)
    assert logs == pytest.approx(
        {
            "loss": content,
            "generator_loss": -np.log(judged).mean() + 0.3 * content,
            "discriminator_loss": -0.5
            * (np.log(real).mean() + np.log(1 - judged).mean()),
        },
        rel=1e-4,
    )
    first = trainer.train_on_batch(IMAGES, TARGETS, return_dict=True)
    assert {k: float(v) for k, v in first.items()} == pytest.approx(
        logs, rel=1e-4
    )


@pytest.mark.further
def test_an_update_is_one_step_down_the_network_s_own_loss():
    trainer = adversaries()
    trainer.compile(
        keras.optimizers.SGD(0.05),
        keras.optimizers.SGD(0.05),
        run_eagerly=EAGERLY,
    )

    def logs():
        return trainer.evaluate(IMAGES, TARGETS, verbose=0, return_dict=True)

    before = logs()
    for _ in range(3):
        for name in ("discriminator_loss", "generator_loss"):
            trainer.train_on_batch(IMAGES, TARGETS)
            after = logs()
            assert after[name] < before[name]
            before = after


@pytest.mark.slow
def test_fit_with_validation_metrics_and_any_loss():
    dataset = datasets.generate(count=7, size=SIZE)
    batches = datasets.SaliencySequence(dataset, batch_size=4, image_size=SIZE)
    trainer = adversaries()
    loss = losses.KLDivergence() + losses.NormalizedScanpathSaliency()
    trainer.compile(loss=loss, metrics=["mae"])
    history = trainer.fit(
        batches, validation_data=batches, epochs=2, verbose=0
    ).history
    names = {"loss", "generator_loss", "discriminator_loss", "mae"}
    names = {
        "mean_absolute_error" if n == "mae" and n not in history else n
        for n in names
    }
    assert set(history) == names | {f"val_{name}" for name in names}
    assert np.isfinite(list(history.values())).all()
    # Of four batches, the last of each epoch smaller.
    assert trainer.optimizer.iterations == 2


@pytest.mark.slow
def test_saved_and_read_with_the_state_of_both_optimizers(tmp_path):
    trainer = adversaries(alpha=0.1)
    trainer.compile(
        discriminator_optimizer=keras.optimizers.Adam(1e-3),
    )
    trainer.fit(IMAGES, TARGETS, batch_size=3, verbose=0)
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras")
    assert loaded.alpha == 0.1
    np.testing.assert_array_equal(
        *(m.predict(IMAGES, verbose=0) for m in (trainer, loaded))
    )
    assert isinstance(loaded.discriminator_optimizer, keras.optimizers.Adam)
    assert loaded.discriminator_optimizer.iterations == 2
    assert loaded.optimizer.iterations == 1
    for name in ("optimizer", "discriminator_optimizer"):
        kept, read = (
            [np.array(v) for v in getattr(m, name).variables]
            for m in (trainer, loaded)
        )
        for a, b in zip(kept, read, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_a_training_that_was_interrupted_resumes(tmp_path):
    class Interruption(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def train(trainer, *callbacks):
        keras.utils.set_random_seed(1)
        trainer.compile(
            keras.optimizers.Adam(1e-3),
            keras.optimizers.Adam(1e-3),
            run_eagerly=EAGERLY,
        )
        return trainer.fit(
            IMAGES,
            TARGETS,
            batch_size=3,
            epochs=3,
            shuffle=False,
            verbose=0,
            callbacks=callbacks,
        )

    start = adversaries()
    uninterrupted, stopped, resumed = (
        models.AdversarialTraining.from_config(start.get_config())
        for _ in range(3)
    )
    for trainer in (uninterrupted, stopped):
        trainer.generator.set_weights(start.generator.get_weights())
        trainer.discriminator.set_weights(start.discriminator.get_weights())
    train(uninterrupted)
    backup = tmp_path / "backup"
    with pytest.raises(KeyboardInterrupt):
        train(
            stopped,
            keras.callbacks.BackupAndRestore(backup, delete_checkpoint=False),
            Interruption(),
        )
    history = train(resumed, keras.callbacks.BackupAndRestore(backup))
    assert history.epoch == [2]
    assert resumed.discriminator_optimizer.iterations == 5
    for a, b in zip(
        weights(uninterrupted.generator),
        weights(resumed.generator),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.once
@pytest.mark.further
def test_frozen_layers_of_salgan_stay():
    trainer = against_discriminator(small())
    trainer.compile(run_eagerly=EAGERLY)
    before = weights(trainer.generator)
    trainer.fit(IMAGES, TARGETS, batch_size=2, verbose=0)
    after = weights(trainer.generator)
    same = [np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    # Kernel and bias of conv1_1 to conv3_3.
    assert all(same[:14])
    assert not any(same[14:26:2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"discriminator": (16, 48, 4)}, "16, 48, 4"),
        ({"alpha": -1.0}, "alpha"),
    ],
)
def test_networks_that_do_not_fit_are_refused(arguments, message):
    shape = arguments.pop("discriminator", (*SIZE, 4))
    discriminator = models.SalGANDiscriminator(shape, filters=(2, 2, 2))
    with pytest.raises(ValueError, match=message):
        models.AdversarialTraining(small(), discriminator, **arguments)


@pytest.mark.once
@pytest.mark.further
def test_float16_is_refused_and_bfloat16_trains():
    before = keras.mixed_precision.dtype_policy()
    try:
        keras.mixed_precision.set_dtype_policy("mixed_float16")
        with pytest.raises(ValueError, match="mixed_bfloat16"):
            adversaries().compile()
        keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
        trainer = adversaries()
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    trainer.compile()
    logs = trainer.fit(IMAGES, TARGETS, batch_size=4, verbose=0).history
    assert np.isfinite(list(logs.values())).all()
    assert trainer.predict(IMAGES, verbose=0).dtype == np.float32
