"""What holds for every loss, and for every row of table 2."""

import inspect
import json

import keras
import numpy as np
import pytest
from autodiff import gradient
from keras import ops

from keras_saliency import losses, metrics, targets

# As a pattern: what the README's command runs.
pytestmark = pytest.mark.quick("^(MSE|KLD|NSS|CC|DF)$|R$")

SIZE = (34, 36)
PRIOR = np.random.default_rng(9).random(SIZE)
# Every loss, and the rows that are more than one with its defaults; LC2 stands
# for the row that lacks two of its terms and passes through VGG-16 as well.
ROWS = [
    row
    for row in losses.TABLE2
    if (len(row.terms) > 1 or row.terms[0][1])
    and row.name != "KLD + CC + NSS + DF + GM"
]
OF_THE_PAPER = {term for row in losses.TABLE2 for term, *_ in row.terms}
ELSEWHERE = keras.backend.backend() != "tensorflow"
NAMES = [
    *(
        pytest.param(name, marks=pytest.mark.further)
        if ELSEWHERE and name not in OF_THE_PAPER
        else name
        for name in losses.LOSSES
    ),
    *(
        pytest.param(row.name, marks=pytest.mark.further)
        if len(row.terms) == 1
        else row.name
        for row in ROWS
    ),
]


def build(name):
    if name == "Sinkhorn":
        return losses.SinkhornDivergence(grid=6, iterations=3)
    return losses.get(name, prior=PRIOR, vgg_weights=None)


@pytest.fixture(scope="module")
def batch():
    generator = np.random.default_rng(0)
    density = generator.random((3, *SIZE)) ** 3
    density /= density.max(axis=(1, 2), keepdims=True)
    fixations = (generator.random((3, *SIZE)) > 0.98).astype("float32")
    prediction = generator.random((3, *SIZE, 1)).astype("float32")
    return targets.pack(density, fixations), prediction


