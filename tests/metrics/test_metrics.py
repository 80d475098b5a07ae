"""Streaming metrics: equal to `evaluation`, image by image and in training."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from keras_saliency import evaluation, losses, metrics, targets

# Any size, and many ties.
RNG = np.random.default_rng(0)
SHAPE = (7, 13, 17)
DENSITY = RNG.random(SHAPE) ** 2
FIXATIONS = np.where(RNG.random(SHAPE) > 0.9, RNG.integers(1, 4, SHAPE), 0)
SMOOTH = RNG.random(SHAPE).astype("float32")
TIED = np.round(4 * SMOOTH) / 4
FEW = np.zeros(SHAPE, "float32")
FEW[:, 3, 4] = 1
PREDICTIONS = {
    "smooth": SMOOTH,
    "tied": TIED,
    "one hot": FEW,
    "constant": np.full(SHAPE, 0.25, "float32"),
    "zero": np.zeros(SHAPE, "float32"),
    "scaled": 1e-3 * SMOOTH,
}


def per_image(name, prediction, density=DENSITY, fixations=FIXATIONS):
    return evaluation.METRICS[name].function(
        prediction=prediction,
        **{
            key: {"density": density, "fixations": fixations}[key]
            for key in evaluation.METRICS[name].needs
        },
    )


def update(metric, prediction, density=DENSITY, fixations=FIXATIONS, **more):
    metric.update_state(
        targets.pack(density, fixations), prediction[..., None], **more
    )
    return float(metric.result())


@pytest.mark.parametrize("kind", PREDICTIONS)
@pytest.mark.parametrize("name", metrics.METRICS)
@pytest.mark.quick("cc|nss|auc_judd")
def test_equals_the_evaluation_of_each_image(name, kind):
    prediction = PREDICTIONS[kind]
    expected = per_image(name, prediction)
    for i in range(SHAPE[0]):
        part = np.s_[i : i + 1]
        assert update(
            metrics.METRICS[name](),
            prediction[part],
            DENSITY[part],
            FIXATIONS[part],
        ) == pytest.approx(expected[i], rel=1e-4, abs=2e-5)


@pytest.mark.parametrize("name", metrics.METRICS)
def test_mean_over_images_is_exact_for_uneven_batches(name):
    metric = metrics.METRICS[name]()
    for part in (np.s_[:4], np.s_[4:6], np.s_[6:]):
        update(metric, SMOOTH[part], DENSITY[part], FIXATIONS[part])
    assert float(metric.result()) == pytest.approx(
        per_image(name, SMOOTH).mean(), rel=1e-4
    )
    metric.reset_state()
    assert update(metric, TIED) == pytest.approx(
        per_image(name, TIED).mean(), rel=1e-4
    )


@pytest.mark.parametrize("name", ["nss", "auc_judd", "auc_borji"])
def test_images_without_fixations_do_not_count(name):
    fixations = FIXATIONS.copy()
    fixations[2:] = 0
    assert update(
        metrics.METRICS[name](), SMOOTH, fixations=fixations
    ) == pytest.approx(per_image(name, SMOOTH)[:2].mean(), rel=1e-4)


@pytest.mark.parametrize("name", metrics.METRICS)
def test_sample_weights(name):
    weight = np.zeros(SHAPE[0])
    weight[3] = 2.0
    assert update(
        metrics.METRICS[name](), SMOOTH, sample_weight=weight
    ) == pytest.approx(per_image(name, SMOOTH)[3], rel=1e-4)


@pytest.mark.parametrize("name", metrics.METRICS)
def test_half_precision_predictions(name):
    half = SMOOTH.astype("float16")
    metric = metrics.METRICS[name]()
    metric.update_state(
        targets.pack(DENSITY, FIXATIONS),
        ops.convert_to_tensor(half[..., None]),
    )
    assert float(metric.result()) == pytest.approx(
        per_image(name, half.astype("float32")).mean(), rel=1e-4
    )


@pytest.mark.parametrize("name", metrics.METRICS)
def test_configuration_round_trip(name):
    metric = metrics.METRICS[name](name="other")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize("name", metrics.METRICS)
def test_direction_is_that_of_the_evaluation(name):
    better = "up" if evaluation.METRICS[name].higher_is_better else "down"
    assert metrics.METRICS[name]._direction == better


@pytest.mark.once
@pytest.mark.further
def test_in_compile_and_in_a_saved_model(tmp_path):
    inputs = keras.Input((*SHAPE[1:], 2))
    outputs = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(
        inputs
    )
    model = keras.Model(inputs, outputs)
    images = RNG.random((*SHAPE, 2)).astype("float32")
    y = targets.pack(DENSITY, FIXATIONS)
    model.compile(
        keras.optimizers.SGD(0.0),
        losses.MeanSquaredError(),
        metrics=[metric() for metric in metrics.METRICS.values()],
    )
    logs = model.fit(
        images, y, batch_size=4, validation_data=(images, y), verbose=0
    ).history
    prediction = model.predict(images, verbose=0)[..., 0]
    for name in metrics.METRICS:
        assert logs[f"val_{name}"][0] == pytest.approx(
            per_image(name, prediction).mean(), rel=1e-3, abs=1e-4
        ), name
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    again = loaded.evaluate(images, y, verbose=0, return_dict=True)
    assert set(metrics.METRICS) < set(again)


@pytest.mark.parametrize(
    ("registered", "name"), [("CC", "cc"), ("SIM", "sim"), ("NSS", "nss")]
)
def test_a_configuration_of_an_earlier_version_is_read(registered, name):
    metric = keras.saving.deserialize_keras_object(
        {
            "module": "keras_saliency.metrics.saliency",
            "class_name": registered,
            "registered_name": f"keras_saliency.metrics>{registered}",
            "config": {"name": name, "dtype": "float32"},
        }
    )
    assert type(metric) is metrics.METRICS[name]


def test_targets_that_do_not_fit_are_refused():
    y = targets.pack(DENSITY)
    with pytest.raises(ValueError, match="nss needs fixations"):
        metrics.NormalizedScanpathSaliency().update_state(y, SMOOTH[..., None])
    with pytest.raises(ValueError, match="same height and width"):
        metrics.CorrelationCoefficient().update_state(
            y, SMOOTH[:, ::2, :, None]
        )
    with pytest.raises(ValueError, match="step"):
        metrics.AUCBorji(step=0)


@pytest.mark.parametrize("name", ["auc_judd", "auc_borji", "nss", "cc"])
def test_a_broken_map_has_no_value(name):
    broken = SMOOTH.copy()
    broken[2, 3, 4] = np.nan
    metric = metrics.METRICS[name]()
    update(metric, broken)
    assert np.isnan(ops.convert_to_numpy(metric.result()))


@pytest.mark.parametrize(
    "name", ["auc_judd", "auc_borji", "nss", "cc", "sim", "kl"]
)
def test_no_image_that_counts_is_no_value(name):
    metric = metrics.METRICS[name]()
    update(metric, SMOOTH, np.zeros(SHAPE), np.zeros(SHAPE))
    assert np.isnan(ops.convert_to_numpy(metric.result()))
    update(metric, SMOOTH)
    assert np.isfinite(ops.convert_to_numpy(metric.result()))
