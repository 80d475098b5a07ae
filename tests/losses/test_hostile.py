"""No map of a network that is far off makes a loss or metric lose a number."""

import keras
import numpy as np
import pytest
from autodiff import compiled, gradient
from keras import ops

from keras_saliency import functional, losses, metrics, targets

SIZE = (34, 36)
RNG = np.random.default_rng(0)
PRIOR = RNG.random(SIZE)
NORMAL = RNG.standard_normal(SIZE)
UNIFORM = RNG.random(SIZE)
HOSTILE = {
    "all -1": np.full(SIZE, -1.0),
    "linear": NORMAL,
    "tanh": np.tanh(NORMAL),
    "a little below zero": UNIFORM - 0.05,
    "one positive": np.where(UNIFORM == UNIFORM.max(), 1.0, -1.0),
    "all 1e-30": np.full(SIZE, 1e-30),
    "small": 1e-24 * UNIFORM,
    "sum near 1e-20": 2e-23 * UNIFORM,
    "denormal": 1e-40 * UNIFORM,
    "all 1e10": np.full(SIZE, 1e10),
    "all 1e19": np.full(SIZE, 1e19),
    "1e19": 1e19 * NORMAL,
    "all 1e30": np.full(SIZE, 1e30),
    "1e30": 1e30 * NORMAL,
    "all -1e30": np.full(SIZE, -1e30),
    "float16 max": np.full(SIZE, 65504.0),
    "float32 max": np.where(NORMAL > 0, 3.4e38, -3.4e38),
    "one float32 max": np.where(UNIFORM == UNIFORM.max(), 3.4e38, UNIFORM),
    "above one": 1 + UNIFORM,
}
ONE_HOT = (UNIFORM == UNIFORM.min()).astype("float32")
FIXATIONS = (UNIFORM > 0.97).astype("float32")
DENSITY = np.outer(np.hanning(SIZE[0]), np.hanning(SIZE[1]))
TRUTHS = {
    "usual": (DENSITY, FIXATIONS),
    "no fixations": (DENSITY, 0 * FIXATIONS),
    "nothing": (0 * DENSITY, 0 * FIXATIONS),
    "all": (0 * DENSITY + 1, 0 * FIXATIONS + 1),
    "one hot": (ONE_HOT, ONE_HOT),
}
PERCEPTUAL = ("DF", "GM")
THROUGH_VGG = [
    ("usual", p) for p in ("linear", "1e30", "float32 max", "float16 max")
]


def cases():
    """Each target with each prediction: names, targets, predictions."""
    names = [(t, p) for t in TRUTHS for p in HOSTILE]
    y_true = targets.pack(
        *(np.stack([TRUTHS[t][i] for t, _ in names]) for i in (0, 1))
    )
    return names, y_true, np.stack([HOSTILE[p] for _, p in names])[..., None]


def build(name):
    if name == "Sinkhorn":
        return losses.SinkhornDivergence(grid=6, iterations=3)
    return losses.get(name, prior=PRIOR, vgg_weights=None)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    "name", [*losses.LOSSES, "chi2 (softmax)", "IG (softmax)"]
)
@pytest.mark.quick("(MSE|KLD|BCE|NLL|NSS|CC|DF|SIM)-float32")
def test_losses_and_gradients_are_finite(name, dtype):
    loss = build(name)
    names, y_true, y_pred = cases()
    if name in PERCEPTUAL:
        # Each case passes through VGG-16, forward and backward.
        few = [i for i, n in enumerate(names) if n in THROUGH_VGG]
        y_true, y_pred = y_true[few], y_pred[few]
        names = [names[i] for i in few]
    # What is infinite in float16 is no map any more.
    largest = float(
        ops.cast(65504.0 if dtype == "float16" else 3e38, "float32")
    )
    y_pred = np.clip(y_pred, -largest, largest)
    _, slopes = gradient(
        lambda x: loss(y_true, x) * len(names), y_pred, dtype=dtype
    )
    values = ops.convert_to_numpy(
        loss.call(y_true, ops.convert_to_tensor(y_pred, dtype=dtype))
    )
    for case, value, slope in zip(names, values, slopes, strict=True):
        assert np.isfinite(value), (case, value)
        assert np.isfinite(slope).all(), case


@pytest.mark.further
def test_compiled_they_are_finite():
    every = [build(name) for name in losses.LOSSES if name not in PERCEPTUAL]
    _, y_true, y_pred = cases()

    def values(x):
        return ops.stack([loss.call(y_true, x) for loss in every])

    result, slopes = compiled(values, y_pred)
    assert np.isfinite(result).all(), [
        loss.name
        for loss, row in zip(every, result, strict=True)
        if not np.isfinite(row).all()
    ]
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize("name", metrics.METRICS)
def test_metrics_are_finite(name):
    names, y_true, y_pred = cases()
    y_pred = y_pred.astype("float32")
    metric = metrics.METRICS[name]()
    truth = targets.select(ops.convert_to_tensor(y_true), metric.target, name)
    eager = ops.convert_to_numpy(
        metric.compute(truth, ops.convert_to_tensor(y_pred))
    )
    once, _ = compiled(lambda x: metric.compute(truth, x), y_pred, slope=False)
    for case, *values in zip(names, eager, once, strict=True):
        assert np.isfinite(values).all(), (case, values)
        if name in ("sim", "auc_judd", "auc_borji"):
            assert np.less_equal(-1e-5, values).all(), (case, values)
            assert np.less_equal(values, 1 + 1e-5).all(), (case, values)
    metric.update_state(y_true, y_pred)
    assert np.isfinite(float(metric.result()))