def numpy(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize("name", NAMES)
def test_one_finite_value_per_image(name, batch):
    values = numpy(build(name).call(*batch))
    assert values.shape == (3,)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("name", NAMES)
def test_images_do_not_influence_each_other(name, batch):
    y_true, y_pred = batch
    loss = build(name)
    together = numpy(loss.call(y_true, y_pred))
    alone = [
        numpy(loss.call(y_true[i : i + 1], y_pred[i : i + 1]))[0]
        for i in range(3)
    ]
    np.testing.assert_allclose(together, alone, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_sample_weight_and_reduction(name, batch):
    loss = build(name)
    values = numpy(loss.call(*batch))
    np.testing.assert_allclose(float(loss(*batch)), values.mean(), rtol=1e-5)
    weighted = loss(*batch, sample_weight=np.array([2.0, 0.0, 0.0]))
    np.testing.assert_allclose(
        float(weighted), 2 * values[0] / 3, rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize("name", NAMES)
def test_configuration_round_trip(name, batch):
    loss = build(name)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    if "DF" not in name and "GM" not in name:
        np.testing.assert_array_equal(
            numpy(again.call(*batch)), numpy(loss.call(*batch))
        )


@pytest.mark.parametrize("name", losses.LOSSES)
def test_every_constructor_argument_is_in_the_configuration(name):
    loss = build(name)
    arguments = set(inspect.signature(type(loss)).parameters) - {"kwargs"}
    common = {"name", "reduction", "dtype"}
    assert arguments | common == set(loss.get_config())
    for argument in arguments:
        assert hasattr(loss, argument)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_hyperparameters_are_given_by_name(name):
    kinds = {
        parameter: kind.kind
        for parameter, kind in inspect.signature(
            losses.LOSSES[name]
        ).parameters.items()
        if parameter != "prior"
    }
    kinds.pop("kwargs")
    assert set(kinds.values()) <= {inspect.Parameter.KEYWORD_ONLY}


def test_a_configuration_of_an_earlier_version_is_read():
    config = {
        "module": "keras_saliency.losses.combined",
        "class_name": "CombinedLoss",
        "registered_name": "keras_saliency.losses>CombinedLoss",
        "config": {
            "name": "combined",
            "reduction": "sum_over_batch_size",
            "dtype": "float32",
            "losses": [
                {
                    "module": "keras_saliency.losses.distribution",
                    "class_name": "KLDivergence",
                    "registered_name": "keras_saliency.losses>KLDivergence",
                    "config": {
                        "name": "kld",
                        "reduction": "sum_over_batch_size",
                        "dtype": "float32",
                        "direction": "reverse",
                        "epsilon": 1e-7,
                    },
                },
                {
                    "module": "keras_saliency.losses.center_bias",
                    "class_name": "CenterBias",
                    "registered_name": "keras_saliency.losses>CenterBias",
                    "config": {
                        "name": "center_bias",
                        "reduction": "sum_over_batch_size",
                        "dtype": "float32",
                        "prior": {"shape": [1, 2], "float32": "AACAPwAAAEA="},
                        "alpha": 0.1,
                    },
                },
            ],
            "weights": [10.0, 1.0],
        },
    }
    loss = keras.saving.deserialize_keras_object(config)
    assert loss.weights == [10, 1]
    assert loss.losses[0].direction == "reverse"
    np.testing.assert_array_equal(loss.losses[1].prior, [[1, 2]])
    assert (
        loss.get_config()["losses"][1]["config"]["prior"]
        == (config["config"]["losses"][1]["config"]["prior"])
    )


ZERO = np.zeros(SIZE)
ONE_HOT = np.zeros(SIZE)
ONE_HOT[3, 5] = 1.0
SMOOTH = np.outer(np.hanning(SIZE[0]) + 1e-3, np.hanning(SIZE[1]) + 1e-3)
DEGENERATE = {
    "zero": ZERO,
    "one": ZERO + 1,
    "constant": ZERO + 0.3,
    "one hot": ONE_HOT,
    "tiny": 1e-12 * SMOOTH,
    "huge": 6e4 * SMOOTH,
    "usual": SMOOTH,
}


# A sum of what is finite is finite: one row of the table stands for all sums.
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    "name",
    [
        *losses.LOSSES,
        "chi2 (softmax)",
        "IG (softmax)",
        losses.TABLE2[-1].name,
    ],
)
@pytest.mark.quick("(MSE|KLD|BCE|NSS|CC|R|SIM|IG|Dice)-float32")
def test_degenerate_maps_give_finite_values_and_gradients(name, dtype):
    loss = build(name)
    truths = {
        "usual": (SMOOTH, ONE_HOT),
        "zero": (ZERO, ONE_HOT),
        "no fixations": (SMOOTH, ZERO),
        "nothing": (ZERO, ZERO),
        "one": (ZERO + 1, ZERO + 1),
        "one hot": (ONE_HOT, ONE_HOT),
    }
    if "DF" in name or "GM" in name:
        # Each case passes through VGG-16, forward and backward.
        truths = {t: truths[t] for t in ("usual", "nothing")}
    cases = [(t, p) for t in truths for p in DEGENERATE]
    y_true = targets.pack(
        np.stack([truths[t][0] for t, _ in cases]),
        np.stack([truths[t][1] for t, _ in cases]),
    )
    y_pred = np.stack([DEGENERATE[p] for _, p in cases])[..., None]
    _, slopes = gradient(
        lambda x: loss(y_true, x) * len(cases), y_pred, dtype=dtype
    )
    values = numpy(
        loss.call(y_true, ops.convert_to_tensor(y_pred, dtype=dtype))
    )
    for case, value, slope in zip(cases, values, slopes, strict=True):
        assert np.isfinite(value), (case, value)
        assert np.isfinite(slope).all(), case


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.quick("(KLD|NSS|DF|Sinkhorn)-float32")
def test_random_sparse_maps_give_finite_gradients(name, dtype):
    generator = np.random.default_rng(1)
    loss = build(name)
    shape = (8, *SIZE)
    density = generator.random(shape) * (generator.random(shape) > 0.9)
    fixations = generator.random(shape) > 0.995
    prediction = generator.random(shape) * (generator.random(shape) > 0.9)
    prediction *= 10.0 ** generator.integers(-7, 3, (8, 1, 1))
    value, slopes = gradient(
        lambda x: loss(targets.pack(density, fixations), x),
        prediction[..., None],
        dtype=dtype,
    )
    assert np.isfinite(value)
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize("name", NAMES)
def test_density_alone_suffices_unless_fixations_are_needed(name, batch):
    loss = build(name)
    y_true, y_pred = batch
    if loss.target == "density":
        np.testing.assert_array_equal(
            numpy(loss.call(y_true[..., :1], y_pred)),
            numpy(loss.call(y_true, y_pred)),
        )
    else:
        with pytest.raises(ValueError, match="needs fixations.*targets.pack"):
            loss(y_true[..., :1], y_pred)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_that_do_not_fit_are_refused(name, batch):
    loss = build(name)
    y_true, y_pred = batch
    with pytest.raises(ValueError, match=r"\(3, 34, 36, 2\).*\(3, 17, 36, 1"):
        loss(y_true, y_pred[:, ::2])
    with pytest.raises(ValueError, match="prediction must have shape"):
        loss(y_true, y_pred[..., 0])
    with pytest.raises(ValueError, match="target must have shape"):
        loss(np.concatenate([y_true] * 2, axis=-1), y_pred)
    with pytest.raises(ValueError, match="one weight per image"):
        loss(y_true, y_pred, sample_weight=np.ones((3, *SIZE)))


def test_table_2_has_the_27_rows_of_the_paper():
    assert len(losses.TABLE2) == 27
    assert len({row.name for row in losses.TABLE2}) == 27
    groups = [row.group for row in losses.TABLE2]
    assert {g: groups.count(g) for g in groups} == {
        "Pixel-based": 7,
        "Distribution-based": 11,
        "Saliency-inspired": 2,
        "Perceptual-based": 2,
        "Linear combinations": 5,
    }


def test_later_rows_have_sources_and_names_of_their_own():
    names = [row.name for row in (*losses.TABLE2, *losses.LATER)]
    assert len({name.lower() for name in names}) == len(names)
    assert all(row.source for row in losses.LATER)
    single = {row.terms[0][0] for row in losses.LATER if len(row.terms) == 1}
    assert single >= {*list(losses.LOSSES)[16:]}
    for row in losses.LATER:
        loss = build(row.name)
        if len(row.terms) > 1:
            assert loss.weights == [weight for _, _, weight in row.terms]
        else:
            assert type(loss) is losses.LOSSES[row.terms[0][0]]


@pytest.mark.parametrize("name", losses.LOSSES)
def test_no_value_is_below_the_bound(name, batch):
    loss = build(name)
    y_true, y_pred = batch
    if "DF" in name or "GM" in name:
        y_true, y_pred = y_true[:1], y_pred[:1]
    for prediction in (y_pred, y_true[..., :1]):
        values = numpy(loss.call(y_true, prediction))
        assert (values >= loss.lower_bound - 2e-4).all()


def test_the_sigmoid_is_for_losses_on_probabilities():
    for row in losses.TABLE2:
        loss = build(row.name)
        expected = any(
            losses.LOSSES[term].family == "Distribution-based"
            for term, _, _ in row.terms
        )
        assert loss.activation == ("sigmoid" if expected else "relu")


def test_a_softmax_takes_maps_of_any_values():
    for name in ("chi2", "TV", "cosine", "JS", "IG", "KLD"):
        assert build(name).activation == "sigmoid"
        loss = build(f"{name}(normalization=softmax)")
        assert loss.activation == "relu"
        with pytest.raises(ValueError, match='"sum" or "softmax".*\'peak\''):
            build(f"{name}(normalization=peak)")


@pytest.mark.once
def test_all_is_computed_in_float32(batch):
    """Whatever `keras.config.floatx()` is, which Keras' losses would take."""

    def found():
        for name in ("SUM", "JS", "IG"):
            yield losses.get(name)(*batch)
        learned = losses.get("KLD + CC + EML-NSS (uncertainty)")
        with learned.learned.step(training=True):
            yield learned(*batch)
        terms = metrics.LossTerms(losses.get("EML-NET"))
        cc = metrics.METRICS["cc"]()
        for metric in (terms, cc):
            metric.update_state(*batch)
        yield from (*terms.result().values(), cc.result())

    expected = np.array([numpy(value) for value in found()])
    before = keras.config.floatx()
    try:
        keras.config.set_floatx("float16")
        values = [numpy(value) for value in found()]
    finally:
        keras.config.set_floatx(before)
    np.testing.assert_array_equal(values, expected)
    assert {value.dtype.name for value in values} == {"float32"}


def test_float16_saves_no_infinite_gradient_of_a_larger_graph():
    """A prediction that is float16 inside a graph, as in mixed precision."""
    loss = losses.get("LC1", prior=PRIOR)
    y_true = targets.pack(SMOOTH[None], ONE_HOT[None])
    _, slope = gradient(
        lambda x: loss(y_true, ops.relu(ops.cast(x, "float16") * 1e-4)),
        SMOOTH[None, :, :, None],
    )
    assert np.isfinite(slope).all()
    assert np.abs(slope).max() > 0


def test_maps_smaller_than_vgg16_takes_are_enlarged(batch):
    y_true, y_pred = batch
    loss = losses.DeepFeatures(weights=None)
    values = numpy(loss.call(y_true[:, :9, :12], y_pred[:, :9, :12]))
    assert values.shape == (3,) and (values > 0).all()


def test_weights_of_vgg16_that_are_not_there(batch):
    with pytest.raises(ValueError, match="could not load VGG-16.*missing.h5"):
        losses.GramMatrices(weights="missing.h5").call(*batch)