# Those on distributions and probabilities, which know no values below zero.
CLIPPED = ["KLD", "BHAT", "NLL", "BCE", "W-BCE", "Focal", "JS", "Dice"]


@pytest.mark.parametrize("name", CLIPPED)
def test_a_map_below_zero_can_come_back(name):
    loss = build(name)
    y_true = targets.pack(DENSITY[None], FIXATIONS[None])
    x = np.full((1, *SIZE, 1), -0.2)
    first, slope = gradient(lambda x: loss(y_true, x), x)
    assert slope.max() <= 0 and slope.min() < 0
    for _ in range(12):
        _, slope = gradient(lambda x: loss(y_true, x), x)
        x = x - 0.05 * np.sign(slope)
    assert float(loss(y_true, x.astype("float32"))) < first
    # What is below zero is never pushed further down.
    _, slope = gradient(lambda x: loss(y_true, x), NORMAL[None, ..., None])
    assert slope[0, ..., 0][NORMAL < 0].max() <= 0


@pytest.mark.parametrize("name", ["BCE", "W-BCE", "Focal"])
def test_a_probability_above_one_can_come_back(name):
    loss = build(name)
    y_true = targets.pack(0.5 * DENSITY[None])
    _, slope = gradient(lambda x: loss(y_true, x), np.full((1, *SIZE, 1), 1.5))
    assert slope.min() > 0


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_gradient_of_a_probability_that_rounds_to_one(dtype):
    loss = losses.BinaryCrossEntropy()
    y = 0.25
    y_true = np.full((1, 2, 2, 1), y, "float32")
    x = np.float32([1.0, 0.9999, 0.0, 0.5]).reshape(1, 2, 2, 1)
    _, slope = gradient(lambda x: loss(y_true, x), x, dtype=dtype)
    if dtype == "bfloat16":
        x[0, 0, 1] = 1.0
    expected = ((1 - y) / (1 - x + 1e-7) - y / (x + 1e-7)) / 4
    np.testing.assert_allclose(slope, expected, rtol=1e-2)


@pytest.mark.parametrize("size", [(22, 20), (37, 50), (41, 53)])
def test_constant_maps_have_no_nss_and_no_cc(size):
    constants = [*RNG.random(12), 1, 0.1, 0.3, 1e-5, 1e5, -0.7, 1e-30, 3e30]
    shape = (len(constants), *size, 1)
    y_pred = np.zeros(shape, "float32") + np.float32(constants).reshape(
        -1, 1, 1, 1
    )
    fixations = (RNG.random(shape) > 0.98).astype("float32")
    density = RNG.random(shape).astype("float32")

    def scores(x):
        # As the output of a network, whose last operation may be fused.
        x = x * 0.7 + 0.1 * ops.sign(x)
        return ops.stack(
            [
                functional.normalized_scanpath_saliency(fixations, x),
                functional.correlation_coefficient(density, x),
                functional.correlation_coefficient(x, density),
            ]
        )

    assert not np.any(
        ops.convert_to_numpy(scores(ops.convert_to_tensor(y_pred)))
    )
    once, slopes = compiled(scores, y_pred)
    assert not np.any(once)
    # A constant map is no dead end.
    assert np.isfinite(slopes).all()
    assert (np.abs(slopes).max(axis=(1, 2, 3)) > 0).all()


@pytest.mark.parametrize("scale", [1e-15, 1e15, 1e25])
@pytest.mark.parametrize("name", ["KLD", "BHAT", "NLL", "CC", "NSS"])
def test_no_scale_of_a_map_changes_what_knows_no_scale(name, scale):
    loss = build(name)
    y_true = targets.pack(DENSITY[None], FIXATIONS[None])
    x = UNIFORM[None, ..., None].astype("float32")
    scaled = np.float32(scale) * x
    assert float(loss(y_true, scaled)) == pytest.approx(
        float(loss(y_true, x)), rel=1e-5, abs=1e-6
    )


def test_parameters_that_float32_cannot_hold():
    with pytest.raises(ValueError, match="at least 1e-16, received 1e-30"):
        losses.KLDivergence(epsilon=1e-30)
    loss = losses.MLNetMeanSquaredError(alpha=1 + 1e-12)
    y_true = np.ones((1, 4, 4, 1), "float32")
    for y_pred in (y_true, 0 * y_true):
        _, slope = gradient(lambda x: loss(y_true, x), y_pred)
        assert np.isfinite(slope).all()
    with pytest.raises(ValueError, match=r"in \[0, 1\].*255"):
        losses.CenterBias(255 * np.ones((3, 4)))


def test_a_linear_output_enlarged_by_cubic_interpolation_trains():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 16, 3)),
            layers.Conv2D(1, 3, padding="same"),
            layers.UpSampling2D(2, interpolation="bicubic"),
        ]
    )
    model.compile("adam", losses.BhattacharyyaDistance())
    x, y = RNG.random((4, 12, 16, 3)), targets.pack(RNG.random((4, 24, 32)))
    logs = model.fit(x, y, epochs=2, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
